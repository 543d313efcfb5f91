package xsite

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// flagOf asks one server directly for its own flag of the peer, for one cache. Newer servers answer for their
// neighbours with their own flag (F12), so only what a server says of itself counts.
func flagOf(ctx context.Context, m member, cache, peer string) (infinispan.Flag, error) {
	flags, err := m.node.NodeFlags(ctx, cache, peer)
	if err != nil {
		return "", err
	}
	flag, told := flags[m.info.NodeName]
	if !told || (flag != infinispan.FlagOnline && flag != infinispan.FlagOffline) {
		return "", fmt.Errorf("server %s does not tell whether site %s is online for it; it says %v", m.info.NodeName, peer, flags)
	}
	return flag, nil
}

// localName is the name of a planned cache at the given role.
func (c CachePlan) localName(role Role) string {
	if role == Primary {
		return c.Name
	}
	return c.RemoteName
}

// flagsEverywhere asks every server of a site for its flag of the peer and returns those that differ from the wanted
// one, as "pod infinispan-0 says online", sorted.
func flagsEverywhere(ctx context.Context, s *site, peer string, c CachePlan, want infinispan.Flag) ([]string, error) {
	var (
		mu     sync.Mutex
		differ []string
	)
	err := s.each(ctx, func(ctx context.Context, m member) error {
		flag, err := flagOf(ctx, m, c.localName(s.role), peer)
		if err != nil {
			return err
		}
		if flag != want {
			mu.Lock()
			defer mu.Unlock()
			differ = append(differ, fmt.Sprintf("pod %s says %s", m.pod.Name, flag))
		}
		return nil
	})
	slices.Sort(differ)
	return differ, err
}

// checkFlags reads what the run is going to change in Infinispan, so that it can be put back: the flags of both sites
// and the state-transfer modes. What an unfinished run recorded wins over what is seen now, for it saw it first.
func (r *run) checkFlags(ctx context.Context) error {
	if err := r.guardSamePlan("caches", slices.Collect(maps.Keys(r.journal.record.Caches)), cacheNames(r.plan.Caches)); err != nil {
		return err
	}
	originals := make(map[string]*CacheOriginal, len(r.plan.Caches))
	for _, c := range r.plan.Caches {
		originals[c.Name] = new(CacheOriginal)
	}
	err := eachCache(ctx, r.plan.Caches, func(ctx context.Context, c CachePlan) (err error) {
		o := originals[c.Name]
		if o.SecondaryHoldsPrimary, o.SecondaryMode, err = readBackup(ctx, r.secondary, r.primary.name, c); err != nil {
			return err
		}
		o.PrimaryHoldsSecondary, o.PrimaryMode, err = readBackup(ctx, r.primary, r.secondary.name, c)
		return err
	})
	if err != nil {
		return err
	}
	for i := range r.plan.Caches {
		c := &r.plan.Caches[i]
		c.Original = *originals[c.Name]
		if recorded, ok := r.journal.original(c.Name); ok {
			c.Original = recorded
		}
	}
	return nil
}

// readBackup reads flag and mode of a cache's backup to the peer, over all servers of the site. Servers that disagree
// on the flag count as offline, and as AUTO on the mode: the cautious reading of each.
func readBackup(ctx context.Context, s *site, peer string, c CachePlan) (infinispan.Flag, infinispan.Mode, error) {
	var mu sync.Mutex
	flag, mode := infinispan.FlagOnline, infinispan.ModeManual
	err := s.each(ctx, func(ctx context.Context, m member) error {
		itsFlag, err := flagOf(ctx, m, c.localName(s.role), peer)
		if err != nil {
			return err
		}
		itsMode, err := m.node.StateTransferMode(ctx, c.localName(s.role), peer)
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		if itsFlag == infinispan.FlagOffline {
			flag = infinispan.FlagOffline
		}
		if itsMode == infinispan.ModeAuto {
			mode = infinispan.ModeAuto
		}
		return nil
	})
	return flag, mode, err
}

// setFlag takes the peer offline or brings it online for one cache, and proves it on every server of the site. The
// call goes through one server and is repeated on each that does not follow.
func (r *run) setFlag(ctx context.Context, s *site, peer string, c CachePlan, want infinispan.Flag) error {
	set := func(ctx context.Context, n Node) error {
		if want == infinispan.FlagOnline {
			return n.BringOnline(ctx, c.localName(s.role), peer)
		}
		return n.TakeOffline(ctx, c.localName(s.role), peer)
	}
	if err := set(ctx, s.relay().node); err != nil {
		return fmt.Errorf("set site %s %s for cache %s on the %s: %w", peer, want, c.Name, s, err)
	}
	differ, err := flagsEverywhere(ctx, s, peer, c, want)
	if err != nil || len(differ) == 0 {
		return err
	}
	for _, m := range s.lastSurveyed() {
		if err := set(ctx, m.node); err != nil {
			return fmt.Errorf("set site %s %s for cache %s on pod %s of the %s: %w", peer, want, c.Name, m.pod.Name, s, err)
		}
	}
	if differ, err = flagsEverywhere(ctx, s, peer, c, want); err != nil || len(differ) == 0 {
		return err
	}
	return notSet(s, peer, c, want, strings.Join(differ, ", "))
}

// notSet is the end of a run whose servers do not follow.
func notSet(s *site, peer string, c CachePlan, want infinispan.Flag, differ string) error {
	return &Stop{
		Guard: GuardOffline, Found: fmt.Sprintf("site %s is not %s for cache %s: %s", peer, want, c.Name, differ), Where: s.String(),
		Because: "a server that says online passes on what it is told to clear (V6a)",
		Next:    "look at the log of that pod, then run the same command again",
	}
}
