package xsite

import (
	"context"
	"errors"
	"fmt"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// guardManual: no server of either site may bring the peer online and push by itself. In mode AUTO it does so whenever
// the peer comes back into view, and the stale entries of the secondary land on the primary (V7).
func (r *run) guardManual(ctx context.Context) error {
	return r.both(ctx, func(ctx context.Context, s *site) error {
		peer := r.peerOf(s)
		return eachCache(ctx, r.plan.Caches, func(ctx context.Context, c CachePlan) error {
			if c.Strategy == infinispan.StrategySync {
				return nil // a SYNC backup cannot be AUTO (V8)
			}
			return s.each(ctx, func(ctx context.Context, m member) error {
				mode, err := m.node.StateTransferMode(ctx, c.localName(s.role), peer.name)
				if err != nil {
					return err
				}
				if mode == infinispan.ModeManual {
					return nil
				}
				return &Stop{
					Guard: GuardManual, Found: fmt.Sprintf("state transfer of cache %s is in mode %s", c.localName(s.role), mode), Where: s.String(),
					Because: "the site would push its stale entries to the other by itself as soon as it sees it anew (V7)",
					Next:    "find out who set the mode back, then run the same command again",
				}
			})
		})
	})
}

// setModes puts the state-transfer mode of every cache that was AUTO before the run where pick says, on every server of both sites.
func (r *run) setModes(ctx context.Context, pick func(s *site, o CacheOriginal) infinispan.Mode) error {
	return r.both(ctx, func(ctx context.Context, s *site) error { return r.setModesOf(ctx, s, pick) })
}

// setModesOf is setModes for one site.
func (r *run) setModesOf(ctx context.Context, s *site, pick func(s *site, o CacheOriginal) infinispan.Mode) error {
	peer := r.peerOf(s)
	return eachCache(ctx, r.plan.Caches, func(ctx context.Context, c CachePlan) error {
		if originalMode(s, c.Original) == infinispan.ModeManual {
			return nil // was never anything else
		}
		want := pick(s, c.Original)
		err := s.each(ctx, func(ctx context.Context, m member) error {
			return m.node.SetStateTransferMode(ctx, c.localName(s.role), peer.name, want)
		})
		if err == nil {
			r.changed(s.role, "cache %s: state transfer mode %s", c.localName(s.role), want)
		}
		return err
	})
}

// silenceSecondary lets the secondary say nothing to the primary. The mode of a cache comes first: one that holds the primary offline
// in mode AUTO pushes what it has, which is old by then, as soon as it sees the primary anew (guard manual, V7). A cache that cannot
// be silenced does not leave the others speaking.
func (r *run) silenceSecondary(ctx context.Context) error {
	problems := []error{r.secondary.survey(ctx)}
	for _, c := range r.plan.Caches { // one after the other (V66)
		//mutate:manual
		if err := r.noAuto(ctx, r.secondary, c); err != nil {
			problems = append(problems, err)
			continue
		}
		problems = append(problems, r.setFlag(ctx, r.secondary, r.primary.name, c, infinispan.FlagOffline))
	}
	return errors.Join(problems...)
}

// noAuto sets every server of a site to MANUAL that is in mode AUTO for a cache, whatever it was before the run: a server that
// started again is in the mode of its configuration.
func (r *run) noAuto(ctx context.Context, s *site, c CachePlan) error {
	if c.Strategy == infinispan.StrategySync {
		return nil // a SYNC backup cannot be AUTO (V8)
	}
	return s.each(ctx, func(ctx context.Context, m member) error {
		mode, err := m.node.StateTransferMode(ctx, c.localName(s.role), r.peerOf(s).name)
		if err != nil || mode == infinispan.ModeManual {
			return err
		}
		return m.node.SetStateTransferMode(ctx, c.localName(s.role), r.peerOf(s).name, infinispan.ModeManual)
	})
}

// originalMode picks the mode that a site's backup had before the run.
func originalMode(s *site, o CacheOriginal) infinispan.Mode {
	if s.role == Primary {
		return o.PrimaryMode
	}
	return o.SecondaryMode
}

// manualMode picks MANUAL, whatever the mode was.
func manualMode(*site, CacheOriginal) infinispan.Mode { return infinispan.ModeManual }

// peerOf returns the other site of the run.
func (r *run) peerOf(s *site) *site {
	if s.role == Primary {
		return r.secondary
	}
	return r.primary
}
