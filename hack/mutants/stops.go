package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/token"
	"slices"
	"strings"
)

// stopMakers lists the functions that return a *Stop; their callers decide.
func stopMakers(files []source) map[string]string {
	makers := map[string]string{}
	for _, file := range files {
		for _, decl := range file.tree.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || f.Type.Results == nil || len(f.Type.Results.List) != 1 {
				continue
			}
			star, ok := f.Type.Results.List[0].Type.(*ast.StarExpr)
			if !ok {
				continue
			}
			if kind, ok := star.X.(*ast.Ident); ok && kind.Name == "Stop" {
				makers[f.Name.Name] = guardIn(f.Body)
			}
		}
	}
	return makers
}

// guardIn gives the constant of the first Stop that is made in a piece of code, empty when none is.
func guardIn(n ast.Node) string {
	found := ""
	ast.Inspect(n, func(n ast.Node) bool {
		lit, ok := n.(*ast.CompositeLit)
		if !ok || found != "" {
			return found == ""
		}
		if kind, ok := lit.Type.(*ast.Ident); !ok || kind.Name != "Stop" {
			return true
		}
		for _, element := range lit.Elts {
			if pair, ok := element.(*ast.KeyValueExpr); ok {
				if key, ok := pair.Key.(*ast.Ident); ok && key.Name == "Guard" {
					if name, ok := pair.Value.(*ast.Ident); ok {
						found = name.Name
					}
				}
			}
		}
		return true
	})
	return found
}

// madeStops makes a mutant of every place of a file at which a Stop is made.
func madeStops(file source, guards, makers map[string]string) ([]mutant, error) {
	var found []mutant
	var failed error
	var path []ast.Node
	ast.Inspect(file.tree, func(n ast.Node) bool {
		if n == nil {
			path = path[:len(path)-1]
			return true
		}
		path = append(path, n)
		constant := ""
		switch n := n.(type) {
		case *ast.CompositeLit:
			if kind, ok := n.Type.(*ast.Ident); ok && kind.Name == "Stop" {
				constant = guardIn(n)
			}
		case *ast.CallExpr:
			constant = makers[callee(n)]
		}
		if constant == "" || makers[enclosing(path)] != "" {
			return true
		}
		m, err := takenOut(file, path)
		if err != nil {
			failed = fmt.Errorf("%s: %w", file.set.Position(n.Pos()), err)
			return true
		}
		m.guard, m.file, m.line = guards[constant], file.path, file.set.Position(n.Pos()).Line
		found = append(found, m)
		return true
	})
	return found, failed
}

// callee is the name of a called function.
func callee(call *ast.CallExpr) string {
	switch f := call.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		return f.Sel.Name
	}
	return ""
}

// enclosing is the name of the declared function around the end of a path.
func enclosing(path []ast.Node) string {
	for _, n := range path {
		if f, ok := n.(*ast.FuncDecl); ok {
			return f.Name.Name
		}
	}
	return ""
}

// takenOut finds what has to go so that the Stop at the end of a path is not returned: the condition that leads to it is false,
// or the return that holds it gives zero values instead, or the variable that collects it stays
// as it is, or, where it is made before it is returned, the condition that leads to it is false.
func takenOut(file source, path []ast.Node) (mutant, error) {
	at := func(n ast.Node) (int, int) {
		return file.set.Position(n.Pos()).Offset, file.set.Position(n.End()).Offset
	}
	for i, node := range slices.Backward(path) {
		switch n := node.(type) {
		case *ast.ReturnStmt:
			if cond := conditionOf(path[:i]); cond != nil {
				from, to := at(cond)
				return mutant{from: from, to: to, instead: "false && (" + string(file.text[from:to]) + ")"}, nil
			}
			zeros, err := zerosOf(path[:i])
			if err != nil {
				return mutant{}, err
			}
			from, to := at(n)
			// The old return stays, out of reach, so that what it uses is used.
			return mutant{from: from, to: to, instead: "if true {\nreturn " + zeros + "\n}\n" + string(file.text[from:to])}, nil
		case *ast.AssignStmt:
			if n.Tok == token.ASSIGN && len(n.Lhs) == 1 {
				from, to := at(n.Lhs[0])
				return mutant{from: from, to: to, instead: "_"}, nil
			}
		case *ast.IfStmt:
			from, to := at(n.Cond)
			return mutant{from: from, to: to, instead: "false && (" + string(file.text[from:to]) + ")"}, nil
		case *ast.FuncDecl, *ast.FuncLit:
			return mutant{}, errors.New("this Stop is neither returned nor below a condition")
		}
	}
	return mutant{}, errors.New("this Stop is in no function")
}

// conditionOf gives the condition that leads straight to the end of a path: of an if, or of a case without a value to compare.
func conditionOf(path []ast.Node) ast.Expr {
	for i, node := range slices.Backward(path) {
		switch n := node.(type) {
		case *ast.BlockStmt:
			continue
		case *ast.IfStmt:
			return n.Cond
		case *ast.CaseClause:
			if _, tagged := tagOf(path[:i]); !tagged && len(n.List) == 1 {
				return n.List[0]
			}
		}
		return nil
	}
	return nil
}

// tagOf gives the value that the innermost switch around a path compares, and whether it has one.
func tagOf(path []ast.Node) (ast.Expr, bool) {
	for _, node := range slices.Backward(path) {
		if n, ok := node.(*ast.SwitchStmt); ok {
			return n.Tag, n.Tag != nil
		}
	}
	return nil, true
}

// zerosOf gives the zero values that the innermost function around a path returns.
func zerosOf(path []ast.Node) (string, error) {
	for _, node := range slices.Backward(path) {
		var results *ast.FieldList
		switch f := node.(type) {
		case *ast.FuncLit:
			results = f.Type.Results
		case *ast.FuncDecl:
			results = f.Type.Results
		default:
			continue
		}
		var zeros []string
		for _, field := range results.List {
			for range max(len(field.Names), 1) {
				zeros = append(zeros, zero(field.Type))
			}
		}
		return strings.Join(zeros, ", "), nil
	}
	return "", errors.New("no function around it")
}

// zero is the zero value of a type as it is written.
func zero(t ast.Expr) string {
	switch t := t.(type) {
	case *ast.Ident:
		switch t.Name {
		case "error", "any":
			return "nil"
		case "bool":
			return "false"
		case "string":
			return `""`
		case "int", "int64":
			return "0"
		}
		return t.Name + "{}"
	case *ast.SelectorExpr:
		return fmt.Sprintf("%s.%s{}", t.X, t.Sel.Name)
	}
	return "nil"
}
