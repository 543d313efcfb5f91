package xsite

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

const (
	// canarySample is how many entries of the primary are looked at again after the first clear.
	canarySample = 64
	// canaryLeast is how many entries make a sample: of fewer, a few logouts would look like a leak.
	canaryLeast = 8
	// canaryListed is how many entries are listed to find lasting ones among them.
	canaryListed = 1000
	// canaryLifespan makes an entry lasting enough: of many such entries few expire while the canary is watched.
	canaryLifespan = 10 * time.Minute
	// canaryArrives is how long a clear that leaks by ASYNC is given to reach the primary: what is not held up is there within
	// milliseconds.
	canaryArrives = time.Second
)

// fingerprint stands for a key, which is personal data and is not kept.
type fingerprint [sha256.Size]byte

// guardCanary clears one cache before all others, the smallest with enough lasting entries, and looks at the primary before
// anything else is cleared. It is the last line of defence: a clear that leaks against everything known takes the least
// there is, and is seen. It returns the name of the cache it cleared, empty when no cache has enough.
func (r *run) guardCanary(ctx context.Context, order []CachePlan) (string, error) {
	if err := r.guardUnseenCanary(ctx); err != nil {
		return "", err
	}
	for _, c := range order {
		var sample map[fingerprint]bool
		err := r.readWhole(ctx, Primary, func(ctx context.Context) (err error) {
			sample, err = lastingSample(ctx, r.primary, c.Name)
			return err
		})
		if err != nil {
			return "", err
		}
		if len(sample) < canaryLeast {
			continue
		}
		held, err := r.primary.relay().node.Size(ctx, c.Name)
		if err != nil {
			return "", fmt.Errorf("count the entries of cache %s of the %s: %w", c.Name, r.primary, err)
		}
		if err := r.clearCache(ctx, c, &CanaryMark{Cache: c.Name, Entries: held, At: r.opts.Clock.Now()}); err != nil {
			return "", err
		}
		if c.Strategy == infinispan.StrategyAsync {
			if err := r.opts.Clock.Wait(ctx, canaryArrives); err != nil {
				return "", err
			}
		}
		var kept int
		err = r.readWhole(ctx, Primary, func(ctx context.Context) (err error) {
			kept, err = stillThere(ctx, r.primary, c.Name, sample)
			return err
		})
		if err != nil {
			return "", err
		}
		if kept*2 <= len(sample) { // logouts take some, a leaked clear takes all
			stop := r.leaked(r.id, fmt.Sprintf("%d of %d lasting entries of cache %s are gone from the primary since it was cleared on the secondary",
				len(sample)-kept, len(sample), c.Name))
			return "", errors.Join(stop, r.journal.leakedNow(ctx, stop.Found))
		}
		return c.Name, r.journal.canaryKept(ctx)
	}
	r.noted(Primary, "no cache has enough lasting entries to watch during the first clear")
	return "", nil
}

// guardUnseenCanary looks after a canary whose run ended before it looked itself. The one that is next in size would not tell
// that the first has leaked already.
func (r *run) guardUnseenCanary(ctx context.Context) error {
	mark := r.journal.record.Canary
	if mark == nil {
		return nil
	}
	now, err := r.primary.relay().node.Size(ctx, mark.Cache)
	if err != nil {
		return fmt.Errorf("count the entries of cache %s of the %s: %w", mark.Cache, r.primary, err)
	}
	found := mark.missing(now)
	if found == "" {
		return r.journal.canaryKept(ctx)
	}
	if !mark.old(r.opts.Clock.Now()) {
		stop := r.leaked(r.id, found)
		return errors.Join(stop, r.journal.leakedNow(ctx, stop.Found))
	}
	// Nothing more is at risk: what is cleared from here on has a canary of its own.
	r.noted(Primary, "%s", found+untold)
	return nil
}

// untold is what follows from entries that an old mark misses.
const untold = "; that is so long ago that it cannot be told any more whether a clear reached the primary or they ended by themselves"

// warnOfOldCanary tells before the question what the clear will not find out any more.
func (r *run) warnOfOldCanary() {
	mark := r.journal.record.Canary
	if mark == nil || !mark.old(r.opts.Clock.Now()) {
		return
	}
	for _, c := range r.plan.Caches {
		if c.Name != mark.Cache {
			continue
		}
		if found := mark.missing(c.PrimaryEntries); found != "" {
			r.warned(GuardCanary, "%s", found+untold)
		}
	}
}

// missing says that half of the entries or more are gone from the primary; empty when they are not.
func (m *CanaryMark) missing(now int64) string {
	if now > m.Entries/2 {
		return ""
	}
	return fmt.Sprintf("cache %s of the primary held %d entries before it was cleared on the secondary, and holds %d now", m.Cache, m.Entries, now)
}

// old tells whether the entries may have ended by themselves since. The mark may be of another machine, whose clock was ahead of
// this one's: a mark from the near future is young, one from the far future has no age that is known.
func (m *CanaryMark) old(now time.Time) bool { return now.Sub(m.At).Abs() > canaryLifespan }

// leaked is the end of all clears: one has reached the primary.
func (r *run) leaked(run, found string) *Stop {
	return &Stop{
		Guard: GuardCanary, Found: found, Where: r.primary.String(),
		Because: "a clear reached the primary; clearing the other caches would empty them there too",
		Next: "do not run this again and clear nothing by hand; compare the versions of both sites with those in the documentation, and report them; " +
			"only when the cause is known and gone, remove the record, for a new run: " + r.opts.Command("abort --discard-journal "+run),
	}
}

// errEnough ends a listing early.
var errEnough = errors.New("enough listed")

// lastingSample takes fingerprints of a few entries of a cache that will not expire by themselves soon.
func lastingSample(ctx context.Context, s *site, cache string) (map[fingerprint]bool, error) {
	sample := map[fingerprint]bool{}
	err := s.relay().node.EntriesWithMetadata(ctx, cache, canaryListed, func(e infinispan.Entry) error {
		if e.Lasting() || (e.MaxIdle < 0 && e.Lifespan >= canaryLifespan) {
			sample[sha256.Sum256(e.Key)] = true
		}
		if len(sample) == canarySample {
			return errEnough
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return nil, fmt.Errorf("take a sample of cache %s of the %s: %w", cache, s, err)
	}
	return sample, nil
}

// stillThere counts the entries of a sample that a cache still has.
func stillThere(ctx context.Context, s *site, cache string, sample map[fingerprint]bool) (int, error) {
	kept := 0
	err := s.relay().node.Entries(ctx, cache, func(key, _ []byte) error {
		if sample[sha256.Sum256(key)] {
			kept++
		}
		if kept == len(sample) {
			return errEnough
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return 0, fmt.Errorf("look at the sample of cache %s of the %s again: %w", cache, s, err)
	}
	return kept, nil
}
