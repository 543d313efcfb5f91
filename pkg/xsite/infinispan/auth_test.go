package infinispan

import (
	"errors"
	"net/http"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func names200() *canned {
	return &canned{replies: map[string]reply{
		"GET /rest/v2/caches":                       {200, `["a"]`},
		"PUT /rest/v2/caches/a/k":                   {204, ""},
		"GET /rest/v2/caches/a%2Fb%20c?action=size": {200, "3"},
	}}
}

func TestMechanismIsTheOneTheServerAsksFor(t *testing.T) {
	for _, tc := range []struct {
		name   string
		server *digestServer
		want   []string // schemes of the requests that carried credentials
	}{
		{"digest md5", &digestServer{algorithms: []string{"MD5"}}, []string{"Digest", "Digest", "Digest"}},
		{"digest sha-256", &digestServer{algorithms: []string{"SHA-256"}}, []string{"Digest", "Digest", "Digest"}},
		{"digest sha-512-256", &digestServer{algorithms: []string{"MD5", "SHA-512-256"}}, []string{"Digest", "Digest", "Digest"}},
		{"digest before basic", &digestServer{basic: true, algorithms: []string{"SHA-256"}}, []string{"Digest", "Digest", "Digest"}},
		{"basic where nothing else is offered", &digestServer{basic: true}, []string{"Basic", "Basic", "Basic"}},
		{"basic where digest is offered and refused, as on 14.0.28", &digestServer{basic: true, algorithms: []string{"SHA-256"}, unsupported: "Digest"}, []string{"Digest", "Basic", "Basic", "Basic"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			server := tc.server
			server.user, server.password, server.next = "operator", canary, names200()
			c := newTestClient(t, server)
			if _, err := c.CacheNames(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := c.Put(t.Context(), "a", "k", "v"); err != nil {
				t.Fatal(err)
			}
			if n, err := c.Size(t.Context(), "a/b c"); err != nil || n != 3 {
				t.Fatalf("size %d, %v", n, err)
			}
			if diff := cmp.Diff(tc.want, server.schemes); diff != "" {
				t.Error(diff)
			}
			if server.challenged != 1 {
				t.Errorf("asked for credentials %d times, want once: nothing is sent before, and the challenge is kept", server.challenged)
			}
		})
	}
}

func TestCallsAtTheSameTimeDoNotSpoilEachOthersCount(t *testing.T) {
	server := &digestServer{algorithms: []string{"MD5"}, user: "operator", password: canary, next: names200()}
	c := newTestClient(t, server)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 25 {
				if _, err := c.CacheNames(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

func TestRefusalsAreToldApart(t *testing.T) {
	forbidden := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "ISPN000287: Unauthorized access: subject lacks 'ADMIN' permission", http.StatusForbidden)
	})
	negotiate := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("WWW-Authenticate", "Negotiate, Bearer realm=\"x, y\"")
		w.WriteHeader(http.StatusUnauthorized)
	})
	for _, tc := range []struct {
		name   string
		server http.Handler
		want   error
		not    []error
	}{
		{"wrong password, digest", &digestServer{algorithms: []string{"MD5"}, user: "operator", password: "other", next: names200()}, ErrUnauthorized, []error{ErrForbidden, ErrMechanism}},
		{"wrong password, basic", &digestServer{basic: true, user: "operator", password: "other", next: names200()}, ErrUnauthorized, []error{ErrForbidden, ErrMechanism}},
		{"not ADMIN", &digestServer{algorithms: []string{"MD5"}, user: "operator", password: canary, next: forbidden}, ErrForbidden, []error{ErrUnauthorized, ErrMechanism}},
		{"mechanism refused", &digestServer{algorithms: []string{"MD5"}, user: "operator", password: canary, unsupported: "Digest", next: names200()}, ErrMechanism, []error{ErrForbidden, ErrUnauthorized}},
		{"no mechanism in common", negotiate, ErrMechanism, []error{ErrUnauthorized, ErrUnreachable}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := newTestClient(t, tc.server)
			for range 2 { // the second call starts from what the first learned
				_, err := c.CacheNames(t.Context())
				if !errors.Is(err, tc.want) {
					t.Fatalf("got %v, want %v", err, tc.want)
				}
				for _, not := range tc.not {
					if errors.Is(err, not) {
						t.Errorf("%v also matches %v", err, not)
					}
				}
			}
		})
	}
}

func TestWrongPasswordIsNotShownInAWeakerWay(t *testing.T) {
	server := &digestServer{basic: true, algorithms: []string{"SHA-256", "MD5"}, user: "operator", password: "other", next: names200()}
	c := newTestClient(t, server)
	if _, err := c.CacheNames(t.Context()); !errors.Is(err, ErrUnauthorized) {
		t.Fatalf("got %v", err)
	}
	if diff := cmp.Diff([]string{"Digest"}, server.schemes); diff != "" {
		t.Error(diff)
	}
}

func TestChallengesShareAHeader(t *testing.T) {
	got := parseChallenges([]string{
		`Basic realm="a, b", Digest realm="c", nonce="x=,\"y", qop="auth,auth-int"`, "Negotiate", "", `Bearer realm = "z"`,
	})
	want := []string{`Basic realm="a, b"`, `Digest realm="c", nonce="x=,\"y", qop="auth,auth-int"`, "Negotiate", `Bearer realm = "z"`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
