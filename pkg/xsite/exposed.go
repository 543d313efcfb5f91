package xsite

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// fenceFirst puts first what makes the primary's writes work again, where this run could not see to it and they are exposed.
func (r *run) fenceFirst(exposed bool, next string) string {
	if !exposed {
		return next
	}
	fence := "if writes of site " + r.primary.name + " fail: " + r.opts.Command("fence")
	if next == "" {
		return fence
	}
	return fence + "; then " + next
}

// tellExposed answers for an earlier run that this one did not get to see, because the secondary does not answer: that is the
// commonest way to lose the link too. The run may have left the secondary online on the primary, whose copy of the journal tells.
func (r *run) tellExposed(ctx context.Context, e *RunError) {
	if r.alone || r.opts.DryRun {
		return
	}
	var stored []StoredJournal
	err := r.safely(ctx, func(ctx context.Context) (err error) {
		stored, err = r.primary.cluster.Journals(ctx)
		return err
	})
	if err != nil {
		return // what stopped the run says more
	}
	for _, one := range stored {
		rec, err := parseRecord(one)
		if err != nil || rec.Closed != "" || rec.SiteRole != Primary || !rec.Cleared {
			continue
		}
		e.State = append(e.State, fmt.Sprintf("run %s, begun %s by %s, is not closed on the primary (phase %s): it may have left site %s online there",
			rec.RunID, rec.Started.Format(time.RFC3339), rec.Who, rec.Phase, rec.SecondarySite))
		e.Next = r.fenceFirst(true, e.Next)
		return
	}
}

// tellDepends offers the fence where an unfinished run has left the secondary online on the primary, and the primary is not known
// to see it. Nothing is changed: what stopped the run is not the link, and may be what keeps it from being put right.
func (r *run) tellDepends(ctx context.Context, e *RunError) {
	_ = r.safely(ctx, func(ctx context.Context) error {
		info, err := impatient(r.primary.relay().node).Info(ctx)
		if err == nil && info.RelayNode && slices.Contains(info.SitesView, r.secondary.name) {
			return nil
		}
		caches := r.journal.record.Caches
		depends := len(caches) == 0 // only the primary's copy is left, which does not name them
		for name := range caches {
			online, err := flagsEverywhere(ctx, r.primary, r.secondary.name, CachePlan{Name: name, RemoteName: name}, infinispan.FlagOffline)
			if depends = err != nil || len(online) > 0; depends {
				break
			}
		}
		if depends {
			e.State = append(e.State, fmt.Sprintf("primary %s has site %s online, or may have, and is not known to see it: its writes may be failing",
				r.primary.name, r.secondary.name))
			e.Next = r.fenceFirst(true, e.Next)
		}
		return nil
	})
}
