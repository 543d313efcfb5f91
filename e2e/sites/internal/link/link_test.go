package link_test

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites/internal/link"
)

// quiet is how long a test listens to be sure that nothing comes.
const quiet = 100 * time.Millisecond

// soon is the longest a test waits for what must come.
const soon = 10 * time.Second

func TestBytesPassBothWays(t *testing.T) {
	_, near, far := connected(t)
	send(t, near, "ping")
	expect(t, far, "ping")
	send(t, far, "pong")
	expect(t, near, "pong")
}

func TestTheEndOfAStreamPassesAndTheOtherDirectionGoesOn(t *testing.T) {
	_, near, far := connected(t)
	if err := near.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	deadline(t, far, soon)
	if n, err := far.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		t.Fatalf("the far side read %d bytes, %v; want the end of the stream", n, err)
	}
	send(t, far, "still here")
	expect(t, near, "still here")
}

func TestACutIsSilentAndLosesNothing(t *testing.T) {
	l, near, far := connected(t)
	l.Cut()
	send(t, near, "held")
	send(t, far, "too")
	expectSilence(t, far)
	expectSilence(t, near)
	l.Heal()
	expect(t, far, "held")
	expect(t, near, "too")
}

func TestACutHidesThatAConnectionWasClosed(t *testing.T) {
	l, near, far := connected(t)
	l.Cut()
	if err := near.Close(); err != nil {
		t.Fatal(err)
	}
	expectSilence(t, far)
	l.Heal()
	deadline(t, far, soon)
	if _, err := far.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Fatalf("after the heal the far side got %v, want the end of the stream", err)
	}
}

func TestANewConnectionOverACutLinkIsAcceptedAndSilent(t *testing.T) {
	l, siteB := open(t)
	l.Cut()
	near := dial(t, l.ToB())
	send(t, near, "anyone")
	if err := siteB.SetDeadline(time.Now().Add(quiet)); err != nil {
		t.Fatal(err)
	}
	if conn, err := siteB.Accept(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("a connection crossed the cut link: %v, %v", conn, err)
	}
	expectSilence(t, near)
	l.Heal()
	expect(t, accept(t, siteB), "anyone")
}

func TestAResetReachesBothEndsAndNewConnectionsPass(t *testing.T) {
	for name, before := range map[string]func(*link.Link){
		"up":  func(*link.Link) {},
		"cut": (*link.Link).Cut,
	} {
		t.Run(name, func(t *testing.T) {
			l, siteB := open(t)
			near := dial(t, l.ToB())
			far := accept(t, siteB)
			before(l)
			l.Reset()
			expectReset(t, near)
			expectReset(t, far)
			l.Heal()
			again := dial(t, l.ToB())
			send(t, again, "again")
			expect(t, accept(t, siteB), "again")
		})
	}
}

func TestAResetOfOneEndReachesTheOtherOnceTheLinkLetsIt(t *testing.T) {
	l, near, far := connected(t)
	l.Cut()
	if err := errors.Join(near.SetLinger(0), near.Close()); err != nil {
		t.Fatal(err)
	}
	expectSilence(t, far)
	l.Heal()
	expectReset(t, far)
}

func TestADelayIsOneWayAndDoesNotNarrowTheLink(t *testing.T) {
	l, near, far := connected(t)
	const delay = 150 * time.Millisecond
	l.Delay(delay)
	started := time.Now()
	send(t, near, "x")
	expect(t, far, "x")
	if took := time.Since(started); took < delay {
		t.Errorf("arrived after %v, want at least %v", took, delay)
	}

	// Many small pieces under way at the same time arrive one delay later, not one delay each.
	started = time.Now()
	const pieces = 50
	go func() {
		for range pieces {
			if _, err := near.Write(make([]byte, 1000)); err != nil {
				return
			}
		}
	}()
	deadline(t, far, soon)
	if _, err := io.ReadFull(far, make([]byte, pieces*1000)); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(started); took > pieces*delay/4 {
		t.Errorf("%d pieces took %v", pieces, took)
	}
	l.Heal()
	send(t, far, "y")
	expect(t, near, "y")
}

func TestATargetThatIsNotThereResetsTheCaller(t *testing.T) {
	l, siteB := open(t)
	if err := siteB.Close(); err != nil {
		t.Fatal(err)
	}
	// The reset may come before the dialling side has noticed that it is connected.
	near, err := net.Dial("tcp", l.ToB())
	if err == nil {
		defer func() { _ = near.Close() }()
		deadline(t, near, soon)
		_, err = near.Read(make([]byte, 1))
	}
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Fatalf("got %v, want a reset", err)
	}
}

func TestCloseEndsEverythingEvenWhenCut(t *testing.T) {
	l, near, _ := connected(t)
	l.Cut()
	send(t, near, "held")
	dial(t, l.ToB())
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	deadline(t, near, soon)
	if _, err := near.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("got %v, want a closed connection", err)
	}
}

// open makes a link whose site b listens; site a is an address nobody needs.
func open(t *testing.T) (*link.Link, *net.TCPListener) {
	t.Helper()
	t.Cleanup(func() { goleak.VerifyNone(t) })
	siteB, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = siteB.Close() })
	l, err := link.Open("127.0.0.1:1", siteB.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	// A test that closes the link itself makes this one an error of no interest.
	t.Cleanup(func() { _ = l.Close() })
	return l, siteB
}

func connected(t *testing.T) (l *link.Link, near, far *net.TCPConn) {
	t.Helper()
	l, siteB := open(t)
	near = dial(t, l.ToB())
	return l, near, accept(t, siteB)
}

func dial(t *testing.T, address string) *net.TCPConn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn.(*net.TCPConn)
}

func accept(t *testing.T, listener *net.TCPListener) *net.TCPConn {
	t.Helper()
	if err := listener.SetDeadline(time.Now().Add(soon)); err != nil {
		t.Fatal(err)
	}
	conn, err := listener.AcceptTCP()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func send(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
}

func expect(t *testing.T, conn net.Conn, want string) {
	t.Helper()
	deadline(t, conn, soon)
	got := make([]byte, len(want))
	if _, err := io.ReadFull(conn, got); err != nil || string(got) != want {
		t.Fatalf("read %q, %v; want %q", got, err, want)
	}
}

func expectSilence(t *testing.T, conn net.Conn) {
	t.Helper()
	deadline(t, conn, quiet)
	if n, err := conn.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("read %d bytes, %v; want silence", n, err)
	}
}

func expectReset(t *testing.T, conn net.Conn) {
	t.Helper()
	deadline(t, conn, soon)
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Fatalf("got %v, want a reset", err)
	}
}

func deadline(t *testing.T, conn net.Conn, d time.Duration) {
	t.Helper()
	if err := conn.SetDeadline(time.Now().Add(d)); err != nil {
		t.Fatal(err)
	}
}
