package xsite

import (
	"context"
	"fmt"
	"time"
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
