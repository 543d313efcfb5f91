package xsite_test

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// clientWrites is a write of one of the primary's clients. What was acknowledged is the truth from then on.
func (p *pair) clientWrites(name, key string, e entry) error {
	if e.lifespan > 0 {
		e.expires = p.now.Add(e.lifespan)
	}
	if err := p.update(p.a, len(p.a.servers)-1, name, put(key, e)); err != nil {
		return err
	}
	p.truth[name][key] = e
	return nil
}

// judgeClear notes a clear of the secondary while its Keycloak runs, and any of the primary.
func (p *pair) judgeClear(s *site, name string) {
	p.cleared[name] = true
	if s != p.b {
		p.violations = append(p.violations, "the primary's cache "+name+" was cleared")
	}
	for _, k := range s.keycloaks {
		if len(k.pods) > 0 {
			p.violations = append(p.violations, "cache "+name+" was cleared while "+k.pods[0].name+" runs")
		}
	}
}

// judgeStart notes a Keycloak of the secondary that is started between a clear and contents that are all there.
func (p *pair) judgeStart(s *site, instances int) {
	if s != p.b || instances == 0 {
		return
	}
	for name := range p.truth {
		if p.cleared[name] && !p.hasAll(name) {
			p.violations = append(p.violations, "Keycloak is started while cache "+name+" is incomplete")
		}
	}
}

// hasAll tells whether every living entry of the primary is on the secondary with its value.
func (p *pair) hasAll(name string) bool {
	there := p.a.twin(name)
	for _, key := range p.a.caches[name].keys(p.now) {
		if there == nil || there.entries[key].value != p.a.caches[name].entries[key].value {
			return false
		}
	}
	return true
}

// wantPrimaryWhole is the ledger: once all that is under way has arrived, the primary has every entry that its clients
// wrote, with the last value, and nothing else.
func (p *pair) wantPrimaryWhole(t *testing.T) {
	t.Helper()
	p.pass(10 * time.Minute)
	for name, truth := range p.truth {
		have := p.a.caches[name]
		if have == nil {
			t.Errorf("cache %s is gone from the primary", name)
			continue
		}
		for key, want := range truth {
			if got, there := have.entries[key]; want.alive(p.now) && (!there || got.value != want.value) {
				t.Errorf("the primary lost %s of cache %s: there %v, value %q, want %q", key, name, there, got.value, want.value)
			}
		}
		for _, key := range have.keys(p.now) {
			if _, known := truth[key]; !known {
				t.Errorf("%s of cache %s reached the primary, and no client of it wrote that", key, name)
			}
		}
	}
	if len(p.violations) > 0 {
		t.Errorf("broken on the way: %v", p.violations)
	}
}

// wantRecovered demands everything that a run which succeeded promises.
func (p *pair) wantRecovered(t *testing.T) {
	t.Helper()
	p.wantPrimaryWhole(t)
	for name := range p.truth {
		twin := p.a.twin(name)
		if got, want := twin.keys(p.now), p.a.caches[name].keys(p.now); !slices.Equal(got, want) || !p.hasAll(name) {
			t.Errorf("cache %s differs: the secondary has %d entries, the primary %d", name, len(got), len(want))
		}
	}
	for _, s := range []*site{p.a, p.b} {
		for name, c := range s.caches {
			b, backsUp := c.config.Backups[s.peer().name]
			if !backsUp || isProbe(name) {
				continue
			}
			for i := range c.flags {
				if c.flags[i] != infinispan.FlagOnline {
					t.Errorf("%s still holds its peer %s for cache %s on server %d", s.name, c.flags[i], name, i)
				}
				if c.status[i] != infinispan.PushIdle {
					t.Errorf("push status of cache %s on %s is %s", name, s.name, c.status[i])
				}
				if c.modes[i] != b.Mode {
					t.Errorf("state transfer mode of cache %s on %s is %s", name, s.name, c.modes[i])
				}
			}
		}
	}
	p.wantKeycloakServing(t)
	p.wantClosed(t, "succeeded")
}

