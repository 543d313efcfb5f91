package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// mutant is one way to take a guard out: a piece of one file and what stands in its place.
type mutant struct {
	guard, file string
	line        int
	from, to    int // bytes
	instead     string
}

// String is GUARD FILE:LINE.
func (m mutant) String() string { return fmt.Sprintf("%-13s %s:%d", m.guard, m.file, m.line) }

// source is one file of the program.
type source struct {
	path string
	text []byte
	tree *ast.File
	set  *token.FileSet
}

// find lists all mutants below a module's root, sorted by guard and place. Guards without any are an error.
func find(root string) ([]mutant, error) {
	files := map[string][]source{}
	for _, dir := range packages() {
		list, err := parse(root, dir)
		if err != nil {
			return nil, err
		}
		files[dir] = list
	}
	guards, err := guardNames(files[engine])
	if err != nil {
		return nil, err
	}
	makers := stopMakers(files[engine])
	var found []mutant
	for _, dir := range packages() {
		for _, file := range files[dir] {
			marked, err := markedLines(file)
			if err != nil {
				return nil, err
			}
			found = append(found, marked...)
			if dir == engine {
				made, err := madeStops(file, guards, makers)
				if err != nil {
					return nil, err
				}
				found = append(found, made...)
			}
		}
	}
	if err := complete(found, slices.Sorted(maps.Values(guards))); err != nil {
		return nil, err
	}
	slices.SortFunc(found, func(a, b mutant) int {
		return slices.Compare([]string{a.guard, a.file, fmt.Sprintf("%06d", a.line)}, []string{b.guard, b.file, fmt.Sprintf("%06d", b.line)})
	})
	return found, nil
}

// complete demands a mutant of every guard, and a guard for every mutant.
func complete(found []mutant, guards []string) error {
	for _, name := range guards {
		if !slices.ContainsFunc(found, func(m mutant) bool { return m.guard == name }) {
			return fmt.Errorf("guard %s is enforced nowhere", name)
		}
	}
	for _, m := range found {
		if !slices.Contains(guards, m.guard) {
			return fmt.Errorf("%s: there is no such guard", m)
		}
	}
	return nil
}

// parse reads the files of a package that are not tests.
func parse(root, dir string) ([]source, error) {
	names, err := filepath.Glob(filepath.Join(root, dir, "*.go"))
	if err != nil {
		return nil, err
	}
	var list []source
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		set := token.NewFileSet()
		tree, err := parser.ParseFile(set, name, text, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		list = append(list, source{name, text, tree, set})
	}
	return list, nil
}

// guardNames reads the guards: the name of each constant of type Guard with its value.
func guardNames(files []source) (map[string]string, error) {
	names := map[string]string{}
	for _, file := range files {
		ast.Inspect(file.tree, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Values) != 1 {
				return true
			}
			if kind, ok := spec.Type.(*ast.Ident); ok && kind.Name == "Guard" {
				if value, ok := spec.Values[0].(*ast.BasicLit); ok {
					if text, err := strconv.Unquote(value.Value); err == nil {
						names[spec.Names[0].Name] = text
					}
				}
			}
			return true
		})
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("no guards found in %s", engine)
	}
	return names, nil
}

// mark begins the comment that makes the next line a mutant: without it, the guard is out.
const mark = "//mutate:"

// markedLines makes a mutant of every line below such a comment.
func markedLines(file source) ([]mutant, error) {
	var found []mutant
	lines := strings.SplitAfter(string(file.text), "\n")
	at := 0
	for i, line := range lines {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), mark); ok {
			if i+1 == len(lines) {
				return nil, fmt.Errorf("%s:%d: nothing below the mark", file.path, i+1)
			}
			next := lines[i+1]
			from := at + len(line)
			found = append(found, mutant{strings.TrimSpace(name), file.path, i + 2, from, from + len(next), without(next)})
		}
		at += len(line)
	}
	return found, nil
}

// without takes a line out: of `if err := f(); err != nil {` only the call is, since a block hangs on it.
func without(line string) string {
	trimmed := strings.TrimSpace(line)
	if strings.HasPrefix(trimmed, "if err := ") && strings.HasSuffix(trimmed, "; err != nil {") {
		return "if err := error(nil); err != nil {\n"
	}
	return "\n"
}
