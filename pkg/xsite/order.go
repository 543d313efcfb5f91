package xsite

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// nextPhase tells which phase the open run has to do next: the one after the last that ended, unless the outcome of an
// earlier one does not stand any more, as both sites tell it now; because says what was found then. It reads only.
func (r *run) nextPhase(ctx context.Context) (next Phase, because string, err error) {
	rec := r.journal.record
	switch {
	case !r.isOpen():
		return PhaseStop, "", nil
	case r.onlyStarts():
		return PhaseStart, "", nil
	case rec.Verified:
		return r.nextProved(ctx)
	}
	for _, p := range []struct {
		phase Phase
		fails func(context.Context) (string, error)
	}{{PhaseStop, r.upAgain}, {PhaseOffline, r.speakAgain}, {PhaseClear, r.filledAgain}} {
		if slices.Index(Phases(), rec.Ended) < slices.Index(Phases(), p.phase) {
			return p.phase, "", nil
		}
		if because, err = p.fails(ctx); err != nil || because != "" {
			return p.phase, because, err
		}
	}
	return PhasePush, "", nil
}

// nextProved is nextPhase for a run whose contents were proved.
func (r *run) nextProved(ctx context.Context) (next Phase, because string, err error) {
	if r.journal.record.Ended != PhaseOnline {
		return PhaseOnline, "", nil
	}
	if because, err = r.silentAgain(ctx); err != nil || because != "" {
		return PhaseOnline, because, err
	}
	return PhaseStart, "", nil
}

// upAgain tells what there is of Keycloak of the secondary, which phase stop had stopped.
func (r *run) upAgain(ctx context.Context) (string, error) {
	left, err := runningKeycloak(ctx, r.secondary)
	return joined(left), err
}

// speakAgain tells what brought the two sites together again that phase offline had parted: flags on any server, or the mode
// AUTO.
func (r *run) speakAgain(ctx context.Context) (string, error) {
	found, err := r.differing(ctx, infinispan.FlagOffline)
	if err != nil || found != "" {
		return found, err
	}
	err = r.guardManual(ctx)
	if guard, _ := StoppedBy(err); guard == GuardManual {
		return brief(err), nil
	}
	return "", err
}

// silentAgain tells what has parted the two sites again that phase online had brought together.
func (r *run) silentAgain(ctx context.Context) (string, error) {
	return r.differing(ctx, infinispan.FlagOnline)
}

// differing asks every server of both sites anew, and tells what flag of the other site is not as it should be.
func (r *run) differing(ctx context.Context, want infinispan.Flag) (string, error) {
	if err := r.both(ctx, func(ctx context.Context, s *site) error { return s.survey(ctx) }); err != nil {
		return "", err
	}
	var mu sync.Mutex
	var found []string
	err := r.both(ctx, func(ctx context.Context, s *site) error {
		peer := r.peerOf(s).name
		return eachCache(ctx, r.plan.Caches, func(ctx context.Context, c CachePlan) error {
			differ, err := flagsEverywhere(ctx, s, peer, c, want)
			if len(differ) > 0 {
				mu.Lock()
				defer mu.Unlock()
				found = append(found, fmt.Sprintf("site %s is not %s on site %s for cache %s: %s", peer, want, s.name, c.localName(s.role), strings.Join(differ, ", ")))
			}
			return err
		})
	})
	slices.Sort(found)
	return joined(found), err
}

// filledAgain tells what is in the caches of the secondary that phase clear had emptied.
func (r *run) filledAgain(ctx context.Context) (string, error) {
	var mu sync.Mutex
	var found []string
	err := eachCache(ctx, r.plan.Caches, func(ctx context.Context, c CachePlan) error {
		size, err := r.secondary.relay().node.Size(ctx, c.RemoteName)
		if err != nil {
			return fmt.Errorf("count the entries of cache %s of the %s: %w", c.RemoteName, r.secondary, err)
		}
		if size > 0 {
			mu.Lock()
			defer mu.Unlock()
			found = append(found, fmt.Sprintf("cache %s of site %s has %d entries", c.RemoteName, r.secondary.name, size))
		}
		return nil
	})
	slices.Sort(found)
	return joined(found), err
}
