package xsite

import (
	"context"
	"fmt"
	"strings"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// guardOffline: before each clear, every server of the secondary, asked directly, says that the primary is offline for
// that cache, and they are the servers that were proved. A server that says online sends the clear on (V1, V6, V6a).
func (r *run) guardOffline(ctx context.Context, c CachePlan) error {
	if err := guardSameNodes(ctx, r.secondary, r.proved); err != nil {
		return err
	}
	online, err := flagsEverywhere(ctx, r.secondary, r.primary.name, c, infinispan.FlagOffline)
	if err != nil {
		return fmt.Errorf("read the flags of cache %s: %w", c.Name, err)
	}
	if len(online) == 0 {
		return nil
	}
	return &Stop{
		Guard: GuardOffline, Found: fmt.Sprintf("the secondary may still speak to the primary for cache %s: %s", c.Name, strings.Join(online, ", ")),
		Where:   r.secondary.String(),
		Because: "a clear there would clear the primary too (V1)",
		Next:    "find out who brought the site online, then run the same command again",
	}
}
