package main

import (
	"go/parser"
	"go/token"
	"strings"
	"testing"
)

// read parses a piece of code.
func read(t *testing.T, code string) source {
	t.Helper()
	set := token.NewFileSet()
	tree, err := parser.ParseFile(set, "x.go", code, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	return source{"x.go", []byte(code), tree, set}
}

// applied gives the code with a mutant in it.
func applied(file source, m mutant) string {
	return string(file.text[:m.from]) + m.instead + string(file.text[m.to:])
}

func TestEveryPlaceThatMakesAStopIsAMutant(t *testing.T) {
	const head = "package x\nfunc f() (string, error) {\n"
	for name, c := range map[string]struct{ code, want string }{
		"below an if":          {head + "if a > b { return \"\", &Stop{Guard: GuardX} }\nreturn \"\", nil }", "if false && (a > b) {"},
		"below a case":         {head + "switch { case a: return \"\", &Stop{Guard: GuardX} }\nreturn \"\", nil }", "case false && (a):"},
		"at the end":           {head + "return \"\", &Stop{Guard: GuardX} }", "if true {\nreturn \"\", nil\n}"},
		"collected":            {head + "all = append(all, &Stop{Guard: GuardX})\nreturn \"\", nil }", "_ = append(all"},
		"made, then returned":  {head + "if a { s := &Stop{Guard: GuardX}\nreturn \"\", s }\nreturn \"\", nil }", "if false && (a) {"},
		"by a maker of Stops":  {head + "if a { return \"\", made() }\nreturn \"\", nil }\nfunc made() *Stop { return &Stop{Guard: GuardX} }", "if false && (a) {"},
		"in a function's body": {head + "await(func() (bool, error) { return true, &Stop{Guard: GuardX} })\nreturn \"\", nil }", "return false, nil\n}"},
	} {
		t.Run(name, func(t *testing.T) {
			file := read(t, c.code)
			makers := stopMakers([]source{file})
			found, err := madeStops(file, map[string]string{"GuardX": "x"}, makers)
			if err != nil || len(found) != 1 || found[0].guard != "x" {
				t.Fatalf("%v, %v", found, err)
			}
			got := applied(file, found[0])
			if !strings.Contains(got, c.want) {
				t.Errorf("became\n%s\nwant %q in it", got, c.want)
			}
			read(t, got)
		})
	}
}

func TestAMarkTakesOutTheLineBelow(t *testing.T) {
	file := read(t, "package x\nfunc f() error {\n//mutate:x\nif err := g(); err != nil {\nreturn err\n}\nreturn nil\n}\n")
	found, err := markedLines(file)
	if err != nil || len(found) != 1 || found[0].guard != "x" || found[0].line != 4 {
		t.Fatalf("%v, %v", found, err)
	}
	if got := applied(file, found[0]); strings.Contains(got, "g()") {
		t.Errorf("the call is still there:\n%s", got)
	}
}

func TestAGuardWithoutAMutantIsAnError(t *testing.T) {
	if err := complete([]mutant{{guard: "x"}}, []string{"x", "y"}); err == nil || !strings.Contains(err.Error(), "guard y is enforced nowhere") {
		t.Errorf("got %v", err)
	}
	if err := complete([]mutant{{guard: "z"}}, nil); err == nil {
		t.Error("a mutant of no guard is fine")
	}
}

func TestEveryGuardOfTheProgramHasMutants(t *testing.T) {
	t.Chdir("../..")
	found, err := find(".")
	if err != nil {
		t.Fatal(err)
	}
	if short := choose(found, true, ""); len(short) < 15 || len(short) >= len(found) {
		t.Errorf("%d of %d mutants are tested in the short form", len(short), len(found))
	}
}
