package xsite

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/compare"
)

// DiffOptions say what is compared. Of the Options the clusters, Observer, Clock, Caches, VerifyLimit and PollInterval are
// used.
type DiffOptions struct {
	Options

	// Values compares values as well as keys.
	Values bool
	// Show is how many keys that differ are kept of each cache; they are personal data.
	Show int
}

// DiffReport is what the contents of the two sites differ in.
type DiffReport struct {
	// Primary and Secondary are the names of the sites.
	Primary, Secondary string
	// Caches are those that were compared, sorted by their names on the primary.
	Caches []CacheDiff
	Took   time.Duration
}

// Equal reports that no cache differs.
func (d DiffReport) Equal() bool {
	return !slices.ContainsFunc(d.Caches, func(c CacheDiff) bool { return !c.Found.Equal() })
}

// CacheDiff is what one cache differs in.
type CacheDiff struct {
	Name, RemoteName string
	Found            compare.Result
}

// Diff compares the contents of the two sites, cache by cache. It reads only. What comes or goes during the comparison is no
// difference. The error is a *RunError; the report has the caches that were compared until then.
func Diff(ctx context.Context, options DiffOptions) (DiffReport, error) {
	d := &differing{run: newRun(options.Options), options: options}
	began := d.opts.Clock.Now()
	err := d.during(ctx, PhaseDiff, func(_ *run, ctx context.Context) error { return d.all(ctx) })
	d.found.Took = d.opts.Clock.Now().Sub(began)
	if err != nil {
		return d.found, &RunError{
			Outcome: refusedUnlessInterrupted(outcomeOf(ctx, err)), Phase: PhaseDiff, Err: err, Undone: true, State: []string{unchangedBoth},
		}
	}
	return d.found, nil
}

// differing is the work of a comparison: a run that changes nothing.
type differing struct {
	*run

	options DiffOptions
	found   DiffReport
}

// all finds the caches and compares them.
func (d *differing) all(ctx context.Context) error {
	caches, err := d.caches(ctx)
	if err != nil {
		return err
	}
	for _, c := range caches {
		d.cacheState(CacheState{Cache: c.Name, State: "comparing"})
		one := CacheDiff{Name: c.Name, RemoteName: c.RemoteName}
		err := d.readWhole(ctx, Secondary, func(ctx context.Context) (err error) {
			one.Found, err = compare.Cache(ctx, d.primary.relay().node, d.secondary.relay().node, c.Name, c.RemoteName, d.how())
			return err
		})
		if err != nil {
			return fmt.Errorf("compare cache %s of the two sites: %w", c.Name, err)
		}
		d.found.Caches = append(d.found.Caches, one)
		state := "equal"
		if !one.Found.Equal() {
			state = "unequal"
		}
		d.cacheState(CacheState{
			Cache: c.Name, State: state, Done: one.Found.SecondaryEntries, Total: one.Found.PrimaryEntries,
			Counted: map[Role]int64{Primary: one.Found.PrimaryEntries, Secondary: one.Found.SecondaryEntries},
		})
	}
	return nil
}

// how translates the options for package compare.
func (d *differing) how() compare.Options {
	o := d.compareOptions()
	o.Mode, o.ShowKeys = compare.ModeKeys, d.options.Show
	if d.options.Values {
		o.Mode = compare.ModeEntries
	}
	return o
}

// caches finds out who the two sites are and which caches of the primary back up to the secondary.
func (d *differing) caches(ctx context.Context) ([]CachePlan, error) {
	for _, s := range []*site{d.primary, d.secondary} {
		if err := s.survey(ctx); err != nil {
			return nil, err
		}
		if err := readName(s); err != nil {
			return nil, err
		}
	}
	d.found.Primary, d.found.Secondary = d.primary.name, d.secondary.name
	ours, err := cacheConfigs(ctx, d.primary)
	if err != nil {
		return nil, err
	}
	theirs, err := cacheConfigs(ctx, d.secondary)
	if err != nil {
		return nil, err
	}
	if err := d.guardNarrowing(ours); err != nil {
		return nil, err
	}
	var caches []CachePlan
	p := &siteLook{configs: ours, status: SiteStatus{Peer: d.secondary.name}}
	s := &siteLook{configs: theirs, status: SiteStatus{Peer: d.primary.name}}
	for _, c := range pairCaches(p, s, d.opts.Caches) {
		_, here := ours[c.Name]
		_, there := theirs[c.Secondary.Cache]
		if !here || !there {
			return nil, &Stop{
				Guard: GuardIdentity, Found: fmt.Sprintf("cache %s is on one of the two sites only", c.Name),
				Where:   fmt.Sprintf("sites %s and %s", d.primary.name, d.secondary.name),
				Because: "there is nothing to compare it with", Next: "make it on the other site, or name the caches to compare with --cache",
			}
		}
		caches = append(caches, CachePlan{Name: c.Name, RemoteName: c.Secondary.Cache})
	}
	if len(caches) == 0 {
		return nil, &Stop{
			Guard: GuardIdentity, Found: fmt.Sprintf("no cache backs up between site %s and site %s", d.primary.name, d.secondary.name),
			Because: "the two are not the sites of one pair, or this is not the Infinispan that Keycloak uses",
			Next:    "check both contexts, and name the Infinispan with --infinispan",
		}
	}
	return caches, nil
}
