package api_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/invopop/jsonschema"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/api"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/api/apitest"
)

func TestMain(m *testing.M) {
	flag.Bool("update", false, "write the schemas anew")
	os.Exit(m.Run()) //nolint:forbidigo // a test's main
}

// schemaOf makes the schema of a kind from its struct and the comments in it.
func schemaOf(t *testing.T, kind string) []byte {
	t.Helper()
	object, err := api.New(kind)
	if err != nil {
		t.Fatal(err)
	}
	reflector := &jsonschema.Reflector{
		Anonymous: true, ExpandedStruct: true,
		// Fields may be added within a version; who validates must not break on them.
		AllowAdditionalProperties: true,
	}
	if err := reflector.AddGoComments("github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/api", "."); err != nil {
		t.Fatal(err)
	}
	schema := reflector.Reflect(object)
	schema.Title = kind
	for name, value := range map[string]string{"apiVersion": api.APIVersion, "kind": kind} {
		property, ok := schema.Properties.Get(name)
		if !ok {
			t.Fatalf("%s has no %s", kind, name)
		}
		property.Const, property.Description = value, ""
	}
	schema.Required = append([]string{"apiVersion", "kind"}, schema.Required...)
	text, err := json.MarshalIndent(schema, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(text, '\n')
}

func TestThePublishedSchemasAreThoseOfTheStructs(t *testing.T) {
	published := map[string]bool{}
	for _, kind := range api.Kinds() {
		path := apitest.SchemaFile(t, kind)
		published[filepath.Base(path)] = true
		got := schemaOf(t, kind)
		if flag.Lookup("update").Value.String() == "true" {
			if err := os.WriteFile(path, got, 0o600); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s is not that of the struct; go test ./pkg/plugin/api -update writes it anew (-want +got):\n%s", path, diff)
		}
	}
	files, err := os.ReadDir(filepath.Dir(apitest.SchemaFile(t, "x")))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if !published[file.Name()] {
			t.Errorf("docs/schema/%s is the schema of no kind", file.Name())
		}
	}
}

// eachField visits the fields of a struct and of those in it.
func eachField(t reflect.Type, seen map[reflect.Type]bool, visit func(owner reflect.Type, field reflect.StructField)) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || !strings.HasSuffix(t.PkgPath(), "pkg/plugin/api") || seen[t] {
		return
	}
	seen[t] = true
	for field := range t.Fields() {
		visit(t, field)
		eachField(field.Type, seen, visit)
	}
}

func TestEveryFieldIsInTheJSONAndExplained(t *testing.T) {
	for _, kind := range api.Kinds() {
		object, err := api.New(kind)
		if err != nil {
			t.Fatal(err)
		}
		schema := string(schemaOf(t, kind))
		eachField(reflect.TypeOf(object), map[reflect.Type]bool{}, func(owner reflect.Type, field reflect.StructField) {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			switch {
			case field.Anonymous || field.Name == "Metadata":
			case !field.IsExported() || name == "" || name == "-":
				t.Errorf("%s.%s has no name in JSON: the text could say what the JSON does not", owner, field.Name)
			case !strings.Contains(schema, `"`+name+`"`):
				t.Errorf("%s.%s is not in the schema of %s", owner, field.Name, kind)
			}
		})
		var tree any
		if err := json.Unmarshal([]byte(schema), &tree); err != nil {
			t.Fatal(err)
		}
		eachProperty(tree, func(name string, property map[string]any) {
			_, constant := property["const"]
			if property["description"] == nil && property["$ref"] == nil && !constant {
				t.Errorf("%s: nothing explains %s", kind, name)
			}
		})
	}
}

// eachProperty visits the properties anywhere in a schema.
func eachProperty(tree any, visit func(name string, property map[string]any)) {
	node, ok := tree.(map[string]any)
	if !ok {
		return
	}
	properties, _ := node["properties"].(map[string]any)
	for name, property := range properties {
		visit(name, property.(map[string]any))
	}
	for _, below := range node {
		eachProperty(below, visit)
	}
}

func TestAnObjectSurvivesItsJSONAndItsCopyIsItsOwn(t *testing.T) {
	instances := 2
	plan := &api.Plan{Header: api.NewHeader(api.KindPlan, "7f3a"), PlanContent: api.PlanContent{
		Secondary: api.PlanSite{Keycloaks: []api.Keycloak{{Ref: "keycloak/keycloak", StartWith: &instances}}}, SettleSeconds: 1.25,
	}}
	decoded, err := api.ThroughJSON(plan)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(plan, decoded); diff != "" {
		t.Errorf("changed on the way (-want +got):\n%s", diff)
	}
	plan.DeepCopyObject().(*api.Plan).Secondary.Keycloaks[0].Ref = "x"
	if plan.Secondary.Keycloaks[0].Ref == "x" {
		t.Error("the copy shares memory with the original")
	}
	if name := plan.GetObjectMeta().GetName(); name != "7f3a" {
		t.Errorf("is named %q", name)
	}
}

func TestEveryKindCanBeCopied(t *testing.T) {
	for _, kind := range api.Kinds() {
		object, err := api.New(kind)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(object, object.DeepCopyObject()); diff != "" {
			t.Errorf("the copy of a %s differs:\n%s", kind, diff)
		}
	}
}

func TestWhatIsNotKnownIsNotRead(t *testing.T) {
	for name, text := range map[string]string{
		"another version": `{"apiVersion":"ispn-resync.io/v9","kind":"Plan"}`,
		"another kind":    `{"apiVersion":"ispn-resync.io/v1alpha1","kind":"Pod"}`,
		"another field":   `{"apiVersion":"ispn-resync.io/v1alpha1","kind":"Version","colour":"red"}`,
		"more behind it":  `{"apiVersion":"ispn-resync.io/v1alpha1","kind":"Version"} {}`,
		"no JSON":         `kind: Plan`,
	} {
		if object, err := api.Decode([]byte(text)); err == nil {
			t.Errorf("%s is read as %v", name, object)
		}
	}
	if bytes.Contains(schemaOf(t, api.KindPlan), []byte(`"additionalProperties": false`)) {
		t.Error("the schema refuses fields of later releases")
	}
}
