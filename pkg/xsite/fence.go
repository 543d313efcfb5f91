package xsite

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// FenceOptions is what a fence is made of. Only the primary's cluster is used.
type FenceOptions struct {
	// Options are those of the recovery; SecondaryCluster and Confirm are not used.
	Options

	// Agree is asked before the first change.
	Agree Agree
	// Site is the site to take offline; empty for the only one that caches of the primary back up to.
	Site string
	// EvenIfLinked fences although the two sites see each other.
	EvenIfLinked bool
}

// Fence takes the other site offline on the primary for every cache that backs up to it, so that the primary's writes neither
// fail nor wait for a site that is out of reach (V10, V45). What was online is recorded in the primary's cluster, for Lift.
func Fence(ctx context.Context, options FenceOptions) (Report, error) {
	f := newFencing(options)
	return f.undertake(ctx, PhaseFence, options.Agree, f.checkFence, f.fence, f.failed)
}

// Lift brings online what Fence took offline, once the two sites see each other again. The other site misses what was changed
// meanwhile: a recovery is the better way, and removes the fence too.
func Lift(ctx context.Context, options FenceOptions) (Report, error) {
	f := newFencing(options)
	return f.undertake(ctx, PhaseFence, options.Agree, f.checkLift, f.lift, f.failed)
}

// fencing is the work of a fence: a run that knows one site only.
type fencing struct {
	*run

	options FenceOptions
	// records are the fences found, fenced the caches that they took offline.
	records []string
	fenced  map[string]bool
	// halfway are the unfinished runs that have cleared caches of the other site, as the primary knows them.
	halfway []JournalRecord
	// all are the caches that back up to the site; those of the plan are what is changed.
	all []CachePlan
	// silent is said of the servers that did not answer.
	silent []error
	// state says how the flags stand after a failure; empty for not known.
	state string
}

// newFencing makes the work; nothing is asked yet.
func newFencing(options FenceOptions) *fencing {
	options.SecondaryCluster = options.PrimaryCluster // not used
	r := newRun(options.Options)
	r.secondary = &site{role: Secondary}
	r.alone = true
	return &fencing{run: r, options: options, fenced: map[string]bool{}}
}

// survey finds out who the primary is, with the given look at its servers, and which site is meant.
func (f *fencing) survey(ctx context.Context, look func(context.Context) error) (map[string]infinispan.CacheConfig, error) {
	if err := f.accessTo(ctx, f.primary); err != nil {
		return nil, err
	}
	if err := look(ctx); err != nil {
		return nil, err
	}
	if err := readName(f.primary); err != nil {
		return nil, err
	}
	if err := f.checkSingleRun(ctx); err != nil {
		return nil, err
	}
	configs, err := cacheConfigs(ctx, f.primary)
	if err != nil {
		return nil, err
	}
	peers := map[string]bool{}
	for _, config := range configs {
		for peer := range config.Backups {
			peers[peer] = true
		}
	}
	names := slices.Sorted(maps.Keys(peers))
	switch {
	case f.options.Site == "" && len(names) == 1:
		f.secondary.name = names[0]
	case slices.Contains(names, f.options.Site):
		f.secondary.name = f.options.Site
	default:
		return nil, &Stop{
			Guard: GuardIdentity, Found: fmt.Sprintf("caches of site %s back up to: %s", f.primary.name, joined(names)), Where: f.primary.String(),
			Because: "which site is to be taken offline cannot be told", Next: "name it with --site",
		}
	}
	maps.DeleteFunc(configs, func(_ string, config infinispan.CacheConfig) bool {
		_, backsUp := config.Backups[f.secondary.name]
		return !backsUp
	})
	return configs, nil
}

// linked tells whether the primary's relay node sees the other site.
func (f *fencing) linked() bool {
	return slices.Contains(f.primary.relay().info.SitesView, f.secondary.name)
}

