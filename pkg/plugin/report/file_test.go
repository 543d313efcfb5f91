package report

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/api"
)

func TestAPathThatCannotBeWrittenIsFoundBeforeAnythingIsWritten(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "folder.md"), 0o700); err != nil {
		t.Fatal(err)
	}
	for path, says := range map[string]string{
		"x.txt":               "ends in none of .html, .json, .md",
		"x":                   "ends in none of",
		"none/x.json":         "no such file",
		"file/x.json":         "not a directory",
		"folder.md":           "no file",
		"x.HTML.gz":           "ends in none of",
		"nowhere/../x/y.html": "no such file",
	} {
		if _, err := NewFile(filepath.Join(dir, path)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", path, err, says)
		}
	}
	if _, err := NewFile(filepath.Join(dir, "y.HTML")); err != nil {
		t.Errorf("an ending in capitals: %v", err)
	}
	mustHold(t, dir, "file", "folder.md")
}

// mustHold checks which files a folder holds.
func mustHold(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("the folder holds %q, want %q", got, want)
	}
}

func TestTheReportReplacesTheFileAsAWhole(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x.json")
	file, err := NewFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []api.Report{untilPush("").Snapshot(), succeeded()} {
		if err := file.Write(r); err != nil {
			t.Fatal(err)
		}
		var read api.Report
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, &read); err != nil || read.Outcome != r.Outcome {
			t.Errorf("outcome %q, want %q: %v", read.Outcome, r.Outcome, err)
		}
	}
	mustHold(t, dir, "x.json")
}

func TestAFileThatCannotBeReplacedLeavesNoOther(t *testing.T) {
	dir := t.TempDir()
	file, err := NewFile(filepath.Join(dir, "x.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(file.Path(), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := file.Write(succeeded()); err == nil || !strings.Contains(err.Error(), "x.json") {
		t.Errorf("error %v", err)
	}
	mustHold(t, dir, "x.json")
}

func TestAnEarlierReportIsKept(t *testing.T) {
	dir := t.TempDir()
	file, err := NewFile(filepath.Join(dir, "x.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"", "x.1.md", "x.2.md"} {
		aside, err := file.SetAside()
		if err != nil || (want != "") != (filepath.Base(aside) == want) {
			t.Errorf("set aside as %q, want %q: %v", aside, want, err)
		}
		if err := file.Write(succeeded()); err != nil {
			t.Fatal(err)
		}
	}
	mustHold(t, dir, "x.1.md", "x.2.md", "x.md")
}
