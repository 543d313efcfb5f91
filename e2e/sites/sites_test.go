package sites_test

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites"
)

func TestARealPairOfSites(t *testing.T) {
	dir := t.TempDir()
	began := time.Now()
	pair, err := sites.Up(t.Context(), sites.Options{Dir: dir, Log: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("up after %v", time.Since(began).Round(100*time.Millisecond))
	t.Cleanup(func() {
		if err := pair.Down(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
		for _, used := range pair.Usage() {
			t.Errorf("%s (pid %d) still runs", used.Name, used.PID)
		}
	})
	var total int64
	for _, used := range pair.Usage() {
		total += used.Resident
		t.Logf("%4d MB %s", used.Resident>>20, used.Name)
	}
	t.Logf("%4d MB in all", total>>20)
	if total > 3<<30 {
		t.Errorf("the sites use %d MB", total>>20)
	}
	t.Run("what is written on one site is on the other", func(t *testing.T) {
		entries := sites.Entries{Prefix: "few-", Count: 100}
		if err := pair.A.Fill(t.Context(), "sessions", entries); err != nil {
			t.Fatal(err)
		}
		wantSize(t, pair.B, "sessions", 100)
	})
	t.Run("many entries are written on both sites", func(t *testing.T) {
		began := time.Now()
		if err := pair.Fill(t.Context(), "offlineSessions", sites.Entries{Prefix: "many-", Count: 100_000, ValueSize: 200}); err != nil {
			t.Fatal(err)
		}
		t.Logf("100,000 entries in %v", time.Since(began).Round(100*time.Millisecond))
		wantSize(t, pair.A, "offlineSessions", 100_000)
		wantSize(t, pair.B, "offlineSessions", 100_000)
	})
	t.Run("a cut link parts the views and healing joins them", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		began := time.Now()
		pair.Cut()
		if err := pair.WaitUnlinked(ctx); err != nil {
			t.Fatal(err)
		}
		t.Logf("the cut is seen after %v", time.Since(began).Round(100*time.Millisecond))
		began = time.Now()
		pair.Heal()
		if err := pair.WaitLinked(ctx); err != nil {
			t.Fatal(err)
		}
		t.Logf("the heal is seen after %v", time.Since(began).Round(100*time.Millisecond))
	})
	t.Run("a killed server comes back in its pod, a deleted pod as another", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		before, err := pair.B.Node("infinispan-1")
		if err != nil {
			t.Fatal(err)
		}
		for name, end := range map[string]func() error{
			"killed":  func() error { return pair.B.KillNode("infinispan-1") },
			"deleted": func() error { return pair.B.DeletePod(ctx, "infinispan-1") },
		} {
			began := time.Now()
			if err := end(); err != nil {
				t.Fatal(err)
			}
			<-before.Done()
			if err := pair.B.WaitReady(ctx); err != nil {
				t.Fatal(err)
			}
			t.Logf("back %v after it was %s", time.Since(began).Round(100*time.Millisecond), name)
			after, err := pair.B.Node("infinispan-1")
			if err != nil || after.ServerName() == before.ServerName() {
				t.Errorf("the server after %s is %v, %v", before.ServerName(), after, err)
			}
			before = after
		}
		wantSize(t, pair.B, "sessions", 100)
	})
	t.Run("frozen servers do not answer, thawed ones do", func(t *testing.T) {
		if err := pair.B.Freeze(); err != nil {
			t.Fatal(err)
		}
		client, err := pair.B.Client(pair.B.Nodes()[0])
		if err != nil {
			t.Fatal(err)
		}
		short, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		if _, err := client.ContainerInfo(short); err == nil {
			t.Error("a frozen server answered")
		}
		cancel()
		if err := pair.B.Thaw(); err != nil {
			t.Fatal(err)
		}
		if _, err := client.ContainerInfo(t.Context()); err != nil {
			t.Error(err)
		}
	})
	t.Run("keycloak goes to 0 and back", func(t *testing.T) {
		for _, n := range []int{0, 2} {
			if err := pair.B.SetKeycloakInstances(t.Context(), n); err != nil {
				t.Fatal(err)
			}
		}
	})
	t.Run("reset makes the caches anew", func(t *testing.T) {
		if err := pair.ResetCaches(t.Context(), sites.Four, sites.Async); err != nil {
			t.Fatal(err)
		}
		for _, s := range pair.Sites() {
			names, err := s.Caches(t.Context())
			if err != nil || len(names) != 4 {
				t.Errorf("%s has %v, %v", s.Name, names, err)
			}
		}
	})
	t.Run("the folder is taken while the pair is up", func(t *testing.T) {
		if _, err := sites.Up(t.Context(), sites.Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), "already up") {
			t.Errorf("a second pair in the same folder: %v", err)
		}
	})
	t.Run("no password is in an argument list or a log", func(t *testing.T) {
		secretsStayInFiles(t, pair)
	})
}

func wantSize(t *testing.T, s *sites.Site, cache string, want int) {
	t.Helper()
	clients, err := s.Clients()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := clients[0].Size(t.Context(), cache); err != nil || got != want {
		t.Errorf("%s of %s has %d entries, %v; want %d", cache, s.Name, got, err, want)
	}
}

func secretsStayInFiles(t *testing.T, pair *sites.Pair) {
	t.Helper()
	var passwords []string
	for _, s := range pair.Sites() {
		for _, secret := range []string{"infinispan-generated-operator-secret", "remote-store-secret"} {
			found, err := s.Kube().CoreV1().Secrets(sites.Namespace).Get(t.Context(), secret, metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			passwords = append(passwords, string(found.Data["password"]))
		}
	}
	for _, used := range pair.Usage() {
		cmdline, err := os.ReadFile("/proc/" + strconv.Itoa(used.PID) + "/cmdline")
		if err != nil {
			t.Fatal(err)
		}
		for _, password := range passwords {
			if strings.Contains(string(cmdline), password) {
				t.Errorf("the arguments of %s hold a password", used.Name)
			}
		}
	}
	err := filepath.WalkDir(pair.Dir(), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".log" {
			return err
		}
		log, err := os.ReadFile(path)
		for _, password := range passwords {
			if strings.Contains(string(log), password) {
				t.Errorf("%s holds a password", path)
			}
		}
		return err
	})
	if err != nil {
		t.Error(fmt.Errorf("look through the logs: %w", err))
	}
}
