package kube

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// podZero is the pod that these tests connect to.
func podZero() xsite.Pod { return xsite.Pod{Name: "infinispan-0", UID: "pod-infinispan-0"} }

// echo exposes a port of the pod that sends back what it gets, with a greeting that the server speaks first.
func (f *fakeAPI) echo(pod string, port int) {
	f.t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = conn.Close() }()
				_, _ = io.Copy(conn, conn)
			}()
		}
	}()
	f.expose(pod, port, listener.Addr().String())
}

func dial(t *testing.T, d *podDialer, port int) net.Conn {
	t.Helper()
	conn, err := d.dial(t.Context(), port)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// says sends a text and wants it back.
func says(conn net.Conn, text string) error {
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return err
	}
	go func() { _, _ = io.WriteString(conn, text) }()
	back := make([]byte, len(text))
	if _, err := io.ReadFull(conn, back); err != nil {
		return err
	}
	if string(back) != text {
		return fmt.Errorf("sent %d bytes and got others back", len(text))
	}
	return nil
}

func TestBytesGoBothWaysOverWebSocketAndSPDY(t *testing.T) {
	for name, noSocket := range map[string]bool{"WebSocket": false, "SPDY": true} {
		t.Run(name, func(t *testing.T) {
			f := newSite(t)
			f.noSocket = noSocket
			f.echo("infinispan-0", 11223)
			site := f.mustConnect(nil)
			conn := dial(t, newPodDialer(site.forward, podZero()), 11223)
			if err := says(conn, strings.Repeat("0123456789abcdef", 1<<16)); err != nil {
				t.Error(err)
			}
			if got := conn.RemoteAddr().String(); got != "infinispan-0:11223" {
				t.Errorf("the other side is called %q", got)
			}
			if spdy := f.spdy > 0; spdy != noSocket {
				t.Errorf("SPDY used: %v", spdy)
			}
		})
	}
}

func TestConnectionsOfOnePodShareOnePortForward(t *testing.T) {
	f := newSite(t)
	f.echo("infinispan-0", 11223)
	d := newPodDialer(f.mustConnect(nil).forward, podZero())
	var group sync.WaitGroup
	for i := range 12 {
		group.Go(func() {
			conn, err := d.dial(t.Context(), 11223)
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = conn.Close() }()
			if err := says(conn, strings.Repeat(fmt.Sprintf("<%d>", i), 1<<14)); err != nil {
				t.Errorf("connection %d: %v", i, err)
			}
		})
	}
	group.Wait()
	if got := f.forwards(); got != 1 {
		t.Errorf("%d port-forwards were opened", got)
	}
}

func TestAPortThatRefusesIsADialErrorAndHurtsNoOtherConnection(t *testing.T) {
	f := newSite(t)
	f.echo("infinispan-0", 11223)
	d := newPodDialer(f.mustConnect(nil).forward, podZero())
	other := dial(t, d, 11223)
	refusing, err := d.dial(t.Context(), 11222)
	if err == nil {
		_, err = refusing.Read(make([]byte, 1))
		_ = refusing.Close()
	}
	if op := as[*net.OpError](t, err); op.Op != "dial" {
		t.Errorf("the operation is %q", op.Op)
	}
	refused := as[*ForwardError](t, err)
	if refused.Pod != "infinispan-0" || refused.Port != 11222 || !strings.Contains(refused.Message, "connection refused") {
		t.Errorf("got %+v", refused)
	}
	if errors.Is(err, xsite.ErrPodGone) {
		t.Error("the pod is said to be gone")
	}
	if err := says(other, "still here"); err != nil {
		t.Error(err)
	}
}

func TestADroppedConnectionIsReopened(t *testing.T) {
	f := newSite(t)
	f.echo("infinispan-0", 11223)
	d := newPodDialer(f.mustConnect(nil).forward, podZero())
	first := dial(t, d, 11223)
	if err := says(first, "before"); err != nil {
		t.Fatal(err)
	}
	f.cut()
	_, err := first.Read(make([]byte, 1))
	as[*LostError](t, err)
	if errors.Is(err, io.EOF) {
		t.Error("a broken connection looks like an end")
	}
	if err := says(dial(t, d, 11223), "after"); err != nil {
		t.Error(err)
	}
	if got := f.forwards(); got != 2 {
		t.Errorf("%d port-forwards were opened, want 2", got)
	}
}

