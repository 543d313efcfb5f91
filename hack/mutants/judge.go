package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// slow are the tables that run the whole procedure hundreds of times; they are asked only when nothing else noticed.
const slow = "TestARunThatEnds|TestAChangingCallThatFailsOnce|TestASiteThat|TestAnAnswerThatIsLost"

// verdict is what became of a mutant.
type verdict struct {
	killed bool
	by     string
}

// String says which test noticed.
func (v verdict) String() string {
	if !v.killed {
		return "SURVIVED"
	}
	return "killed by " + v.by
}

// judge tests a mutant.
func judge(ctx context.Context, m mutant) (verdict, error) {
	dir, err := os.MkdirTemp("", "mutant-")
	if err != nil {
		return verdict{}, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	overlay, err := write(dir, m)
	if err != nil {
		return verdict{}, err
	}
	tests := "./" + filepath.Dir(m.file)
	for _, more := range [][]string{{"-skip", slow}, {"-run", slow}} {
		args := append([]string{"test", "-overlay", overlay, "-failfast", "-timeout", "90s"}, more...)
		v, err := test(ctx, append(args, tests))
		if err != nil || v.killed {
			return v, err
		}
	}
	return verdict{}, nil
}

// write writes the file without the guard, and the overlay that puts it in the place of the real one.
func write(dir string, m mutant) (string, error) {
	text, err := os.ReadFile(m.file)
	if err != nil {
		return "", err
	}
	changed := bytes.Join([][]byte{text[:m.from], []byte(m.instead), text[m.to:]}, nil)
	mutated := filepath.Join(dir, filepath.Base(m.file))
	if err := os.WriteFile(mutated, changed, 0o600); err != nil { //nolint:gosec // a name of this repository, in a folder of its own
		return "", err
	}
	original, err := filepath.Abs(m.file)
	if err != nil {
		return "", err
	}
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{original: mutated}})
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "overlay.json")
	return path, os.WriteFile(path, overlay, 0o600)
}

var failure = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)`)

// test runs go test; code that does not compile without the guard is an error, for it proves nothing.
func test(ctx context.Context, args []string) (verdict, error) {
	command := exec.CommandContext(ctx, "go", args...)
	output, err := command.CombinedOutput()
	if ctx.Err() != nil {
		return verdict{}, ctx.Err()
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return verdict{}, err
	}
	text := string(output)
	switch {
	case err == nil:
		return verdict{}, nil
	case strings.Contains(text, "[build failed]"):
		return verdict{}, fmt.Errorf("does not compile without the guard:\n%s", text)
	case strings.Contains(text, "panic: test timed out"):
		return verdict{true, "the test's time limit only (weak)"}, nil
	}
	if names := failure.FindAllStringSubmatch(text, -1); len(names) > 0 {
		return verdict{true, names[len(names)-1][1]}, nil
	}
	return verdict{true, "a crash"}, nil
}
