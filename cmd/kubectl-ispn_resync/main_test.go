package main

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strconv"
	"sync"
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
		"ends":          func(ts *testscript.TestScript, _ bool, args []string) { ends(ts, args[0], args[1:]) },
		"wrong":         func(ts *testscript.TestScript, _ bool, args []string) { ends(ts, "2", args) },
		"silent-server": func(ts *testscript.TestScript, _ bool, _ []string) { silentServer(ts) },
		"asked":         func(ts *testscript.TestScript, _ bool, _ []string) { <-ts.Value(askedKey{}).(chan struct{}) },
	}, Setup: func(env *testscript.Env) error {
		env.Values[askedKey{}] = make(chan struct{})
		return nil
	}})
}

// askedKey is where a script keeps the channel that is closed once its silent server was asked something.
type askedKey struct{}

// silentServer starts an API server that takes requests and never answers; SERVER in the script is its URL.
func silentServer(ts *testscript.TestScript) {
	asked := ts.Value(askedKey{}).(chan struct{})
	var once sync.Once
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		once.Do(func() { close(asked) })
		<-r.Context().Done()
	}))
	ts.Defer(server.Close)
	ts.Setenv("SERVER", server.URL)
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
