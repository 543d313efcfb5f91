package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// cycloneSchema compiles the published schema of CycloneDX 1.6, which lies in the module of its library.
func cycloneSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	dir, err := goOutput(t.Context(), platforms()[0], "list", "-m", "-f", "{{.Dir}}", "github.com/CycloneDX/cyclonedx-go")
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	var main string
	for name, file := range map[string]string{
		"spdx": "spdx.schema.json", "jsf": "jsf-0.82.schemax.json", "bom": "bom-1.6.schema.json",
	} {
		content, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "schema", file))
		if err != nil {
			t.Fatal(err)
		}
		schema, err := jsonschema.UnmarshalJSON(bytes.NewReader(content))
		if err != nil {
			t.Fatal(err)
		}
		id := strings.TrimSuffix(schema.(map[string]any)["$id"].(string), "#")
		if err := compiler.AddResource(id, schema); err != nil {
			t.Fatal(err)
		}
		if name == "bom" {
			main = id
		}
	}
	compiled, err := compiler.Compile(main)
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

func TestTheListOfContentsIsCycloneDX(t *testing.T) {
	out, schema := released(t), cycloneSchema(t)
	for _, p := range platforms() {
		content, err := os.ReadFile(filepath.Join(out, p.contents()))
		if err != nil {
			t.Fatal(err)
		}
		document, err := jsonschema.UnmarshalJSON(bytes.NewReader(content))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(document); err != nil {
			t.Errorf("%s: %v", p.contents(), err)
		}
		var bom cdx.BOM
		if err := cdx.NewBOMDecoder(bytes.NewReader(content), cdx.BOMFileFormatJSON).Decode(&bom); err != nil {
			t.Fatal(err)
		}
		if len(*bom.Components) != 2 || len(*(*bom.Dependencies)[0].Dependencies) != 2 {
			t.Errorf("%s: %d components", p.contents(), len(*bom.Components))
		}
		other := (*bom.Components)[1]
		if got, want := other.PackageURL, "pkg:golang/example.org/other@v2.0.0%2Bincompatible"; got != want {
			t.Errorf("the module is %s, want %s", got, want)
		}
		if got := (*other.Licenses)[0].License.ID; got != "Apache-2.0" {
			t.Errorf("its licence is %s", got)
		}
		if got := (*other.Hashes)[0].Value; got != strings.Repeat("00", 32) {
			t.Errorf("its checksum is %s", got)
		}
		program := "v1.2.3 " + p.OS + " " + p.Arch
		if got := (*bom.Metadata.Component.Hashes)[0].Value; got != checksum([]byte(program)) {
			t.Errorf("%s: the program's checksum is %s", p.contents(), got)
		}
	}
}

func TestAChecksumThatIsNoneEndsTheRelease(t *testing.T) {
	for _, sum := range []string{"h1:", "h2:" + strings.Repeat("A", 43) + "=", "h1:AAAA", strings.Repeat("A", 43) + "="} {
		if _, err := goSum(sum); err == nil {
			t.Errorf("%q is accepted", sum)
		}
	}
}