func TestASuccessorOfAPodIsNeverReached(t *testing.T) {
	successor := func(f *fakeAPI) {
		f.edit(infinispanPod("infinispan-0"), func(o object) { o["metadata"].(object)["uid"] = "successor" })
	}
	for name, test := range map[string]struct {
		happens  func(*fakeAPI)
		forwards int
	}{
		"already there": {func(f *fakeAPI) { successor(f) }, 0},
		"no pod":        {func(f *fakeAPI) { f.remove(infinispanPod("infinispan-0")) }, 0},
		"replaced while connecting": {func(f *fakeAPI) {
			f.before["create pods/portforward"] = func() { successor(f) }
		}, 1},
		"gone while connecting": {func(f *fakeAPI) {
			f.before["create pods/portforward"] = func() { f.remove(infinispanPod("infinispan-0")) }
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			f := newSite(t)
			f.echo("infinispan-0", 11223)
			site := f.mustConnect(nil)
			test.happens(f)
			conn, err := newPodDialer(site.forward, podZero()).dial(t.Context(), 11223)
			if !errors.Is(err, xsite.ErrPodGone) {
				t.Errorf("got %v, %v", conn, err)
			}
			if got := f.forwards(); got != test.forwards {
				t.Errorf("%d port-forwards were opened, want %d", got, test.forwards)
			}
		})
	}
}

func TestASuccessorIsNotReachedOverAPortForwardThatStillStands(t *testing.T) {
	f := newSite(t)
	f.echo("infinispan-0", 11223)
	d := newPodDialer(f.mustConnect(nil).forward, podZero())
	if err := says(dial(t, d, 11223), "before"); err != nil {
		t.Fatal(err)
	}
	f.edit(infinispanPod("infinispan-0"), func(o object) { o["metadata"].(object)["uid"] = "successor" })
	if conn, err := d.dial(t.Context(), 11223); !errors.Is(err, xsite.ErrPodGone) {
		t.Errorf("got %v, %v", conn, err)
	}
}

func TestAConnectionThatBreaksWithItsPodSaysThatThePodIsGone(t *testing.T) {
	f := newSite(t)
	f.echo("infinispan-0", 11223)
	d := newPodDialer(f.mustConnect(nil).forward, podZero())
	conn := dial(t, d, 11223)
	if err := says(conn, "before"); err != nil {
		t.Fatal(err)
	}
	f.remove(infinispanPod("infinispan-0"))
	f.cut()
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, xsite.ErrPodGone) {
		t.Errorf("got %v", err)
	}
	if _, err := d.dial(t.Context(), 11223); !errors.Is(err, xsite.ErrPodGone) {
		t.Errorf("dialled again: %v", err)
	}
}

func TestADeadlineEndsARead(t *testing.T) {
	f := newSite(t)
	f.echo("infinispan-0", 11223)
	conn := dial(t, newPodDialer(f.mustConnect(nil).forward, podZero()), 11223)
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

func TestClosingTheSiteEndsItsConnections(t *testing.T) {
	f := newSite(t)
	f.echo("infinispan-0", 11223)
	site := f.mustConnect(nil)
	d := newPodDialer(site.forward, podZero())
	conn := dial(t, d, 11223)
	site.Close()
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Error("the connection lives on")
	}
	if _, err := d.dial(t.Context(), 11223); err == nil {
		t.Error("a closed site was dialled")
	}
	if _, err := site.Node(t.Context(), podZero()); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v", err)
	}
}

func TestADialEndsWithItsContext(t *testing.T) {
	f := newSite(t)
	site := f.mustConnect(nil)
	ctx, cancel := context.WithCancel(t.Context())
	release := make(chan struct{})
	f.before["create pods/portforward"] = func() { cancel(); <-release }
	_, err := newPodDialer(site.forward, podZero()).dial(ctx, 11223)
	close(release)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestAPortForwardThatIsNotAllowedSaysWhatToGrant(t *testing.T) {
	f := newSite(t)
	site := f.mustConnect(nil)
	f.denied["create pods/portforward"] = true // over WebSocket and SPDY alike
	_, err := newPodDialer(site.forward, podZero()).dial(t.Context(), 11223)
	if got := as[*ForbiddenError](t, err); got.Verb != "create" || got.Resource != "pods/portforward" {
		t.Errorf("got %+v", got)
	}
}
