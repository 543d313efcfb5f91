package kube

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Happening is something to tell on the resources of a site.
type Happening struct {
	// Reason is a word in the form that Events have, e.g. CachesCleared.
	Reason string
	// Message is a sentence for people; what is longer than an Event may be is cut.
	Message string
	// Warning marks what should not have happened.
	Warning bool
	Time    time.Time
}

// longestMessage is how many bytes the message of an Event may have.
const longestMessage = 1024

// told are the resources of a site that Events are left on. Their UIDs are asked for once: `kubectl describe` looks for
// Events by UID.
type told struct {
	mu      sync.Mutex
	objects []corev1.ObjectReference
}

// Tell leaves an Event on the Infinispan of the site and on each of its Keycloaks, so that `kubectl describe` shows it. It
// tries all of them and gives the errors; a *ForbiddenError says that the right to create Events lacks.
func (s *Site) Tell(ctx context.Context, h Happening) error {
	objects, err := s.toTell(ctx)
	problems := []error{err}
	for _, object := range objects {
		problems = append(problems, s.tell(ctx, object, h))
	}
	return errors.Join(problems...)
}

// tell leaves one Event. It is one of core/v1: describe sorts by the time that only those have.
func (s *Site) tell(ctx context.Context, object corev1.ObjectReference, h Happening) error {
	ctx, cancel := bounded(ctx)
	defer cancel()
	at, kind := metav1.NewTime(h.Time), corev1.EventTypeNormal
	if h.Warning {
		kind = corev1.EventTypeWarning
	}
	event := &corev1.Event{
		ObjectMeta: metav1.ObjectMeta{
			Name: fmt.Sprintf("%s.%x.%s", object.Name, h.Time.UnixNano(), strings.ToLower(h.Reason)), Namespace: object.Namespace, Labels: s.journalLabels(),
		},
		InvolvedObject: object, Reason: h.Reason, Message: cut(h.Message, longestMessage), Type: kind,
		Source: corev1.EventSource{Component: fieldManager}, ReportingController: fieldManager,
		FirstTimestamp: at, LastTimestamp: at, Count: 1,
	}
	_, err := s.api.kube.CoreV1().Events(object.Namespace).Create(ctx, event, metav1.CreateOptions{FieldManager: fieldManager})
	return s.failed(attempt{"create", "events", "", object.Namespace}, err)
}

// toTell gives the resources that Events are left on. A Keycloak that cannot be read is left out this time.
func (s *Site) toTell(ctx context.Context) ([]corev1.ObjectReference, error) {
	s.told.mu.Lock()
	defer s.told.mu.Unlock()
	if len(s.told.objects) == 1+len(s.targets) {
		return s.told.objects, nil
	}
	group := s.server.resource.GroupVersion()
	if !s.server.managed() {
		group = statefulSetResource().GroupVersion()
	}
	s.told.objects = []corev1.ObjectReference{{
		APIVersion: group.String(), Kind: s.server.kind.object, Namespace: s.place.Namespace, Name: s.server.name, UID: s.server.uid,
	}}
	var problems []error
	for _, w := range s.targets {
		found, err := s.get(ctx, w.resource, w.kind, w.namespace, w.name)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		s.told.objects = append(s.told.objects, corev1.ObjectReference{
			APIVersion: w.resource.GroupVersion().String(), Kind: w.kind.object, Namespace: w.namespace, Name: w.name, UID: found.GetUID(),
		})
	}
	return s.told.objects, errors.Join(problems...)
}

// cut cuts a text to a number of bytes, between two characters.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	const end = "..."
	text = text[:most-len(end)]
	if last, size := utf8.DecodeLastRuneInString(text); last == utf8.RuneError && size == 1 { // the cut went through a character
		for text != "" && !utf8.RuneStart(text[len(text)-1]) {
			text = text[:len(text)-1]
		}
		text = text[:max(len(text)-1, 0)]
	}
	return text + end
}

// needEvents lists what telling the story of the run on the resources takes.
func (s *Site) needEvents(need func(...permission)) {
	p := permission{verb: "create", resource: "events", optional: true, why: "to leave the story of the run on Infinispan and Keycloak, for kubectl describe"}
	need(p)
	for _, w := range s.targets {
		p.namespace = w.namespace
		need(p)
	}
}
