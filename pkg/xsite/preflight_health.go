package xsite

import (
	"context"
	"errors"
	"fmt"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// checkHealth demands two whole, healthy clusters, and warns of one that does not rebalance.
func (r *run) checkHealth(ctx context.Context) error {
	if err := r.guardWhole(ctx); err != nil {
		return err
	}
	for _, s := range []*site{r.primary, r.secondary} {
		if on := s.relay().info.Rebalancing; on != nil && !*on {
			r.warned(GuardChecksFirst, "rebalancing is switched off on the %s: a server that restarts during the run takes no entries again, "+
				"and with the next one entries are lost; switch it on: rebalance enable in the Infinispan CLI", s)
		}
	}
	return nil
}

// guardWhole is the part of checks-first about the servers: a rebalance delays a push without a word, and an incomplete cluster
// answers for only a part of the data.
func (r *run) guardWhole(ctx context.Context) error {
	return r.onBoth(ctx, func(ctx context.Context, s *site) error {
		var found []error
		for _, m := range s.members {
			if !m.pod.Ready {
				found = append(found, unhealthy(s, fmt.Sprintf("pod %s is not Ready", m.pod.Name)))
			}
			if m.info.Status != infinispan.ContainerRunning {
				found = append(found, unhealthy(s, fmt.Sprintf("the server of pod %s is %s", m.pod.Name, m.info.Status)))
			}
			if got, want := len(m.info.Members), len(s.members); got != want {
				found = append(found, unhealthy(s, fmt.Sprintf("pod %s is in a cluster of %d servers, but there are %d pods", m.pod.Name, got, want)))
			}
		}
		health, err := s.relay().node.Health(ctx)
		if err != nil {
			found = append(found, fmt.Errorf("ask the %s for its health: %w", s, err))
		} else if health.Cluster != infinispan.HealthHealthy {
			found = append(found, unhealthy(s, "the cluster's health is "+described(health)))
		}
		return errors.Join(found...)
	})
}

// unhealthy is the refusal for a site that is not whole.
func unhealthy(s *site, found string) error {
	return &Stop{
		Guard: GuardChecksFirst, Found: found, Where: s.String(),
		Because: "a cluster that is not whole answers for only a part of its data, and a push waits for its rebalance",
		Next:    "wait until Infinispan is healthy, then run the same command again",
	}
}
