package plugin

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"k8s.io/klog/v2"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// logged gives what is logged meanwhile.
func logged(t *testing.T, do func()) string {
	t.Helper()
	var b bytes.Buffer
	state := klog.CaptureState()
	defer state.Restore()
	klog.ClearLogger() // a command without -v leaves one that drops everything
	flags := flag.NewFlagSet("klog", flag.PanicOnError)
	klog.InitFlags(flags)
	for name, value := range map[string]string{"logtostderr": "false", "alsologtostderr": "false", "stderrthreshold": "FATAL"} {
		if err := flags.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	klog.SetOutput(&b)
	do()
	klog.Flush()
	return b.String()
}

func TestCallsToInfinispanAreLoggedFromSixOn(t *testing.T) {
	call := infinispan.CallRecord{
		Method: "POST", Path: "/rest/v2/caches/sessions?action=clear", Status: 500, Duration: 12 * time.Millisecond, Err: errors.New("broken"),
		Sent: http.Header{"Flags": {"SKIP_XSITE_BACKUP"}}, Received: http.Header{"Server": {"ispn"}}, Body: strings.Repeat("x", 2000),
	}
	for level, want := range map[int][]string{
		5: nil,
		6: {"POST", "/rest/v2/caches/sessions?action=clear", "status=500", "milliseconds=12", `err="broken"`, `site="primary"`},
		7: {"SKIP_XSITE_BACKUP"},
		8: {"ispn", "[truncated]"},
		9: {strings.Repeat("x", 2000)},
	} {
		text := logged(t, func() { (&tracer{level: level}).infinispan(xsite.Primary)(call) })
		for _, word := range want {
			if !strings.Contains(text, word) {
				t.Errorf("level %d does not log %q:\n%s", level, word, text)
			}
		}
		if level < callVerbosity && text != "" || level < headerVerbosity && strings.Contains(text, "SKIP") || level < bodyVerbosity && strings.Contains(text, "xxx") {
			t.Errorf("level %d logs too much:\n%s", level, text)
		}
	}
}

// trip is a transport that answers everything with a body.
type trip string

func (body trip) RoundTrip(*http.Request) (*http.Response, error) {
	header := http.Header{"Content-Type": {"application/json"}, "Set-Cookie": {"c4n4ry"}}
	return &http.Response{StatusCode: http.StatusOK, Header: header, Body: io.NopCloser(strings.NewReader(string(body)))}, nil
}

func TestBodiesOfTheAPIServerAreLoggedOnlyWhereTheyHoldNoSecret(t *testing.T) {
	const namespace = "https://api:6443/api/v1/namespaces/keycloak/"
	for url, shown := range map[string]bool{
		namespace + "configmaps": true,
		namespace + "events":     true,
		"https://api/apis/coordination.k8s.io/v1/namespaces/keycloak/leases/x":              true,
		"https://api/apis/authorization.k8s.io/v1/selfsubjectaccessreviews":                 true,
		"https://api/apis/k8s.keycloak.org/v2/namespaces/keycloak/keycloaks/keycloak/scale": true,
		"https://api/apis/k8s.keycloak.org/v2/namespaces/keycloak/keycloaks/keycloak":       false,
		"https://api/apis/apps/v1/namespaces/keycloak/statefulsets/infinispan":              false,
		"https://api/apis/infinispan.org/v1/namespaces/configmaps/infinispans/x":            false,
		namespace + "secrets/infinispan":                                                    false,
		namespace + "secrets":                                                               false,
		namespace + "pods":                                                                  false,
		"https://api/version":                                                               false,
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader("c4n4ry sent"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer c4n4ry")
		text := logged(t, func() {
			res, err := (&tracer{level: bodyVerbosity}).wrap(xsite.Primary)(trip("c4n4ry received")).RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(res.Body)
			if err != nil || string(body) != "c4n4ry received" {
				t.Errorf("%s: read %q, %v", url, body, err)
			}
			if err := res.Body.Close(); err != nil {
				t.Error(err)
			}
		})
		if !strings.Contains(text, "Response headers") {
			t.Errorf("%s: headers are not logged:\n%s", url, text)
		}
		want := 0
		if shown {
			want = 2
		}
		if strings.Contains(text, "Bearer") || strings.Count(text, "c4n4ry") != want {
			t.Errorf("%s: the body is shown: %t\n%s", url, shown, text)
		}
	}
	if (&tracer{level: headerVerbosity}).wrap(xsite.Primary) != nil {
		t.Error("bodies are looked at below their level")
	}
}

func TestWhatAServerSaysIsHarmlessInTheLog(t *testing.T) {
	const hostile = "one\n\x1b[2Jtwo\u202e\n"
	text := logged(t, func() {
		(&tracer{level: bodyVerbosity}).infinispan(xsite.Primary)(infinispan.CallRecord{Body: hostile, Err: errors.New(hostile), Received: http.Header{"X": {hostile}}})
	})
	if strings.ContainsAny(text, "\x1b\u202e") || !strings.Contains(text, "two") {
		t.Errorf("logged: %q", text)
	}
}

func TestAWatchIsNotKept(t *testing.T) {
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://api/api/v1/namespaces/x/configmaps?watch=1", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	text := logged(t, func() {
		res, err := (&tracer{level: 10}).wrap(xsite.Secondary)(trip("event")).RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		if err := res.Body.Close(); err != nil {
			t.Error(err)
		}
	})
	if strings.Contains(text, "body") {
		t.Errorf("logged:\n%s", text)
	}
}
