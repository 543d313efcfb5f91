package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// Group and APIVersion are those of every object.
const (
	Group      = "ispn-resync.io"
	APIVersion = Group + "/v1alpha1"
)

// Object is what a command writes. The printers of cli-runtime take it.
type Object interface {
	runtime.Object
	metav1.ObjectMetaAccessor
}

// Header begins every object.
type Header struct {
	metav1.TypeMeta `json:",inline"`

	Metadata Metadata `json:"metadata"`
}

// Metadata names an object.
type Metadata struct {
	// Name is the run's for what tells of a run, else that of the site or the pair. A Failure is always named failure, a Version
	// as the version that it tells of.
	Name string `json:"name"`
}

// NewHeader makes the beginning of an object.
func NewHeader(kind, name string) Header {
	return Header{TypeMeta: metav1.TypeMeta{APIVersion: APIVersion, Kind: kind}, Metadata: Metadata{Name: name}}
}

// GetObjectMeta implements metav1.ObjectMetaAccessor, for the printer of names.
func (h *Header) GetObjectMeta() metav1.Object { return &metav1.ObjectMeta{Name: h.Metadata.Name} }

// Lister is an object that stands for several, which are named one by one.
type Lister interface{ Each() []Object }

// kinds makes an empty object of each kind.
func kinds() map[string]func() Object {
	return map[string]func() Object{
		KindStatus:      func() Object { return &Status{} },
		KindDiff:        func() Object { return &Diff{} },
		KindPlan:        func() Object { return &Plan{} },
		KindResult:      func() Object { return &Result{} },
		KindFailure:     func() Object { return &Failure{} },
		KindPhaseResult: func() Object { return &PhaseResult{} },
		KindReport:      func() Object { return &Report{} },
		KindHistory:     func() Object { return &History{} },
		KindRun:         func() Object { return &Run{} },
		KindVersion:     func() Object { return &Version{} },
		KindCheckReport: func() Object { return &CheckReport{} },
		KindCheck:       func() Object { return &Check{} },
		KindUndertaking: func() Object { return &Undertaking{} },
	}
}

// Kinds lists all kinds, sorted.
func Kinds() []string { return slices.Sorted(maps.Keys(kinds())) }

// New makes an empty object of a kind.
func New(kind string) (Object, error) {
	empty, ok := kinds()[kind]
	if !ok {
		return nil, fmt.Errorf("there is no kind %q", kind)
	}
	return empty(), nil
}

// Decode reads an object from its JSON. A version, kind or field that is not known is an error.
func Decode(data []byte) (Object, error) {
	var is metav1.TypeMeta
	if err := json.Unmarshal(data, &is); err != nil {
		return nil, fmt.Errorf("read an object: %w", err)
	}
	if is.APIVersion != APIVersion {
		return nil, fmt.Errorf("apiVersion %q is not %s", is.APIVersion, APIVersion)
	}
	object, err := New(is.Kind)
	if err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(object); err != nil {
		return nil, fmt.Errorf("read a %s: %w", is.Kind, err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read a %s: something stands behind it", is.Kind)
	}
	return object, nil
}

// ThroughJSON gives an object as its JSON tells it, with everything that JSON does not hold gone.
func ThroughJSON(object Object) (Object, error) {
	data, err := json.Marshal(object)
	if err != nil {
		return nil, fmt.Errorf("encode a %T: %w", object, err)
	}
	return Decode(data)
}

// deepCopy copies plain data by its JSON, which holds all of it.
func deepCopy[T any](from *T) *T {
	to := new(T)
	data, err := json.Marshal(from)
	if err == nil {
		err = json.Unmarshal(data, to)
	}
	if err != nil {
		panic(fmt.Sprintf("copy a %T: %v", from, err)) // plain data has a JSON; tests copy every kind
	}
	return to
}

// Seconds is a duration.
type Seconds float64

// SecondsOf gives a duration in seconds, to the millisecond.
func SecondsOf(d time.Duration) Seconds {
	return Seconds(math.Round(d.Seconds()*1000) / 1000)
}

// Duration gives the duration.
func (s Seconds) Duration() time.Duration {
	return time.Duration(math.Round(float64(s)*1000)) * time.Millisecond
}
