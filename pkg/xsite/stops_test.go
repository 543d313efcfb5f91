package xsite

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// TestEveryStopSaysWhatToDoNext reads the source: each Stop that is made names what was found, why it matters and the next step.
func TestEveryStopSaysWhatToDoNext(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	stops := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		set := token.NewFileSet()
		tree, err := parser.ParseFile(set, file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(tree, func(node ast.Node) bool {
			literal, ok := node.(*ast.CompositeLit)
			if !ok {
				return true
			}
			if name, ok := literal.Type.(*ast.Ident); !ok || name.Name != "Stop" {
				return true
			}
			stops++
			given := map[string]bool{}
			for _, element := range literal.Elts {
				if pair, ok := element.(*ast.KeyValueExpr); ok {
					given[pair.Key.(*ast.Ident).Name] = true
				}
			}
			// A sign against the roles has its next step filled in by who refuses it, since it can also be accepted.
			for _, field := range []string{"Guard", "Found", "Because", "Next"} {
				if !given[field] && (field != "Next" || file != "guard_direction.go") {
					t.Errorf("%s: a Stop without %s", set.Position(literal.Pos()), field)
				}
			}
			return true
		})
	}
	const least = 30
	if stops < least {
		t.Errorf("found only %d Stops, so this tells nothing", stops)
	}
}
