package xsite

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// checkLift finds what the fences took offline. It is brought online only towards a site that is seen (V10).
func (f *fencing) checkLift(ctx context.Context) (Undertaking, error) {
	configs, err := f.survey(ctx, f.primary.survey)
	if err != nil {
		return Undertaking{}, err
	}
	found, err := f.journalsOfPrimary(ctx)
	if err != nil {
		return Undertaking{}, err
	}
	if err := f.guardNoneHalfway(); err != nil {
		return Undertaking{}, err
	}
	if !f.linked() {
		return Undertaking{}, f.unreachable(f.primary, f.secondary, f.primary.relay())
	}
	for _, name := range slices.Sorted(maps.Keys(f.fenced)) {
		if _, there := configs[name]; there {
			f.plan.Caches = append(f.plan.Caches, CachePlan{Name: name, RemoteName: name})
		}
	}
	f.all = f.plan.Caches
	if len(f.records) == 0 {
		return Undertaking{}, &Stop{
			Guard: GuardRecorded, Found: fmt.Sprintf("no fence towards site %s is recorded", f.secondary.name), Where: f.primary.String(),
			Because: "what was online before is not known", Next: "a recovery brings the sites together again",
		}
	}
	what := Undertaking{
		Title: fmt.Sprintf("Bring site %s online again on site %s", f.secondary.name, f.primary.name),
		Site:  f.secondary.name, Found: found,
		Loses: fmt.Sprintf("site %s misses what was changed since the fence and stays stale: a recovery is the better way, and ends the fence too",
			f.secondary.name),
	}
	for _, c := range f.plan.Caches {
		what.Does = append(what.Does, fmt.Sprintf("bring site %s online for cache %s", f.secondary.name, c.Name))
	}
	return what, nil
}

// guardNoneHalfway (of guard truthful-end): flags that are offline are all that tells an unfinished run that the other site missed
// something. With the fence gone it would take for expired what was removed meanwhile (V61), and end as a success. The primary
// may not know yet that the contents were proved, so that something was cleared decides.
func (f *fencing) guardNoneHalfway() error {
	if len(f.halfway) == 0 || len(f.records) == 0 {
		return nil
	}
	rec := f.halfway[0]
	next := "run the recovery again: it goes on with that run, and ends the fence too"
	if !rec.Verified {
		next += "; or go back from it: kubectl ispn-resync abort --discard-sessions"
	}
	next += ". If `" + f.opts.Command("history") + "` shows it as closed, only this cluster's copy was left open: history prune removes it"
	return &Stop{
		Guard: GuardTruthfulEnd, Where: f.primary.String(),
		Found: fmt.Sprintf("run %s by %s, begun %s, has cleared site %s and is unfinished (phase %s)",
			rec.RunID, rec.Who, rec.Started.Format(time.RFC3339), f.secondary.name, rec.Phase),
		Because: fmt.Sprintf("that run may take for expired what was removed on site %s since the fence: it would stay on site %s, "+
			"and the run would end as a success", f.primary.name, f.secondary.name),
		Next: next,
	}
}

// viewIsLate is for how long a link that was cut in silence may still look whole (V24: 48 s), rounded up.
const viewIsLate = 50 * time.Second

// lift brings online what was fenced, and removes the records once the link has proved to live. Without that the fence is set
// again, whatever it was that failed: the primary's writes may be failing (guard reachable).
func (f *fencing) lift(ctx context.Context) error {
	//mutate:reachable
	if err := f.guardHeard(ctx); err != nil {
		f.state = fmt.Sprintf("primary %s holds site %s offline, as before: its writes depend on nobody, and the fence is recorded still",
			f.primary.name, f.secondary.name)
		return err
	}
	f.ending = true // a server that is away is not waited for meanwhile either
	if err := f.open(ctx); err != nil {
		if again := f.safely(ctx, f.takeOffline); again != nil {
			return errors.Join(err, again)
		}
		f.state = fmt.Sprintf("primary %s holds site %s offline again, as before: its writes depend on nobody, and the fence is recorded still",
			f.primary.name, f.secondary.name)
		f.changed(Primary, "site %s holds site %s offline again: its writes depend on nobody", f.primary.name, f.secondary.name)
		return err
	}
	f.ending = false
	f.did(Primary, "site %s backs up to site %s again for %d caches", f.primary.name, f.secondary.name, len(f.plan.Caches))
	for _, id := range f.records {
		if err := f.primary.cluster.DeleteJournal(ctx, id); err != nil {
			f.state = fmt.Sprintf("primary %s: site %s is online again, but the fence is recorded still", f.primary.name, f.secondary.name)
			return fmt.Errorf("remove the record of the fence from the %s: %w", f.primary, err)
		}
	}
	return nil
}

// open brings online what was fenced, and watches the link for as long as it takes to notice that it is down.
func (f *fencing) open(ctx context.Context) error {
	if err := f.setFlags(ctx, f.primary, f.plan.Caches, infinispan.FlagOnline); err != nil {
		return err
	}
	f.changed(Primary, "site %s has site %s online for %d caches", f.primary.name, f.secondary.name, len(f.plan.Caches))
	began := f.opts.Clock.Now()
	heard := began
	what := fmt.Sprintf("a link that is down to be noticed, which takes up to %s", viewIsLate)
	return f.await(ctx, Primary, what, viewIsLate+answerLimit, func(ctx context.Context) (bool, string, error) {
		err := f.surveyAnswering(ctx)
		if err == nil && !f.primary.relay().info.RelayNode {
			err = fmt.Errorf("no relay node of the %s answers: %w", f.primary, errors.Join(f.silent...))
		}
		now := f.opts.Clock.Now()
		switch {
		case err != nil && now.Sub(heard) >= answerLimit:
			return false, "", err
		case err != nil:
			return false, brief(err), nil
		}
		//mutate:reachable
		if err := f.guardInTouch(ctx, false); err != nil {
			return false, "", err
		}
		heard = now
		watched := now.Sub(began)
		return watched >= viewIsLate, fmt.Sprintf("site %s has been seen for %s", f.secondary.name, watched.Round(time.Second)), nil
	})
}