// guardMeant: a site that is seen, or of which the relay node does not tell, is made stale by who says so only.
func (f *fencing) guardMeant() error {
	found := fmt.Sprintf("site %s sees site %s", f.primary.name, f.secondary.name)
	unknown := len(f.silent) > 0 && !f.primary.relay().info.RelayNode
	if unknown {
		found = fmt.Sprintf("whether site %s sees site %s is not known: %s", f.primary.name, f.secondary.name, oneLine(errors.Join(f.silent...)))
	}
	if f.options.EvenIfLinked || !unknown && !f.linked() {
		return nil
	}
	return &Stop{
		Guard: GuardReachable, Found: found, Where: f.primary.String(),
		Because: fmt.Sprintf("site %s would miss every change from now on, and a recovery would be needed", f.secondary.name),
		Next:    "a fence is for a link that is down, which may take a minute to be noticed; add --even-if-linked to fence all the same",
	}
}

// surveyAnswering looks at the servers of the primary. Those that answer are enough for first aid.
func (f *fencing) surveyAnswering(ctx context.Context) (err error) {
	f.silent, err = f.primary.surveyAnswering(ctx)
	return err
}

// checkFence finds what is online.
func (f *fencing) checkFence(ctx context.Context) (Undertaking, error) {
	configs, err := f.survey(ctx, f.surveyAnswering)
	if err != nil {
		return Undertaking{}, err
	}
	if err := f.guardMeant(); err != nil {
		return Undertaking{}, err
	}
	found, err := f.journalsOfPrimary(ctx)
	if err != nil {
		return Undertaking{}, err
	}
	for _, problem := range f.silent {
		found = append(found, "not asked, and no proof without it: "+oneLine(problem))
	}
	for _, name := range slices.Sorted(maps.Keys(configs)) {
		c := CachePlan{Name: name, RemoteName: name}
		online, err := flagsEverywhere(ctx, f.primary, f.secondary.name, c, infinispan.FlagOffline)
		if err != nil {
			return Undertaking{}, fmt.Errorf("read the flags of cache %s: %w", name, err)
		}
		f.all = append(f.all, c)
		if len(online) > 0 {
			f.plan.Caches = append(f.plan.Caches, c)
		}
	}
	what := Undertaking{
		Title: fmt.Sprintf("Take site %s offline on site %s, so that its writes depend on nobody", f.secondary.name, f.primary.name),
		Site:  f.secondary.name, Found: found,
	}
	for _, c := range f.plan.Caches {
		what.Does = append(what.Does, fmt.Sprintf("take site %s offline for cache %s", f.secondary.name, c.Name))
	}
	if len(f.plan.Caches) == 0 {
		what.Found = append(what.Found, fmt.Sprintf("site %s is offline already for all %d caches", f.secondary.name, len(configs)))
	}
	return what, nil
}

// journalsOfPrimary reads the records in the primary's cluster, and what of them matters for a fence.
func (f *fencing) journalsOfPrimary(ctx context.Context) ([]string, error) {
	stored, err := f.primary.cluster.Journals(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the journals of the %s: %w", f.primary, err)
	}
	f.seenJournals = map[Role]map[string]string{Primary: journalVersions(stored)}
	var found []string
	for _, one := range stored {
		record, err := parseRecord(one)
		switch {
		case err != nil:
			found = append(found, oneLine(err))
		case record.Closed == closedFence && record.SecondarySite == f.secondary.name:
			f.records = append(f.records, one.ID)
			for name := range record.Caches {
				f.fenced[name] = true
			}
		case record.Closed == "" && record.SiteRole == Secondary:
			return nil, &Stop{
				Guard: GuardDirection, Where: f.primary.String(),
				Found:   fmt.Sprintf("run %s by %s is unfinished, and site %s is the one whose data it discards", record.RunID, record.Who, f.primary.name),
				Because: "it may be empty or half filled; it is no site to be made independent",
				Next:    "finish that run first",
			}
		case record.Closed == "":
			if record.Cleared && record.SecondarySite == f.secondary.name {
				f.halfway = append(f.halfway, record)
			}
			found = append(found, fmt.Sprintf("run %s by %s is unfinished (phase %s); it goes on all the same later", record.RunID, record.Who, record.Phase))
		}
	}
	return found, nil
}

