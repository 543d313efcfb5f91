package kube

import (
	"bytes"
	"strings"
	"testing"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

func TestTheWayIsTheFirstThatIsAllowed(t *testing.T) {
	for name, test := range map[string]struct {
		denied []string
		named  Transport
		want   Transport
		note   bool
	}{
		"both":                      {want: PortForward},
		"only exec":                 {denied: []string{"portforward"}, want: Exec, note: true},
		"only port-forward":         {denied: []string{"exec"}, want: PortForward},
		"neither":                   {denied: []string{"exec", "portforward"}, want: PortForward},
		"named":                     {named: Exec, want: Exec},
		"named though not allowed":  {denied: []string{"portforward"}, named: PortForward, want: PortForward},
		"named, neither is allowed": {denied: []string{"exec", "portforward"}, named: Exec, want: Exec},
	} {
		t.Run(name, func(t *testing.T) {
			f := newSite(t)
			for _, sub := range test.denied {
				f.denied["create pods/"+sub] = true
			}
			var notes bytes.Buffer
			site := f.mustConnect(func(o *Options) {
				o.Transport = test.named
				o.Note = func(text string) { notes.WriteString(text + "\n") }
			})
			if site.transport != test.want {
				t.Errorf("it is %s", site.transport)
			}
			want := ""
			if test.note {
				want = "Infinispan is reached through exec (pods/exec), since this user may not create pods/portforward in namespace keycloak\n"
			}
			if got := notes.String(); got != want {
				t.Errorf("said %q", got)
			}
			needed := map[Transport]string{PortForward: "pods/portforward", Exec: "pods/exec"}
			for way, resource := range needed {
				asks := strings.Contains(strings.Join(asked(t, site, xsite.Primary), "\n"), "create "+resource)
				if asks != (way == test.want) {
					t.Errorf("%s is asked for: %v", resource, asks)
				}
			}
		})
	}
}

func TestAnUnknownWayIsRefused(t *testing.T) {
	f := newSite(t)
	_, err := f.connect(func(o *Options) { o.Transport = "telnet" })
	if got := as[*RefError](t, err); got.Flag != "--transport" || got.Value != "telnet" {
		t.Errorf("got %+v", got)
	}
}
