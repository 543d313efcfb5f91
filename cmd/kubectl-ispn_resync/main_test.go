package main

import (
	"errors"
	"os/exec"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"kubectl-ispn_resync":          main,
		"kubectl_complete-ispn_resync": main,
	})
}

// TestTheProgram runs the scripts of testdata against the program as a process of its own.
func TestTheProgram(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata", Cmds: map[string]func(*testscript.TestScript, bool, []string){
		"ends":  func(ts *testscript.TestScript, _ bool, args []string) { ends(ts, args[0], args[1:]) },
		"wrong": func(ts *testscript.TestScript, _ bool, args []string) { ends(ts, "2", args) },
	}})
}

// ends runs the program and fails the script unless it ends with that exit code and an empty standard output.
func ends(ts *testscript.TestScript, code string, args []string) {
	err := ts.Exec("kubectl-ispn_resync", args...)
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		ts.Fatalf("ended with %v, want exit code %s", err, code)
	}
	if got := strconv.Itoa(exit.ExitCode()); got != code {
		ts.Fatalf("exit code %s, want %s: %s", got, code, ts.ReadFile("stderr"))
	}
	if out := ts.ReadFile("stdout"); out != "" {
		ts.Fatalf("standard output is not empty: %s", out)
	}
}