// fence records what is online, then takes it offline.
func (f *fencing) fence(ctx context.Context) error {
	switch {
	case len(f.plan.Caches) > 0:
		if err := f.record(ctx); err != nil {
			return err
		}
	case len(f.silent) == 0:
		return nil
	}
	if err := f.takeOffline(ctx); err != nil {
		return err
	}
	f.did(Primary, "site %s holds site %s offline for %d caches, on every server: its writes depend on nobody",
		f.primary.name, f.secondary.name, len(f.all))
	f.report.Did = append(f.report.Did,
		fmt.Sprintf("site %s misses every change from now on: recover it when the link works, which ends the fence too", f.secondary.name))
	return nil
}

// record notes in the primary's cluster what is online, for the way back.
func (f *fencing) record(ctx context.Context) error {
	now := f.opts.Clock.Now().UTC()
	record := JournalRecord{
		Schema: journalSchema, RunID: f.id, SiteRole: Primary, PrimarySite: f.primary.name, SecondarySite: f.secondary.name,
		PrimaryUID: f.primary.place.InfinispanUID, Who: f.opts.Who, Reason: f.opts.Reason, Tool: f.opts.Tool,
		Started: now, Updated: now, Phase: PhaseFence, Closed: closedFence, Caches: map[string]CacheOriginal{},
	}
	for _, c := range f.plan.Caches {
		record.Caches[c.Name] = CacheOriginal{PrimaryHoldsSecondary: infinispan.FlagOnline}
	}
	if _, err := putRecord(ctx, f.primary.cluster, record, ""); err != nil {
		return journalStop(f.primary.place, f.id, err)
	}
	return nil
}

// failed describes a fence that ended half-way. Its record stays: the same command goes on.
func (f *fencing) failed(_ context.Context, e *RunError) {
	e.State = append(e.State, cmp.Or(f.state,
		fmt.Sprintf("primary %s: site %s may be offline for some caches and online for others", f.primary.name, f.secondary.name)))
	e.State = append(e.State, f.report.Did...)
	e.DataAtRisk = "none: no data was touched"
	e.Next = e.mended("run the same command again")
}

// dropFences removes the records of fences that this run has ended: all of them when it succeeded, else those of which it brought
// everything online again. Lifted later, such a record would bring online what somebody took offline since.
func (r *run) dropFences(ctx context.Context, succeeded bool) error {
	stored, err := r.primary.cluster.Journals(ctx)
	if err != nil {
		return fmt.Errorf("read the journals of the %s: %w", r.primary, err)
	}
	for _, one := range stored {
		record, err := parseRecord(one)
		if err != nil || record.Closed != closedFence || record.SecondarySite != r.secondary.name || !succeeded && !r.broughtBack(record) {
			continue
		}
		if err := r.primary.cluster.DeleteJournal(ctx, one.ID); err != nil {
			return fmt.Errorf("remove the record of a fence from the %s: %w", r.primary, err)
		}
	}
	return nil
}

// broughtBack tells, of a run that put everything back, whether it brought the secondary online on the primary again for all that a
// fence took offline. What changed nothing brought nothing back: the fence may be younger than the run.
func (r *run) broughtBack(record JournalRecord) bool {
	if r.reached == nothingChanged {
		return false
	}
	for name := range record.Caches {
		i := slices.IndexFunc(r.plan.Caches, func(c CachePlan) bool { return c.Name == name })
		if i < 0 || r.plan.Caches[i].Original.PrimaryHoldsSecondary != infinispan.FlagOnline {
			return false
		}
	}
	return true
}
