package xsite_test

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// checksDoc is where users read about the checks.
const checksDoc = "../../docs/checks.md"

func TestEveryCheckHasItsSectionAndEverySectionItsCheck(t *testing.T) {
	text, err := os.ReadFile(checksDoc)
	if err != nil {
		t.Fatal(err)
	}
	var sections, checks []string
	for _, part := range strings.Split(string(text), "\n## ")[1:] {
		name, body, _ := strings.Cut(part, "\n")
		sections = append(sections, name)
		for _, label := range []string{"**What.**", "**Why.**", "**What to do.**"} {
			if !strings.Contains(body, label) {
				t.Errorf("section %s says nothing under %s", name, label)
			}
		}
	}
	for _, c := range xsite.Checks() {
		checks = append(checks, string(c.ID))
		var needs []string
		for _, need := range c.Needs {
			needs = append(needs, string(need))
		}
		if row := "| [" + string(c.ID) + "](#" + string(c.ID) + ") | " + string(c.Group) + " | [" + string(c.Guard) +
			"](guards.md#" + string(c.Guard) + ") | " + strings.Join(needs, ", "); !strings.Contains(string(text), row) {
			t.Errorf("the table has no row that begins %q", row)
		}
	}
	if !slices.Equal(sections, checks) {
		t.Errorf("sections of %s: %v\nchecks: %v", checksDoc, sections, checks)
	}
}

func TestAChecksNeedsComeBeforeIt(t *testing.T) {
	var before []xsite.CheckID
	for _, c := range xsite.Checks() {
		if slices.Contains(before, c.ID) {
			t.Errorf("there are two checks %s", c.ID)
		}
		for _, need := range c.Needs {
			if !slices.Contains(before, need) {
				t.Errorf("check %s needs %s, which does not come before it", c.ID, need)
			}
		}
		if c.Title == "" || c.Hint == "" || c.Group == "" || c.Guard == "" {
			t.Errorf("check %s is not described: %+v", c.ID, c)
		}
		before = append(before, c.ID)
	}
}

// What one finding of a check would hide is found as well: who mends one would only meet the next.
func TestACheckTellsAllThatItFound(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(p *pair)
		words   []string
	}{
		"caches that are not alike": {func(p *pair) {
			delete(p.b.caches, "work")
			clear(p.b.caches["sessions"].config.Backups)
			p.addCache("orders", 5)
		}, []string{"cache work of site site-a does not exist", "cache sessions of site site-b does not back up", "does not know back up to the secondary too: orders"}},
		"caches with shared stores": {func(p *pair) {
			p.a.caches["work"].config.Stores = []infinispan.StoreConfig{{Kind: "jdbc-store", Shared: true}}
			p.b.caches["sessions"].config.Stores = []infinispan.StoreConfig{{Kind: "remote-store", Remote: true}}
		}, []string{"cache work has a shared", "cache sessions has a shared"}},
		"two sites that are not whole": {func(p *pair) {
			p.a.servers[0].ready, p.a.servers[1].ready = false, false
			p.b.health = infinispan.HealthDegraded
		}, []string{"pod infinispan-0 is not Ready", "pod infinispan-1 is not Ready", "health is DEGRADED"}},
		"rights that lack on both sites": {func(p *pair) {
			for _, s := range []*site{p.a, p.b} {
				s.access = append(s.access, xsite.Access{Verb: "get", Resource: "secrets-of-" + s.name, Required: true})
			}
		}, []string{"secrets-of-site-a", "secrets-of-site-b"}},
		"pushes of several caches": {func(p *pair) {
			p.b.caches["work"].status[1], p.a.caches["sessions"].status[0] = infinispan.PushSending, infinispan.PushSending
		}, []string{"a push of cache work to site site-a", "a push of cache sessions to site site-b"}},
		"several signs against the roles": {func(p *pair) {
			p.a.keycloaks[0].instances, p.a.keycloaks[0].pods = 0, nil
			for name, c := range p.a.caches {
				clear(c.entries)
				clear(p.truth[name])
			}
		}, []string{"--accept primary-keycloak-not-ready", "--accept primary-smaller"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t)
			c.prepare(p)
			before := p.image()
			_, err := p.recover(t)
			p.wantOutcome(t, err, xsite.Refused)
			p.wantUntouched(t, before)
			for _, want := range c.words {
				if err != nil && !strings.Contains(err.Error(), want) {
					t.Errorf("does not say %q: %v", want, err)
				}
			}
		})
	}
}

func TestSitesThatDoNotAnswerAreBothTold(t *testing.T) {
	p := newPair(t)
	for _, at := range []string{siteA, siteB} {
		p.before(occasion{site: at, method: "Info", always: true}, func() error { return errors.New("no answer of " + at) })
	}
	_, err := p.recover(t)
	p.wantOutcome(t, err, xsite.Refused)
	for _, at := range []string{siteA, siteB} {
		if err != nil && !strings.Contains(err.Error(), "no answer of "+at) {
			t.Errorf("does not tell of %s: %v", at, err)
		}
	}
}
