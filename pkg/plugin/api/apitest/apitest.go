// Package apitest judges what commands write by the published schemas. Only tests use it.
package apitest

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/api"
)

// SchemaFile gives the path of the published schema of a kind.
func SchemaFile(kind string) string {
	_, here, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(here), "..", "..", "..", "..", "docs", "schema", kind+".json")
}

// Valid demands that a text is the JSON of one object of a kind, valid by its published schema, and gives the object.
func Valid(t *testing.T, kind, text string) api.Object {
	t.Helper()
	object, err := api.Decode([]byte(text))
	if err != nil {
		t.Fatalf("%v in:\n%s", err, text)
	}
	if got := object.GetObjectKind().GroupVersionKind().Kind; got != kind {
		t.Fatalf("a %s, wanted a %s:\n%s", got, kind, text)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	schema, err := compiler.Compile(SchemaFile(kind))
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader([]byte(text)))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(value); err != nil {
		t.Errorf("not valid by the published schema: %v\n%s", err, text)
	}
	return object
}

// ValidObject is Valid for an object.
func ValidObject(t *testing.T, object api.Object) {
	t.Helper()
	text, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	Valid(t, object.GetObjectKind().GroupVersionKind().Kind, string(text))
}
