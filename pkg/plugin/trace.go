package plugin

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"k8s.io/klog/v2"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// The levels of the log at which calls are written, as kubectl has them: method, path, status and time from 6 on, headers
// from 7 on, answers from 8 on, more of them from 9 on.
const (
	callVerbosity   = 6
	headerVerbosity = 7
	bodyVerbosity   = 8
	longVerbosity   = 9
)

// How much of a body is written, in bytes, at bodyVerbosity and above it.
const (
	shortBody = 1024
	longBody  = 10240
)

// tracer logs calls at the level that the user asked for. client-go's own log stays below bodyVerbosity, since it would
// write the bodies of Secrets as well.
type tracer struct{ level int }

// tracerFor makes the tracer of a command with these flags.
func tracerFor(flags *pflag.FlagSet) *tracer {
	if flags == nil {
		return &tracer{}
	}
	level, err := flags.GetInt(verbosityFlag)
	if err != nil { // a command without the flag
		level = 0
	}
	return &tracer{level: level}
}

// infinispan gives the observer that logs the calls to one site's Infinispan. A record holds no secret and no key.
func (t *tracer) infinispan(role xsite.Role) func(infinispan.CallRecord) {
	return func(call infinispan.CallRecord) {
		if t.level < callVerbosity {
			return
		}
		words := []any{
			"site", role, "method", call.Method, "path", call.Path, "status", call.Status, "milliseconds", call.Duration.Milliseconds(),
		}
		if call.Err != nil {
			words = append(words, "err", printable(call.Err.Error()))
		}
		if t.level >= headerVerbosity {
			words = append(words, "sent", call.Sent)
		}
		if t.level >= bodyVerbosity {
			words = append(words, "received", headers(call.Received), "body", t.beginning(call.Body))
		}
		klog.InfoS("Infinispan call", words...)
	}
}

// wrap makes a connection to an API server log what it receives; nil for a level at which it does not.
func (t *tracer) wrap(role xsite.Role) func(http.RoundTripper) http.RoundTripper {
	if t.level < bodyVerbosity {
		return nil
	}
	return func(next http.RoundTripper) http.RoundTripper { return &tracedTrip{tracer: t, role: role, next: next} }
}

// beginning is as much of a body as the level allows. klog writes a text of several lines as it is, so that it must be
// harmless for a terminal.
func (t *tracer) beginning(body string) string {
	most := shortBody
	if t.level >= longVerbosity {
		most = longBody
	}
	if len(body) > most {
		body = strings.ToValidUTF8(body[:most], "") + "[truncated]"
	}
	return strings.Join(printableLines(body), "\n")
}

// headers are those of an answer without cookies, harmless for a terminal.
func headers(received http.Header) http.Header {
	shown := http.Header{}
	for name, values := range received {
		for _, value := range values {
			shown.Add(printable(name), printable(value))
		}
	}
	shown.Del("Set-Cookie")
	return shown
}

// tracedTrip logs the calls to one API server.
type tracedTrip struct {
	tracer *tracer
	role   xsite.Role
	next   http.RoundTripper
}

// WrappedRoundTripper is how client-go finds what is inside.
func (t *tracedTrip) WrappedRoundTripper() http.RoundTripper { return t.next }

// RoundTrip implements http.RoundTripper.
func (t *tracedTrip) RoundTrip(req *http.Request) (*http.Response, error) {
	shown := showable(req)
	if shown && req.GetBody != nil {
		if body, err := req.GetBody(); err == nil {
			text, _ := io.ReadAll(io.LimitReader(body, longBody+1))
			klog.InfoS("Request body", "site", t.role, "method", req.Method, "path", req.URL.Path, "body", t.tracer.beginning(string(text)))
		}
	}
	res, err := t.next.RoundTrip(req)
	if err != nil {
		return res, err
	}
	klog.InfoS("Response headers", "site", t.role, "method", req.Method, "path", req.URL.Path, "status", res.StatusCode, "received", headers(res.Header))
	if shown && res.StatusCode != http.StatusSwitchingProtocols && req.URL.Query().Get("watch") == "" {
		res.Body = &tracedBody{ReadCloser: res.Body, said: func(text string) {
			klog.InfoS("Response body", "site", t.role, "method", req.Method, "path", req.URL.Path, "body", t.tracer.beginning(text))
		}}
	}
	return res, nil
}

// tracedBody keeps the beginning of what is read through it, and tells it when it is closed.
type tracedBody struct {
	io.ReadCloser

	kept bytes.Buffer
	said func(text string)
}

// Read implements io.Reader.
func (b *tracedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if room := longBody + 1 - b.kept.Len(); room > 0 {
		b.kept.Write(p[:min(n, room)])
	}
	return n, err
}

// Close implements io.Closer.
func (b *tracedBody) Close() error {
	if b.said != nil {
		b.said(b.kept.String())
		b.said = nil
	}
	return b.ReadCloser.Close()
}

// showable says whether the bodies of a request and its answer may be logged: those of the kinds that this tool writes
// itself, and of questions about rights. Secrets never are; nor are pods, StatefulSets, Deployments and the operators'
// resources, in which passwords are found in plain text.
func showable(req *http.Request) bool {
	parts := strings.Split(strings.Trim(req.URL.Path, "/"), "/")
	last := func(name string) bool { return parts[len(parts)-1] == name }
	if last("scale") || last("selfsubjectaccessreviews") {
		return true
	}
	at := slices.Index(parts, "namespaces")
	return at >= 0 && len(parts) > at+2 && slices.Contains([]string{"configmaps", "leases", "events"}, parts[at+2])
}
