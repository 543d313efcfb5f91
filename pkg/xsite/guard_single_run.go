package xsite

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// checkSingleRun: nobody else holds a lease of either site. One that is there is watched: it is somebody's as soon as it is
// renewed, and nobody's when that did not happen for as long as it lasts. Its times are those of a foreign clock and prove
// nothing.
func (r *run) checkSingleRun(ctx context.Context) error {
	r.seenLeases = map[Role]LeaseRecord{}
	var watched []*site
	for _, s := range r.leased() {
		found, err := s.cluster.Lease(ctx)
		if err != nil {
			return fmt.Errorf("read the lease of the %s: %w", s, err)
		}
		r.seenLeases[s.role] = found
		if found.held() {
			watched = append(watched, s)
		}
	}
	if err := r.watchLeases(ctx, watched); err != nil {
		return err
	}
	for _, s := range watched {
		r.warned(GuardSingleRun, "%s: a lease was left by a run that ended without giving it back: %s", s, r.seenLeases[s.role].describe())
	}
	if len(r.leased()) > 0 { // else nobody was looked for
		r.passed(GuardSingleRun, "no other run is at work on either site")
	}
	return nil
}

// leased lists the sites whose leases a run takes, in order.
func (r *run) leased() []*site {
	sites := []*site{r.primary}
	if !r.alone {
		sites = leaseOrder(r.primary, r.secondary)
	}
	return slices.DeleteFunc(sites, func(s *site) bool { return s.role == Primary && r.opts.NoPrimaryLease })
}

// watchLeases waits until the leases of some sites have stood still for as long as they last, by the clock here.
func (r *run) watchLeases(ctx context.Context, watched []*site) error {
	if len(watched) == 0 {
		return nil
	}
	lasts := leaseDuration
	for _, s := range watched {
		lasts = min(max(r.seenLeases[s.role].Duration, lasts), longestLease)
	}
	began := r.opts.Clock.Now()
	return r.await(ctx, "", "a lease to run out", 2*lasts+r.opts.StepTimeout, func(ctx context.Context) (bool, string, error) {
		var state []string
		stood := r.opts.Clock.Now().Sub(began)
		for _, s := range watched {
			found := r.seenLeases[s.role]
			now, err := s.cluster.Lease(ctx)
			switch {
			case err != nil:
				return false, "", fmt.Errorf("read the lease of the %s: %w", s, err)
			case !now.held():
				return false, "", r.heldBy(s, found, "it was given back a moment ago")
			case now != found:
				return false, "", r.heldBy(s, now, "it was renewed a moment ago")
			}
			state = append(state, fmt.Sprintf("%s: %s", s, found.describe()))
		}
		return stood > lasts, fmt.Sprintf("%s; not renewed for %s, runs out at %s", joined(state), stood.Round(time.Second), lasts), nil
	})
}

// longestLease bounds what is believed of a lease's own duration.
const longestLease = 5 * time.Minute

// heldBy refuses a run while another one is at work.
func (r *run) heldBy(s *site, by LeaseRecord, how string) error {
	return &Stop{
		Guard: GuardSingleRun, Found: fmt.Sprintf("another run is at work on site %s: %s; %s", s.name, by.describe(), how), Where: s.String(),
		Because: becauseSingleRun,
		Next:    fmt.Sprintf("wait until run %s has ended, or ask %s; then run the same command again", by.Run, by.Who),
	}
}

// takeLeases makes this run the only one, before its first change, and keeps it so. What preflight saw of leases and journals
// must be what is there still.
func (r *run) takeLeases(ctx context.Context) error {
	k := &keeper{clock: r.opts.Clock, stop: func() {}, ticked: r.opts.Clock.Now()}
	holder := r.id + "/" + newRunID() + newRunID()
	for _, s := range r.leased() {
		sent := r.opts.Clock.Now()
		record := LeaseRecord{
			Version: r.seenLeases[s.role].Version, Holder: holder, Run: r.id, Role: s.role, Who: r.opts.Who,
			Since: sent, Renewed: sent, Duration: leaseDuration,
		}
		version, err := s.cluster.PutLease(ctx, record)
		if err != nil {
			err = r.notTaken(ctx, s, err)
			return errors.Join(err, r.safely(ctx, k.release))
		}
		record.Version = version
		k.grips = append(k.grips, &grip{site: s, record: record, good: sent})
	}
	r.keeper = k
	k.stop = r.opts.Clock.Every(context.WithoutCancel(ctx), leaseRenew, k.renew) // as long as anything may be changed, undoing included
	return r.sameJournals(ctx)
}

// notTaken explains a lease that could not be taken.
func (r *run) notTaken(ctx context.Context, s *site, cause error) error {
	if !errors.Is(cause, ErrConflict) {
		return fmt.Errorf("take the lease of the %s: %w", s, cause)
	}
	now, err := s.cluster.Lease(ctx)
	if err != nil {
		return fmt.Errorf("read the lease of the %s: %w", s, err)
	}
	return r.heldBy(s, now, "it was taken a moment ago")
}

// sameJournals proves that no other run began or ended between preflight and the leases.
func (r *run) sameJournals(ctx context.Context) error { return r.sameJournalsBut(ctx, "") }

// guardAloneOnRecord proves it again when this run's own record is in both clusters and nothing else is changed yet. Two runs with
// mirrored roles that hold one lease each (NoPrimaryLease) are kept apart by this alone: both write first and read then, so at
// least one of them sees the other.
func (r *run) guardAloneOnRecord(ctx context.Context) error { return r.sameJournalsBut(ctx, r.id) }

// sameJournalsBut demands that the records of all runs but one are those that preflight saw.
func (r *run) sameJournalsBut(ctx context.Context, own string) error {
	for _, s := range r.present() {
		stored, err := s.cluster.Journals(ctx)
		if err != nil {
			return fmt.Errorf("read the journals of the %s: %w", s, err)
		}
		seen, now := maps.Clone(r.seenJournals[s.role]), journalVersions(stored)
		delete(seen, own)
		delete(now, own)
		if maps.Equal(now, seen) {
			continue
		}
		found := []string{"another run was at work since the plan was made: the journals changed"}
		for _, one := range stored {
			if record, err := parseRecord(one); one.ID != own && one.Version != seen[one.ID] && err == nil {
				found = append(found, record.describe())
			}
		}
		return &Stop{
			Guard: GuardSingleRun, Found: strings.Join(found, "; "), Where: s.String(),
			Because: "what was confirmed is not what is there any more", Next: "run the same command again and look at the plan anew",
		}
	}
	return nil
}

// describe tells of a run, or of a fence, to who met its record.
func (rec JournalRecord) describe() string {
	if rec.Closed == closedFence {
		return fmt.Sprintf("%s fenced site %s off on site %s", rec.Who, rec.SecondarySite, rec.PrimarySite)
	}
	return fmt.Sprintf("run %s by %s keeps site %s and discards site %s (%s)",
		rec.RunID, rec.Who, rec.PrimarySite, rec.SecondarySite, cmp.Or(rec.Closed, "unfinished, phase "+string(rec.Phase)))
}

// present lists the sites that this run works with.
func (r *run) present() []*site {
	if r.alone {
		return []*site{r.primary}
	}
	return []*site{r.secondary, r.primary}
}

// journalVersions maps records to their versions.
func journalVersions(list []StoredJournal) map[string]string {
	versions := map[string]string{}
	for _, one := range list {
		versions[one.ID] = one.Version
	}
	return versions
}
