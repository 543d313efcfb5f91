package xsite

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

const (
	// probePrefix begins the name of every probe cache. Each probe has a name of its own, because a flag outlives the
	// cache that it belonged to (V47).
	probePrefix = "ispn-resync-probe-"
	// probeLimit is how long a probe's entry may take to cross; over a living link it takes 30 to 70 ms (V65).
	probeLimit = 8 * time.Second
	// probeTimeout is how long the peer may take to answer a write to a probe cache, less than a call may take.
	probeTimeout = 4500 * time.Millisecond
	// undoLimit bounds work that puts things back, which must not end with the context that failed.
	undoLimit = 30 * time.Second
)

// probe shows on harmless data, with a tiny volatile cache made for it on both sites, that the two sites are one pair
// (guard linked), that the link lives now (guard reachable), and that the header which keeps a clear at home works on
// these servers (guard no-leak). Nothing of it stays (V65).
func (r *run) probe(ctx context.Context) error {
	if err := r.dropStrayProbes(ctx); err != nil {
		return err
	}
	if err := r.endStalePushes(ctx); err != nil {
		return err
	}
	//mutate:one-sender
	if err := r.guardOneSender(ctx, r.secondary, r.plan.Caches); err != nil {
		return err // preflight may not reset what hides a push
	}
	if r.opts.Linked != "" {
		return nil // said in preflight
	}
	err := r.withProbeCache(ctx, func(ctx context.Context, cache string) error {
		if err := r.guardLinked(ctx, cache, probeLimit); err != nil {
			return err
		}
		return r.guardNoLeak(ctx, cache)
	})
	if err != nil {
		return err
	}
	r.changed("", "a probe crossed from %s to %s, and a clear on %s stayed at home; nothing of it is left", r.primary.name, r.secondary.name, r.secondary.name)
	return nil
}

// checkLinked: who vouches for the link names the secondary's site.
func (r *run) checkLinked(context.Context) error {
	if r.opts.Linked == "" {
		return nil
	}
	if r.opts.Linked != r.secondary.name {
		return &Stop{
			Guard: GuardLinked, Found: fmt.Sprintf("--linked names %q, but the secondary is site %q", r.opts.Linked, r.secondary.name), Where: r.secondary.String(),
			Because: "two pairs often have the same names; your word is all there is to tell them apart",
			Next:    "check both contexts",
		}
	}
	r.warned(GuardLinked, "the link is not probed: you vouch that site %s replicates to site %s", r.primary.name, r.secondary.name)
	return nil
}

// withProbeCache makes a probe cache on both sites, first on the secondary, calls use, and deletes it again whatever
// happened.
func (r *run) withProbeCache(ctx context.Context, use func(ctx context.Context, cache string) error) (err error) {
	cache := probePrefix + r.id + "-" + newRunID()
	late := false
	defer func() {
		if late { // what is deleted before it is made stays
			_ = r.opts.Clock.Wait(context.WithoutCancel(ctx), afterUnknown) // it can only end by itself
		}
		err = errors.Join(err, r.dropProbeCache(ctx, cache))
	}()
	for _, s := range []*site{r.secondary, r.primary} {
		config, err := probeConfig(r.peerOf(s).name, probeTimeout)
		if err != nil {
			return err
		}
		if err := s.relay().node.CreateCache(ctx, cache, config); err != nil {
			late = !errors.Is(err, infinispan.ErrForbidden) // the server may be at it still
			return probeRefused(s, err)
		}
	}
	return use(ctx, cache)
}

// probeRefused explains a probe cache that could not be made.
func probeRefused(s *site, err error) error {
	if !errors.Is(err, infinispan.ErrForbidden) {
		return fmt.Errorf("make the probe cache on the %s: %w", s, err)
	}
	return &Stop{
		Guard: GuardLinked, Found: "the Infinispan user may not create the probe cache", Where: s.String(), Err: err,
		Because: "it cannot be proved that the two sites are one pair: prod-a and staging-b have the same site names too",
		Next:    "use a user with role admin (--infinispan-secret), or vouch for the pair with --linked followed by the secondary's site name",
	}
}

// dropProbeCache deletes the probe cache on both sites, and the resource that the operator's config listener may have
// mirrored. It runs on a context of its own, so that an interrupted run leaves nothing either.
func (r *run) dropProbeCache(ctx context.Context, cache string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoLimit)
	defer cancel()
	var problems []error
	for _, s := range []*site{r.primary, r.secondary} {
		if err := r.dropProbeCacheAt(ctx, s, s.relay().node, s.cluster, cache); err != nil {
			problems = append(problems, err)
		}
	}
	return errors.Join(problems...)
}

