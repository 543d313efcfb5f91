package xsite

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// leaseDuration is how long a lease is good without being renewed.
	leaseDuration = 45 * time.Second
	// leaseRenew is the pause between two renewals.
	leaseRenew = 5 * time.Second
	// leaseCall is the longest a changing call may last; none begins with less of the lease left.
	leaseCall = 31 * time.Second
	// leaseAsk bounds one renewal.
	leaseAsk = 5 * time.Second
)

// LeaseRecord is a Lease in one site's cluster, as coordination.k8s.io/v1 has it. Its zero value is no Lease.
type LeaseRecord struct {
	// Version is the version of the object; empty for one that is to be created.
	Version string
	// Holder names the process that holds it, unlike any other.
	Holder string
	// Run, Role and Who say what for: the run's id, the role that this site has in it, and user@host.
	Run  string
	Role Role
	Who  string
	// Since and Renewed are by the holder's clock, for people to read; nothing is judged by them.
	Since, Renewed time.Time
	// Duration is how long it is good without being renewed.
	Duration time.Duration
}

// held tells whether somebody holds the lease, or did and has not released it.
func (l LeaseRecord) held() bool { return l.Version != "" && l.Holder != "" }

// describe names the holder for people.
func (l LeaseRecord) describe() string {
	return fmt.Sprintf("%s holds it since %s (run %s, in which this site is the %s; last renewed %s)",
		l.Who, l.Since.UTC().Format(time.RFC3339), l.Run, l.Role, l.Renewed.UTC().Format(time.RFC3339))
}

// grip is one lease as its holder knows it.
type grip struct {
	site   *site
	record LeaseRecord
	// good is when the renewal was sent that last succeeded; the lease lasts from then on.
	good time.Time
}

// keeper holds the leases of a run, renews them, and judges by its own clock whether they are held still.
type keeper struct {
	clock Clock
	stop  func()

	mu    sync.Mutex
	grips []*grip
	// ticked is when this process was last known to be awake.
	ticked time.Time
	lost   error
}

// elapsed is the longer of what the monotonic and the wall clock say: the former stands still while a laptop sleeps.
func elapsed(since, now time.Time) time.Duration {
	return max(now.Sub(since), now.Round(0).Sub(since.Round(0)))
}

// allow is asked right before every changing call. Its error wraps ErrUnavailable when a lease ran out because its cluster is
// away: it may be renewed still, and if it is, nobody else held it meanwhile. Any other error is for good.
func (k *keeper) allow() error { return k.allowWith(func(*grip) bool { return true }) }

// allowLetGo is asked before a call by which the primary lets go of the secondary. The lease of the secondary may have run out, because
// that whole site is away, which is when the primary's writes fail: the primary's own keeps every other run out.
func (k *keeper) allowLetGo() error {
	return k.allowWith(func(g *grip) bool { return g.site.role == Primary })
}

// allowWith is allow for those leases that count.
func (k *keeper) allowWith(counts func(*grip) bool) error {
	if k == nil {
		return &Stop{Guard: GuardSingleRun, Found: "a change was to be made without a lease", Because: becauseSingleRun, Next: "report this as a mistake of the tool"}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.clock.Now()
	k.awake(now)
	if k.lost != nil {
		return k.lost
	}
	for _, g := range k.grips {
		if left := g.record.Duration - elapsed(g.good, now); counts(g) && left < leaseCall {
			return fmt.Errorf("the lease of the %s could not be renewed for %s: %w", g.site, elapsed(g.good, now).Round(time.Second), ErrUnavailable)
		}
	}
	return nil
}

// awake notes that this process runs, and that it slept when it did not for as long as a lease lasts. Others may have taken
// over in that time.
func (k *keeper) awake(now time.Time) {
	if slept := elapsed(k.ticked, now); slept > leaseDuration && k.lost == nil {
		k.lost = lostLease("", fmt.Sprintf("this process stood still for %s, longer than its leases last", slept.Round(time.Second)))
	}
	k.ticked = now
}

// lostErr tells why the leases are lost, nil while they are not. The first thing that a process does after a sleep may be to
// fail at a reading, so it is judged here too.
func (k *keeper) lostErr() error {
	if k == nil {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.awake(k.clock.Now())
	return k.lost
}

// renew renews every lease once. A cluster that is away is asked again the next time.
func (k *keeper) renew(ctx context.Context) {
	k.mu.Lock()
	k.awake(k.clock.Now())
	grips, lost := slices.Clone(k.grips), k.lost
	k.mu.Unlock()
	if lost != nil {
		return
	}
	for _, g := range grips {
		if err := k.renewOne(ctx, g); err != nil {
			k.mu.Lock()
			k.lost = err
			k.mu.Unlock()
			return
		}
	}
}

// renewOne renews one lease. Its error is the loss of the lease.
func (k *keeper) renewOne(ctx context.Context, g *grip) error {
	ctx, cancel := context.WithTimeout(ctx, leaseAsk)
	defer cancel()
	sent := k.clock.Now()
	record := g.record
	record.Renewed = sent
	version, err := g.site.cluster.PutLease(ctx, record)
	if errors.Is(err, ErrConflict) {
		// A renewal whose answer was lost may have been made.
		now, readErr := g.site.cluster.Lease(ctx)
		if readErr != nil {
			return nil
		}
		if now.Holder != record.Holder {
			return lostLease(g.site.String(), takenFrom(now))
		}
		k.mu.Lock()
		g.record.Version = now.Version
		k.mu.Unlock()
		return nil
	}
	if err != nil {
		return nil // not renewed this time is not lost; allow judges how long that may go on
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	record.Version = version
	g.record, g.good = record, sent
	return nil
}

// takenFrom says who has a lease that was this run's.
func takenFrom(now LeaseRecord) string {
	if !now.held() {
		return "somebody removed the lease"
	}
	return "the lease was taken over: " + now.describe()
}

const becauseSingleRun = "two runs at once undo each other's steps: one may clear what the other has just pushed, or lock a server for ever (V66)"

// lostLease is the end of a run whose lease is not its own any more.
func lostLease(where, found string) *Stop {
	return &Stop{
		Guard: GuardSingleRun, Found: found, Where: where,
		Because: becauseSingleRun,
		Next:    "look whether somebody else goes on with it; if nobody does, run the same command again",
	}
}

// release gives the leases back, so that the next command need not wait for them to run out. What is lost is not touched.
func (k *keeper) release(ctx context.Context) error {
	if k == nil {
		return nil
	}
	k.stop()
	if k.lostErr() != nil {
		return nil //nolint:nilerr // the loss itself was told
	}
	var problems []error
	for _, g := range slices.Backward(k.grips) {
		if err := g.site.cluster.DeleteLease(ctx, g.record.Version); err != nil && !errors.Is(err, ErrConflict) {
			problems = append(problems, fmt.Errorf("give back the lease of the %s, which runs out by itself: %w", g.site, err))
		}
	}
	return errors.Join(problems...)
}

// leaseOrder is the order in which the leases of a pair are taken: by the UIDs of their Infinispans, so that two runs with
// mirrored roles meet at the same one first.
func leaseOrder(a, b *site) []*site {
	sites := []*site{a, b}
	slices.SortFunc(sites, func(x, y *site) int { return strings.Compare(x.place.InfinispanUID, y.place.InfinispanUID) })
	return sites
}
