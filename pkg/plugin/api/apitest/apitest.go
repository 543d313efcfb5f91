// Package apitest judges what commands write by the published schemas. Only tests use it.
package apitest

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/api"
)

// SchemaFile gives the path of the published schema of a kind.
func SchemaFile(t *testing.T, kind string) string {
	t.Helper()
	folder, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for folder != filepath.Dir(folder) {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return filepath.Join(folder, "docs", "schema", kind+".json")
		}
		folder = filepath.Dir(folder)
	}
	t.Fatal("there is no module around this test")
	return ""
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
	schema, err := compiler.Compile(SchemaFile(t, kind))
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
