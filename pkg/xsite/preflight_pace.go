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

// What makes chunks worth a word: fewer entries in one than this, and a push that takes at least that long.
const (
	smallChunk = 128
	longPush   = 30 * time.Second
)

// checkCacheHealth: every cache of the plan is healthy on both sites, where the servers tell that for each.
func (r *run) checkCacheHealth(ctx context.Context) error {
	return r.onBoth(ctx, func(ctx context.Context, s *site) error {
		health, err := s.relay().node.Health(ctx)
		if err != nil {
			return fmt.Errorf("ask the %s for its health: %w", s, err)
		}
		var found []error
		for _, c := range r.plan.Caches {
			name := c.localName(s.role)
			if status, told := health.Caches[name]; told && status != infinispan.HealthHealthy {
				found = append(found, unhealthy(s, fmt.Sprintf("the health of cache %s is %s: %s", name, status, meansOf(status))))
			}
		}
		return errors.Join(found...)
	})
}

// meansOf says what a health that is not HEALTHY means.
func meansOf(status infinispan.HealthStatus) string {
	switch status {
	case infinispan.HealthDegraded:
		return "servers are missing, and a part of the data may be with them"
	case infinispan.HealthRebalancing:
		return "entries are moving between its servers"
	case infinispan.HealthInitializing:
		return "it is starting"
	default:
		return "it cannot be used"
	}
}

// described gives the health of a cluster that is not healthy, with what it means and the caches that it is about.
func described(health infinispan.Health) string {
	text := fmt.Sprintf("%s: %s", health.Cluster, meansOf(health.Cluster))
	if caches := unwell(health); len(caches) > 0 {
		text += " (" + joined(caches) + ")"
	}
	return text
}

// unwell lists the caches whose health is not HEALTHY, with their health; those that are not started and FAILED mean
// nothing.
func unwell(health infinispan.Health) []string {
	var found []string
	for _, name := range slices.Sorted(maps.Keys(health.Caches)) {
		if status := health.Caches[name]; status != infinispan.HealthHealthy && status != infinispan.HealthFailed {
			found = append(found, name)
		}
	}
	return found
}

// checkChunks says what small chunks cost (V56), where the push is long enough for that to matter.
func (r *run) checkChunks(context.Context) error {
	var small []string
	size := smallChunk
	for _, c := range r.plan.Caches {
		if c.ChunkSize > 0 && c.ChunkSize < smallChunk {
			small = append(small, c.Name)
			size = min(size, c.ChunkSize)
		}
	}
	push := estimate(r.plan).Push
	if len(small) == 0 || push < longPush {
		return nil
	}
	r.warned(GuardMoving, "%d caches are pushed in chunks of %d entries (state-transfer chunk-size of the backup), in about %s; "+
		"with 512, the server's default, it is four to seven times faster (V56): %s", len(small), size, push, joined(small))
	return nil
}
