package sites

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestOptionsLeftOpenAreAPairAsTheGuideDescribesIt(t *testing.T) {
	o, err := Options{}.complete()
	if err != nil {
		t.Fatal(err)
	}
	if o.SiteNames != [2]string{"site-a", "site-b"} || o.NodesPerSite != 2 || *o.KeycloakInstances != 2 ||
		o.Caches != Eight || o.Strategy != Sync || o.Version != "15.0.21.Final" || o.Log == nil {
		t.Errorf("options %+v", o)
	}
}

func TestOptionsThatCannotBeAreRefusedBeforeAnythingStarts(t *testing.T) {
	negative := -1
	for what, o := range map[string]Options{
		"site names":   {SiteNames: [2]string{"x", "x"}},
		"a server":     {NodesPerSite: -1},
		"instances":    {KeycloakInstances: &negative},
		"set of":       {Caches: "five"},
		"strategy":     {Strategy: "LATER"},
		"no profile":   {Version: "1.0"},
		"two differen": {SiteNames: [2]string{"x", ""}},
	} {
		if _, err := Up(t.Context(), o); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%+v: %v, want something about %q", o, err, what)
		}
	}
}

func TestTheStateOfAPairLiesInItsUsersFolder(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", "/state")
	if got, err := StateDir("x"); err != nil || got != "/state/kubectl-ispn-resync/sites/x" {
		t.Errorf("with XDG_STATE_HOME: %q, %v", got, err)
	}
	t.Setenv("XDG_STATE_HOME", "")
	t.Setenv("HOME", "/home/me")
	if got, err := StateDir("x"); err != nil || got != "/home/me/.local/state/kubectl-ispn-resync/sites/x" {
		t.Errorf("without: %q, %v", got, err)
	}
	for _, name := range []string{"", "..", "a/b", "/"} {
		if got, err := StateDir(name); err == nil {
			t.Errorf("name %q is folder %q", name, got)
		}
	}
}

func TestWhatIsMissingOnTheMachineIsSaidAllAtOnceWithHowToGetIt(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	t.Setenv("JAVA_HOME", filepath.Join(t.TempDir(), "none"))
	err := requirements()
	if err == nil {
		t.Fatal("nothing is missing")
	}
	for _, want := range []string{"go is needed", "go.dev/dl", "java is needed", "apt-get install openjdk", "mvn is needed", "apt-get install maven"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not said:\n%v", want, err)
		}
	}
}

func TestTheFirstFailureEndsTheOthersAndIsTheOneReported(t *testing.T) {
	failure := errors.New("no java")
	err := parallel(t.Context(),
		func(context.Context) error { return failure },
		func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
	)
	if !errors.Is(err, failure) || errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err = parallel(ctx, func(ctx context.Context) error { return ctx.Err() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("from without: %v", err)
	}
}

func TestAWaitInVainSaysForWhatAndWhy(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	cause := errors.New("it sleeps")
	err := poll(ctx, "the cat eats", func(context.Context) (bool, error) { return false, cause })
	if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, cause) || !strings.Contains(err.Error(), "the cat eats") {
		t.Errorf("error %v", err)
	}
}

func TestPasswordsAreOfTheOperatorsKind(t *testing.T) {
	a, err := password()
	if err != nil {
		t.Fatal(err)
	}
	b, err := password()
	if err != nil || a == b || len(a) != 16 || strings.Trim(a, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") != "" {
		t.Errorf("passwords %q and %q, %v", a, b, err)
	}
}

func TestAFolderBelongsToOneHarness(t *testing.T) {
	dir := t.TempDir()
	lock, err := lockDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lockDir(dir); !errors.Is(err, ErrAlreadyUp) {
		t.Errorf("a second harness: %v", err)
	}
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := lockDir(dir)
	if err != nil {
		t.Fatalf("after the first: %v", err)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
}
