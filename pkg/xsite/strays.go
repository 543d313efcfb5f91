package xsite

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// sweepLimit bounds the last look for probe caches, for each site.
const sweepLimit = 15 * time.Second

// dropStrayProbes deletes the probe caches of runs that died. With the leases held nobody else's probe is under way.
func (r *run) dropStrayProbes(ctx context.Context) error {
	for _, s := range r.present() {
		if err := r.dropProbes(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// sweepProbes looks once more for what is left of probes before a run is closed: a server that was slow may have made a cache
// after it was deleted, and a run that died may have left one. It does what it can; what it cannot do is said.
func (r *run) sweepProbes(ctx context.Context) {
	for _, s := range r.present() {
		err := func() error {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sweepLimit)
			defer cancel()
			return r.dropProbes(ctx, s)
		}()
		if err != nil {
			r.noted(s.role, "a probe cache may be left there, empty (%s): history prune removes it", oneLine(err))
		}
	}
}

// dropProbes deletes every probe cache of one site, and all that was mirrored for one, and says so.
func (r *run) dropProbes(ctx context.Context, s *site) error {
	caches, err := probeCaches(ctx, s)
	if err != nil {
		return err
	}
	for _, cache := range caches {
		if err := s.relay().node.DeleteCache(ctx, cache); err != nil {
			return fmt.Errorf("delete the probe cache %s on the %s: %w", cache, s, err)
		}
		r.changed(s.role, "removed probe cache %s, which was left on site %s", cache, s.name)
	}
	mirrored, err := s.cluster.ForgetCaches(ctx, probePrefix)
	for _, cache := range mirrored {
		r.changed(s.role, "removed the Cache resource of probe cache %s, which was left on site %s", cache, s.name)
	}
	if err != nil {
		return fmt.Errorf("look for Cache resources of probe caches on the %s: %w", s, err)
	}
	return nil
}

// probeCaches lists the probe caches that a site has.
func probeCaches(ctx context.Context, s *site) ([]string, error) {
	names, err := s.relay().node.CacheNames(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the caches of the %s: %w", s, err)
	}
	slices.Sort(names)
	return slices.DeleteFunc(names, func(name string) bool { return !strings.HasPrefix(name, probePrefix) }), nil
}

// probeRun is the run that a probe cache belongs to.
func probeRun(cache string) string {
	id, _, _ := strings.Cut(strings.TrimPrefix(cache, probePrefix), "-")
	return id
}

// dropProbe deletes one probe cache from one site, and what was mirrored for it.
func dropProbe(ctx context.Context, s *site, cache string) error {
	if err := s.relay().node.DeleteCache(ctx, cache); err != nil {
		return fmt.Errorf("delete the probe cache %s on the %s: %w", cache, s, err)
	}
	_, err := s.cluster.ForgetCaches(ctx, cache)
	return err
}
