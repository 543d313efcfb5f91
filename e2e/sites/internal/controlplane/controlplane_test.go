package controlplane

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheKubernetesVersionComesFromGoMod(t *testing.T) {
	for mod, want := range map[string]string{
		"require (\n\tk8s.io/kubelet v0.37.2\n\tk8s.io/kubernetes v1.37.2 // indirect\n)": "v1.37.2",
		"require k8s.io/kubernetes v1.36.0\n":                                             "v1.36.0",
		"require k8s.io/api v0.37.2\n":                                                    "",
	} {
		got, err := kubernetesVersion([]byte(mod))
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", mod, got, err)
		}
	}
}

func TestACompleteBuildIsNotRepeatedAndAnotherModuleIsAnotherBuild(t *testing.T) {
	module, cache := t.TempDir(), t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(module, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("go.mod", "module x\n\ngo 1.26\n\nrequire k8s.io/kubernetes v1.37.2\n")
	write("go.sum", "")
	key, flags, err := buildKey(t.Context(), module)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(flags, "component-base/version.gitVersion=v1.37.2") {
		t.Errorf("linker flags %q", flags)
	}
	if err := os.MkdirAll(filepath.Join(cache, key), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(cache, key, "complete"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	bin, err := Build(t.Context(), module, cache, t.Logf)
	if err != nil || filepath.Dir(bin.APIServer) != filepath.Join(cache, key) {
		t.Errorf("binaries %+v, %v", bin, err)
	}
	write("go.sum", "changed")
	if other, _, err := buildKey(t.Context(), module); err != nil || other == key {
		t.Errorf("another go.sum has the same key %s, %v", other, err)
	}
}

func TestTwoBuildsWaitForEachOther(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	unlock, err := lockFile(t.Context(), path, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	waits := func(string, ...any) { cancel() }
	if _, err := lockFile(ctx, path, waits); !errors.Is(err, context.Canceled) {
		t.Errorf("the second got the lock: %v", err)
	}
	unlock()
	unlock, err = lockFile(t.Context(), path, t.Logf)
	if err != nil {
		t.Fatalf("the lock was not given up: %v", err)
	}
	unlock()
}

func TestOutsideACheckoutTheErrorSaysWhereToGo(t *testing.T) {
	if _, err := FindModule(t.TempDir()); !errors.Is(err, ErrNoCheckout) || !strings.Contains(err.Error(), "e2e/kube") {
		t.Errorf("error %v", err)
	}
	module, err := FindModule(".")
	if err != nil || filepath.Base(module) != "kube" {
		t.Errorf("module %q, %v", module, err)
	}
}

func TestOnlyAnApiserverMayOpenStreamsAtANode(t *testing.T) {
	ca, err := newAuthority()
	if err != nil {
		t.Fatal(err)
	}
	plane := &Plane{ca: ca}
	server, err := plane.KubeletTLS("node-a")
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(ca.cert)
	for user, allowed := range map[string]bool{kubeletClientUser: true, adminUser: false} {
		identity, err := ca.client(user)
		if err != nil {
			t.Fatal(err)
		}
		cert, err := tls.X509KeyPair(identity.cert, identity.key)
		if err != nil {
			t.Fatal(err)
		}
		client := &tls.Config{RootCAs: roots, ServerName: "127.0.0.1", Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
		if err := handshake(t, server, client); (err == nil) != allowed {
			t.Errorf("user %s: %v", user, err)
		}
	}
}

// handshake returns the server's verdict.
func handshake(t *testing.T, server, client *tls.Config) error {
	t.Helper()
	listener, err := tls.Listen("tcp", "127.0.0.1:0", server)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	verdict := make(chan error, 1)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			verdict <- err
			return
		}
		defer func() { _ = conn.Close() }()
		verdict <- conn.(*tls.Conn).HandshakeContext(t.Context())
	}()
	conn, err := tls.Dial("tcp", listener.Addr().String(), client)
	if err == nil {
		defer func() { _ = conn.Close() }()
	}
	return <-verdict
}

func TestAUserNameThatIsNoFileNameIsRefused(t *testing.T) {
	if _, err := (&Plane{}).UserKubeconfig("../admin"); err == nil {
		t.Error("a path was taken for a user name")
	}
}
