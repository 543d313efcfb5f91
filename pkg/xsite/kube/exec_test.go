package kube

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	utilexec "k8s.io/utils/exec"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// throughExec makes the dialer of a pod through exec.
func throughExec(site *Site) dialer { return &execDialer{reach: site.forward.reach, pod: podZero()} }

// dialed connects and closes at the end of the test.
func dialed(t *testing.T, d dialer, port int) net.Conn {
	t.Helper()
	conn, err := d.dial(t.Context(), port)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// everyByte is a text with all bytes in it, larger than any buffer on the way.
func everyByte() string {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	return strings.Repeat(string(all), 1<<12)
}

// mustEnd fails the test unless all commands end.
func (f *fakeAPI) mustEnd() {
	f.t.Helper()
	deadline := time.NewTimer(20 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for f.leftRunning() > 0 {
		select {
		case <-tick.C:
		case <-deadline.C:
			f.t.Fatalf("%d commands still run in the pod", f.leftRunning())
		}
	}
}

func TestBytesGoBothWaysThroughExec(t *testing.T) {
	for name, test := range map[string]struct {
		noSocket bool
		options  func(*Options)
		spdy     int
	}{
		"WebSocket":                  {},
		"SPDY, where that is all":    {noSocket: true, spdy: 1},
		"SPDY, when it is asked for": {options: func(o *Options) { o.SPDYForExec = true }, spdy: 1},
	} {
		t.Run(name, func(t *testing.T) {
			f := newSite(t)
			f.noSocket = test.noSocket
			f.echo("infinispan-0", 11223)
			conn := dialed(t, throughExec(f.mustConnect(test.options)), 11223)
			if err := says(conn, everyByte()); err != nil {
				t.Error(err)
			}
			if got := conn.RemoteAddr(); got.String() != "infinispan-0:11223" || got.Network() != "exec" {
				t.Errorf("the other side is called %s by way of %s", got, got.Network())
			}
			if f.spdy != test.spdy {
				t.Errorf("SPDY was used %d times", f.spdy)
			}
		})
	}
}

func TestNothingIsLeftInThePodWhenAConnectionThroughExecEnds(t *testing.T) {
	ways := map[string]func(*fakeAPI, *Site, net.Conn){
		"closed here":            func(_ *fakeAPI, _ *Site, c net.Conn) { _ = c.Close() },
		"all closed here":        func(_ *fakeAPI, s *Site, _ net.Conn) { s.Close() },
		"the API server is gone": func(f *fakeAPI, _ *Site, _ net.Conn) { f.cut() },
	}
	for name, end := range ways {
		t.Run(name, func(t *testing.T) {
			f := newSite(t)
			f.echo("infinispan-0", 11223)
			site := f.mustConnect(nil)
			conn := dialed(t, throughExec(site), 11223)
			if err := says(conn, "before"); err != nil {
				t.Fatal(err)
			}
			if f.leftRunning() != 1 {
				t.Fatalf("%d commands run", f.leftRunning())
			}
			end(f, site, conn)
			f.mustEnd()
		})
	}
}

func TestWhatAServerSaysLastArrivesThroughExec(t *testing.T) {
	f := newSite(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		_, _ = io.WriteString(conn, everyByte())
		_ = conn.Close()
	}()
	f.expose("infinispan-0", 11223, listener.Addr().String())
	conn := dialed(t, throughExec(f.mustConnect(nil)), 11223)
	got, err := io.ReadAll(conn)
	if err != nil || string(got) != everyByte() {
		t.Errorf("got %d of %d bytes, %v", len(got), len(everyByte()), err)
	}
	f.mustEnd()
}

func TestWhatCannotBeDialedThroughExec(t *testing.T) {
	for name, test := range map[string]struct {
		prepare func(*fakeAPI)
		port    int
		says    []string
	}{
		"a port that refuses":     {port: 11222, says: []string{"onnection refused"}},
		"a container without cat": {prepare: func(f *fakeAPI) { f.env = []string{"PATH=/nowhere"} }, port: 11223, says: []string{"bash and cat", "not found"}},
		"a container without bash": {prepare: func(f *fakeAPI) {
			f.instead = func(io.Reader, io.Writer, io.Writer) error {
				return errors.New(`OCI runtime exec failed: exec: "bash": executable file not found in $PATH`)
			}
		}, port: 11223, says: []string{"bash and cat", "executable file not found"}},
		"a command that ends at once": {prepare: func(f *fakeAPI) {
			f.instead = func(io.Reader, io.Writer, io.Writer) error { return nil }
		}, port: 11223, says: []string{"bash and cat"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newSite(t)
			f.echo("infinispan-0", 11223)
			if test.prepare != nil {
				test.prepare(f)
			}
			_, err := throughExec(f.mustConnect(nil)).dial(t.Context(), test.port)
			if op := as[*net.OpError](t, err); op.Op != "dial" {
				t.Errorf("the operation is %q", op.Op)
			}
			refused := as[*ForwardError](t, err)
			for _, word := range test.says {
				if !strings.Contains(refused.Message, word) {
					t.Errorf("%q does not say %q", refused.Message, word)
				}
			}
			if errors.Is(err, xsite.ErrPodGone) || refused.Pod != "infinispan-0" || refused.Port != test.port {
				t.Errorf("got %+v", refused)
			}
			f.mustEnd()
		})
	}
}

func TestAGreetingOfTheShellIsNotTakenForTheServer(t *testing.T) {
	f := newSite(t)
	f.echo("infinispan-0", 11223)
	greeting := filepath.Join(t.TempDir(), "greeting")
	if err := os.WriteFile(greeting, []byte("echo welcome; echo carefully >&2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f.env = []string{"BASH_ENV=" + greeting}
	if err := says(dialed(t, throughExec(f.mustConnect(nil)), 11223), "hello"); err != nil {
		t.Error(err)
	}
}

func TestASuccessorOfAPodIsNeverReachedThroughExec(t *testing.T) {
	successor := func(f *fakeAPI) {
		f.edit(infinispanPod("infinispan-0"), func(o object) { o["metadata"].(object)["uid"] = "successor" })
	}
	for name, happens := range map[string]func(*fakeAPI){
		"already there":             successor,
		"no pod":                    func(f *fakeAPI) { f.remove(infinispanPod("infinispan-0")) },
		"replaced while connecting": func(f *fakeAPI) { f.before["create pods/exec"] = func() { successor(f) } },
		"gone while connecting": func(f *fakeAPI) {
			f.before["create pods/exec"] = func() { f.remove(infinispanPod("infinispan-0")) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newSite(t)
			f.echo("infinispan-0", 11223)
			site := f.mustConnect(nil)
			happens(f)
			if conn, err := throughExec(site).dial(t.Context(), 11223); !errors.Is(err, xsite.ErrPodGone) {
				t.Errorf("got %v, %v", conn, err)
			}
			f.mustEnd()
		})
	}
}

func TestAConnectionThroughExecThatBreaksSaysSo(t *testing.T) {
	killed := func(f *fakeAPI) { // what becomes of a command whose container dies
		f.instead = func(in io.Reader, out, _ io.Writer) error {
			_, _ = io.WriteString(out, tunnelConnected+"\n")
			_, _ = in.Read(make([]byte, 1))
			return utilexec.CodeExitError{Err: errors.New("killed"), Code: 137}
		}
	}
	for name, test := range map[string]struct {
		prepare, breaks func(*fakeAPI)
		gone            bool
	}{
		"the way":       {breaks: func(f *fakeAPI) { f.cut() }},
		"the container": {prepare: killed, breaks: func(*fakeAPI) {}},
		"the pod":       {breaks: func(f *fakeAPI) { f.remove(infinispanPod("infinispan-0")); f.cut() }, gone: true},
	} {
		t.Run(name, func(t *testing.T) {
			f := newSite(t)
			f.echo("infinispan-0", 11223)
			if test.prepare != nil {
				test.prepare(f)
			}
			conn := dialed(t, throughExec(f.mustConnect(nil)), 11223)
			if _, err := io.WriteString(conn, "x"); err != nil {
				t.Fatal(err)
			}
			if test.prepare == nil {
				_, _ = conn.Read(make([]byte, 1))
			}
			test.breaks(f)
			_, err := conn.Read(make([]byte, 1))
			as[*LostError](t, err)
			if !errors.Is(err, xsite.ErrUnavailable) || errors.Is(err, io.EOF) || errors.Is(err, xsite.ErrPodGone) != test.gone {
				t.Errorf("got %v", err)
			}
			f.mustEnd()
		})
	}
}

func TestADeadlineEndsAReadThroughExec(t *testing.T) {
	f := newSite(t)
	f.echo("infinispan-0", 11223)
	conn := dialed(t, throughExec(f.mustConnect(nil)), 11223)
	if err := conn.SetReadDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	_, err := conn.Read(make([]byte, 1))
	if timeout := as[net.Error](t, err); !timeout.Timeout() {
		t.Errorf("got %v", err)
	}
	if err := says(conn, "afterwards"); err != nil {
		t.Errorf("the connection was hurt: %v", err)
	}
}

func TestADialThroughExecEndsWithItsContext(t *testing.T) {
	f := newSite(t)
	site := f.mustConnect(nil)
	ctx, cancel := context.WithCancel(t.Context())
	f.instead = func(in io.Reader, _, _ io.Writer) error { // a command that never says that it has connected
		cancel()
		_, _ = io.Copy(io.Discard, in)
		return nil
	}
	if _, err := throughExec(site).dial(ctx, 11223); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	f.mustEnd()
}

func TestAnExecThatIsNotAllowedSaysWhatToGrant(t *testing.T) {
	f := newSite(t)
	site := f.mustConnect(nil)
	f.denied["create pods/exec"] = true // over WebSocket and SPDY alike
	_, err := throughExec(site).dial(t.Context(), 11223)
	if got := as[*ForbiddenError](t, err); got.Verb != "create" || got.Resource != "pods/exec" {
		t.Errorf("got %+v", got)
	}
}

func TestTheServersContainerIsUsed(t *testing.T) {
	containers := func(names ...string) func(object) {
		return func(o object) {
			list := []any{}
			for _, name := range names {
				list = append(list, object{"name": name})
			}
			o["spec"] = object{"containers": list}
		}
	}
	for want, pod := range map[string]func(object){
		"infinispan": containers("proxy", "infinispan"),
		"server":     containers("server", "proxy"),
	} {
		t.Run(want, func(t *testing.T) {
			f := newSite(t)
			f.echo("infinispan-0", 11223)
			f.edit(infinispanPod("infinispan-0"), pod)
			dialed(t, throughExec(f.mustConnect(nil)), 11223)
			if got := f.commands[0].container; got != want {
				t.Errorf("the command ran in %q", got)
			}
		})
	}
}

func TestANodeIsReachedThroughExecWithNoCredentialInAnArgument(t *testing.T) {
	f := newSite(t)
	server := httptest.NewServer(restEndpoint("operator", canary+"-operator"))
	defer server.Close()
	f.expose("infinispan-0", 11223, server.Listener.Addr().String())
	site := f.mustConnect(func(o *Options) { o.Transport = Exec })
	node, err := site.Node(t.Context(), podZero())
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if names, err := node.CacheNames(t.Context()); err != nil || len(names) != 1 {
			t.Fatalf("got %v, %v", names, err)
		}
	}
	if len(f.commands) != 1 {
		t.Errorf("%d commands for calls one after the other", len(f.commands))
	}
	for _, command := range f.commands {
		if strings.Contains(strings.Join(command.args, " "), canary) {
			t.Errorf("a credential is in the arguments %q", command.args)
		}
	}
	site.Close()
	f.mustEnd()
}
