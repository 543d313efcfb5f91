package plugin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// call asks a server for something, as client-go does, and gives the error, and the server as it is told.
func call(t *testing.T, address string, limit time.Duration) (server string, err error) {
	t.Helper()
	client := &http.Client{Timeout: limit, Transport: &http.Transport{DisableKeepAlives: true}}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address+"/api?timeout=32s", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := client.Do(request)
	if err == nil {
		_ = answer.Body.Close()
		t.Fatal("the call did not fail")
	}
	return address, fmt.Errorf("ask context site-a for its resources: %w", err)
}

// serving gives the address of a server that answers a connection in its own way.
func serving(t *testing.T, answer func(net.Conn)) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		answer(conn)
		_ = conn.Close()
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestWhyAConnectionBrokeOffIsToldInPlainWords(t *testing.T) {
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	free := nobody.Addr().String()
	if err := nobody.Close(); err != nil {
		t.Fatal(err)
	}
	silent := serving(t, func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) })
	for name, c := range map[string]struct {
		address string
		limit   time.Duration
		want    string
	}{
		"silent":       {silent, 50 * time.Millisecond, "did not answer in time"},
		"not there":    {"https://" + free, time.Minute, "refuses connections"},
		"cut":          {serving(t, func(net.Conn) {}), time.Minute, "broke the connection off"},
		"reset":        {serving(t, func(conn net.Conn) { _ = conn.(*net.TCPConn).SetLinger(0) }), time.Minute, "broke the connection off"},
		"another word": {serving(t, func(conn net.Conn) { _, _ = io.WriteString(conn, "hello\r\n\r\n") }), time.Minute, "does not answer as an API server does"},
		"no TLS":       {strings.Replace(silent, "http:", "https:", 1), time.Minute, "does not speak TLS; is its address one of https?"},
	} {
		t.Run(name, func(t *testing.T) {
			server, raw := call(t, c.address, c.limit)
			r := newRig(t)
			r.refuse["site-a"] = raw
			code := r.run(pair("--dry-run")...)
			want := "error: connecting to the primary (context site-a): ask context site-a for its resources: " + server + " " + c.want + "\n"
			if code != ExitRefused || !strings.Contains(r.err.String(), want) {
				t.Errorf("exit code %d, want %q, said\n%s", code, want, r.err)
			}
			for _, word := range []string{"net/http", "Client.Timeout", "tcp", "Get ", "EOF", "context deadline", "?timeout"} {
				if strings.Contains(r.err.String(), word) {
					t.Errorf("%q is shown:\n%s", word, r.err)
				}
			}
		})
	}
}

func TestWhatEndedACallIsStillKnownBehindThePlainWords(t *testing.T) {
	const body = "unexpected error when reading response body. Please retry. Original error: %w"
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"an answer that is cut":  {fmt.Errorf(body, io.ErrUnexpectedEOF), "the answer broke off"},
		"an answer without end":  {fmt.Errorf(body, context.DeadlineExceeded), "the answer did not come to its end in time"},
		"an answer that is lost": {fmt.Errorf(body, errors.New("bad chunk")), "the answer could not be read: bad chunk"},
		"a name":                 {&url.Error{Op: "Get", URL: "https://nowhere.example:6443/api", Err: &net.DNSError{Name: "nowhere.example", Err: "no such host", IsNotFound: true}}, "https://nowhere.example:6443 is not known by this name (no such host)"},
		"a call that was ended":  {&url.Error{Op: "Get", URL: "https://a.example/api", Err: context.Canceled}, "https://a.example was asked, and the call was broken off"},
		"two calls": {
			errors.Join(&url.Error{Op: "Get", URL: "https://a.example/api", Err: io.EOF}, &url.Error{Op: "Get", URL: "https://b.example/api", Err: io.EOF}),
			"https://a.example broke the connection off\nhttps://b.example broke the connection off",
		},
		"a call that was tried twice": {
			fmt.Errorf("ask: %w", &url.Error{Op: "Get", URL: "https://a.example/api", Err: fmt.Errorf("%w - error from a previous attempt: %w", syscall.ECONNRESET, io.EOF)}),
			"ask: https://a.example broke the connection off",
		},
		"two attempts of a call": {
			fmt.Errorf("%w - error from a previous attempt: %w", &url.Error{Op: "Get", URL: "https://a.example/api", Err: io.EOF}, syscall.ECONNRESET),
			"https://a.example broke the connection off",
		},
		"no call":                        {errors.New("two Infinispan resources"), "two Infinispan resources"},
		"a call whose words are its own": {&url.Error{Op: "Get", URL: "https://a.example/api", Err: errors.New("x509: certificate has expired")}, `Get "https://a.example/api": x509: certificate has expired`},
	} {
		t.Run(name, func(t *testing.T) {
			got := inPlainWords(c.err)
			if got.Error() != c.want || !errors.Is(got, c.err) {
				t.Errorf("says %q, want %q", got, c.want)
			}
		})
	}
}

func TestTheNextStepStandsAloneWhereNothingComesBefore(t *testing.T) {
	err := &connectError{role: xsite.Primary, err: context.Canceled, brokenOff: true}
	if got := nextAfterConnecting(err); got != "run the same command again" {
		t.Errorf("says %q", got)
	}
}