// wantKeycloakServing demands that Keycloak of the secondary runs with its original count and no note of it is left.
func (p *pair) wantKeycloakServing(t *testing.T) {
	t.Helper()
	for _, k := range p.b.keycloaks {
		if v := k.seen(); v.Instances != 2 || v.ReadyPods != 2 || v.Recorded != nil {
			t.Errorf("Keycloak of the secondary: %d instances, %d ready, recorded %v; want 2, 2, nothing", v.Instances, v.ReadyPods, v.Recorded)
		}
	}
}

// wantClosed demands that no unfinished run is left, and that the last one was closed in the given way on the secondary.
func (p *pair) wantClosed(t *testing.T, closed string) {
	t.Helper()
	for _, s := range []*site{p.a, p.b} {
		for _, record := range p.records(t, s) {
			if record.Closed == "" && !slices.ContainsFunc(p.records(t, s.peer()), func(o xsite.JournalRecord) bool {
				return o.RunID == record.RunID && o.Closed != ""
			}) {
				t.Errorf("the journal of run %s is still open on %s", record.RunID, s.name)
			}
		}
	}
	if records := p.records(t, p.b); len(records) == 0 || records[0].Closed != closed {
		t.Errorf("the last run of the secondary should be closed as %q: %+v", closed, records)
	}
}

// wantOpen demands that exactly one unfinished run is known to both sites.
func (p *pair) wantOpen(t *testing.T) {
	t.Helper()
	for _, s := range []*site{p.a, p.b} {
		if records := p.records(t, s); len(records) != 1 || records[0].Closed != "" {
			t.Errorf("%s should know of one unfinished run: %+v", s.name, records)
		}
	}
}

// records reads the journals of a site.
func (p *pair) records(t *testing.T, s *site) []xsite.JournalRecord {
	t.Helper()
	var records []xsite.JournalRecord
	for _, j := range s.journals {
		var record xsite.JournalRecord
		if err := json.Unmarshal(j.record, &record); err != nil {
			t.Fatalf("journal %s: %v", j.id, err)
		}
		records = append(records, record)
	}
	return records
}

// image is everything about both sites that a run could change, as text.
func (p *pair) image() string {
	var b strings.Builder
	for _, s := range []*site{p.a, p.b} {
		for _, name := range slices.Sorted(maps.Keys(s.caches)) {
			c := s.caches[name]
			b.WriteString(text(s.name, name, c.keys(p.now), c.entries, c.flags, c.modes, c.status, c.receiving))
		}
		for _, k := range s.keycloaks {
			b.WriteString(text(s.name, k.seen()))
		}
		b.WriteString(text(s.name, len(s.mirrored), s.journals))
	}
	return b.String()
}

// wantRefused demands that a run ended by the guard with nothing changed on either site, not even for a moment.
func (p *pair) wantRefused(t *testing.T, err error, guard xsite.Guard, before string) {
	t.Helper()
	p.wantStoppedBy(t, err, guard, xsite.Refused)
	if made := p.changed(); len(made) > 0 {
		t.Errorf("changed although it refused: %v", made)
	}
	if after := p.image(); after != before {
		t.Errorf("the sites differ from before:\n%s\n%s", before, after)
	}
	p.wantPrimaryWhole(t)
}

// wantStoppedBy demands that a guard ended the run, with the given outcome.
func (p *pair) wantStoppedBy(t *testing.T, err error, guard xsite.Guard, outcome xsite.Outcome) {
	t.Helper()
	if got, stopped := xsite.StoppedBy(err); !stopped || got != guard {
		t.Errorf("stopped by %q, want %q: %v", got, guard, err)
	}
	p.wantOutcome(t, err, outcome)
}

// wantOutcome demands a RunError of the given outcome.
func (p *pair) wantOutcome(t *testing.T, err error, outcome xsite.Outcome) {
	t.Helper()
	var failed *xsite.RunError
	if !errors.As(err, &failed) || failed.Outcome != outcome {
		t.Errorf("want outcome %s: %v", outcome, err)
		return
	}
	if outcome == xsite.Interrupted && strings.Contains(failed.Next, "mend") {
		t.Errorf("an interruption has no cause to mend: %s", failed.Next)
	}
}
