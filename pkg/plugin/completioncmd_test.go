package plugin

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/completer"
)

// pluginIn puts a stand-in for the plugin, which says what it is given, into a new folder that is all of PATH but the shell.
func pluginIn(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	script := "#!/bin/sh\nfor word; do echo \"<$word>\"; done\n"
	if err := os.WriteFile(filepath.Join(dir, binaryName), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(filepath.ListSeparator)+"/usr/bin"+string(filepath.ListSeparator)+"/bin")
	return dir
}

func TestTheCompleterIsPutBesideThePlugin(t *testing.T) {
	dir := pluginIn(t)
	r := newRig(t)
	for range 2 { // what is there already is written anew
		if code := r.run("completion", "install"); code != ExitDone {
			t.Fatalf("exit code %d\n%s", code, r.err)
		}
	}
	if !strings.Contains(r.out.String(), filepath.Join(dir, completer.Name)+": kubectl completes") {
		t.Errorf("says %q", r.out)
	}
	out, err := exec.Command(completer.Name, "--primary-context", "").Output()
	if err != nil || string(out) != "<__complete>\n<--primary-context>\n<>\n" {
		t.Errorf("the plugin was given %q, %v", out, err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 {
		t.Errorf("%d files are in the folder, want the plugin and the completer: %v", len(entries), err)
	}
}

func TestTheCompleterFindsThePluginFromAnotherFolder(t *testing.T) {
	pluginIn(t)
	other := t.TempDir()
	r := newRig(t)
	if code := r.run("completion", "install", "--dir", other); code != ExitDone {
		t.Fatalf("exit code %d\n%s", code, r.err)
	}
	out, err := exec.Command(filepath.Join(other, completer.Name), "ver").Output()
	if err != nil || string(out) != "<__complete>\n<ver>\n" {
		t.Errorf("the plugin was given %q, %v", out, err)
	}
}

func TestAFileOfSomebodyElseIsLeftAlone(t *testing.T) {
	dir := pluginIn(t)
	path := filepath.Join(dir, completer.Name)
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := newRig(t)
	if code := r.run("completion", "install"); code != ExitUsage || !strings.Contains(r.err.String(), "is not this plugin's") {
		t.Errorf("exit code %d\n%s", code, r.err)
	}
	if content, err := os.ReadFile(path); err != nil || string(content) != "mine" {
		t.Errorf("the file holds %q, %v", content, err)
	}
}

func TestWithoutThePluginInPathAFolderIsAskedFor(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	r := newRig(t)
	if code := r.run("completion", "install"); code != ExitUsage || !strings.Contains(r.err.String(), "--dir") {
		t.Errorf("exit code %d\n%s", code, r.err)
	}
}

func TestWindowsHasACompleterOfItsOwn(t *testing.T) {
	dir := t.TempDir()
	path, err := installCompleter(dir, "windows")
	if err != nil || filepath.Base(path) != completer.Name+".cmd" {
		t.Fatal(path, err)
	}
	content, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(content), "kubectl-ispn_resync.exe\" __complete %*") {
		t.Errorf("it is %q, %v", content, err)
	}
}
