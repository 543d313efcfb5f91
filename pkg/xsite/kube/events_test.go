package kube

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// events gives the Events that were left, as KIND/NAME: TYPE REASON MESSAGE.
func (f *fakeAPI) events() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []string
	for path, o := range f.objects {
		if strings.Contains(path, "/events/") {
			about := o["involvedObject"].(object)
			all = append(all, fmt.Sprintf("%v %v/%v %v: %v %v %v %v", about["apiVersion"], about["kind"], about["name"], about["uid"],
				o["type"], o["reason"], o["message"], o["lastTimestamp"]))
		}
	}
	slices.Sort(all)
	return all
}

func TestAnEventIsLeftOnInfinispanAndEachKeycloak(t *testing.T) {
	f := newSite(t)
	site := f.mustConnect(nil)
	at := time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)
	if err := site.Tell(t.Context(), Happening{Reason: "CachesCleared", Message: "8 caches", Time: at}); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"infinispan.org/v1 Infinispan/infinispan " + string(site.server.uid) + ": Normal CachesCleared 8 caches 2026-03-01T03:00:00Z",
		"k8s.keycloak.org/v2beta1 Keycloak/keycloak kc-keycloak: Normal CachesCleared 8 caches 2026-03-01T03:00:00Z",
	}
	if got := f.events(); !slices.Equal(got, want) {
		t.Errorf("left %q, want %q", got, want)
	}
	if err := site.Tell(t.Context(), Happening{Reason: "ResyncFailed", Warning: true, Time: at.Add(time.Millisecond)}); err != nil {
		t.Fatal(err)
	}
	if got := f.events(); len(got) != 4 || !strings.Contains(strings.Join(got, "\n"), ": Warning ResyncFailed") {
		t.Errorf("left %q", got)
	}
	if reads := f.calls("get keycloaks/keycloak"); len(reads) > 2 {
		t.Errorf("the UID of Keycloak is asked for each time: %q", reads)
	}
}

func TestAnEventThatMayNotBeLeftIsForbidden(t *testing.T) {
	f := newSite(t)
	site := f.mustConnect(nil)
	f.denied["create events"] = true
	err := site.Tell(t.Context(), Happening{Reason: "CachesCleared", Time: time.Unix(1, 0)})
	if forbidden, ok := errors.AsType[*ForbiddenError](err); !ok || forbidden.Resource != "events" {
		t.Errorf("error %v", err)
	}
}

func TestALongMessageIsCutBetweenCharacters(t *testing.T) {
	for _, text := range []string{"", "short", strings.Repeat("x", 1024), strings.Repeat("x", 1025), strings.Repeat("é", 600), "x" + strings.Repeat("€", 500)} {
		got := cut(text, longestMessage)
		if len(got) > longestMessage || !utf8.ValidString(got) || len(text) <= longestMessage && got != text || len(text) > longestMessage && len(got) < longestMessage-4 {
			t.Errorf("%d bytes become %d", len(text), len(got))
		}
	}
}