// dropProbeCacheAt deletes the probe cache on one site, by a server and the cluster of it.
func (r *run) dropProbeCacheAt(ctx context.Context, s *site, node Node, cluster Cluster, cache string) error {
	err := node.DeleteCache(ctx, cache)
	if err != nil {
		err = fmt.Errorf("delete the probe cache %s on the %s: %w", cache, s, err)
		r.probesLeft = append(r.probesLeft, fmt.Sprintf("site %s may have the probe cache %s still, which does no harm: "+
			"the next run removes it, or history prune", s.name, cache))
	}
	_, forgot := cluster.ForgetCaches(ctx, cache)
	if _, harmed := StoppedBy(forgot); harmed {
		return errors.Join(err, forgot)
	}
	if forgot != nil {
		r.noted(s.role, "the Cache resource that an operator may have mirrored for the probe cache %s could not be looked for: %v", cache, forgot)
	}
	return err
}

// probeConfig is the configuration of a probe cache that backs up to the peer, which may take the given time to answer, and never
// fails a write for it.
func probeConfig(peer string, timeout time.Duration) ([]byte, error) {
	type m = map[string]any
	return json.Marshal(m{"replicated-cache": m{
		"mode":     "SYNC",
		"encoding": m{"media-type": "text/plain"},
		"backups":  m{peer: m{"backup": m{"strategy": "SYNC", "timeout": strconv.FormatInt(timeout.Milliseconds(), 10), "failure-policy": "WARN"}}},
	}})
}

// probeKey is the probe's only key; its value is random.
const probeKey = "probe"

// guardLinked: an entry that is put on the primary arrives on the secondary within a time. Two pairs with the same site names, and a
// link that was cut a moment ago while the view still shows both sites, both fail here (V65).
func (r *run) guardLinked(ctx context.Context, cache string, limit time.Duration) error {
	value := newRunID()
	if err := r.primary.relay().node.Put(ctx, cache, probeKey, value); err != nil {
		return fmt.Errorf("put the probe's entry on the %s: %w", r.primary, err)
	}
	err := r.await(ctx, Secondary, "the probe's entry to arrive", limit, func(ctx context.Context) (bool, string, error) {
		got, found, err := r.secondary.relay().node.Get(ctx, cache, probeKey)
		return found && bytes.Equal(got, []byte(value)), "not there yet", err
	})
	if _, late := errors.AsType[*WaitTimeoutError](err); !late {
		return err
	}
	return &Stop{
		Guard: GuardLinked, Found: fmt.Sprintf("an entry put on site %s did not arrive on site %s within %s", r.primary.name, r.secondary.name, limit),
		Where: fmt.Sprintf("%s and %s", r.primary.place, r.secondary.place),
		Because: "either these are two pairs with the same names, and the wrong one would be cleared; " +
			"or the link is down, and the cleared site could not be filled again",
		Next: "check that both contexts belong to one pair, and that the link between the sites works",
	}
}

// guardNoLeak: a clear on the secondary that carries the header leaves the primary's entry alone (V2, V65). The real
// clears carry the same header, by the same call.
func (r *run) guardNoLeak(ctx context.Context, cache string) error {
	if err := r.secondary.relay().node.Clear(ctx, cache); err != nil {
		return fmt.Errorf("clear the probe cache on the %s: %w", r.secondary, err)
	}
	if _, left, err := r.secondary.relay().node.Get(ctx, cache, probeKey); err != nil || left {
		return errors.Join(err, leak("the clear of the probe cache did not clear it", r.secondary))
	}
	if _, kept, err := r.primary.relay().node.Get(ctx, cache, probeKey); err != nil {
		return fmt.Errorf("read the probe's entry on the %s: %w", r.primary, err)
	} else if !kept {
		return leak("the clear of the probe cache on the secondary emptied it on the primary too, although it carried the header against that", r.primary)
	}
	return nil
}

// leak is the end of a run on servers that do not keep a clear at home.
func leak(found string, s *site) error {
	return &Stop{
		Guard: GuardNoLeak, Found: found, Where: s.String(),
		Because: "a clear of the real caches could empty the primary (V3)",
		Next:    "do not clear anything on this pair; compare the version of its servers with the ones in the documentation",
	}
}
