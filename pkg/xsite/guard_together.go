package xsite

import (
	"context"
	"fmt"
	"strings"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// guardPassedOn (of guard truthful-end): contents that are equal stay so only while the primary passes on what is written. One
// that holds the secondary offline again does not: a fence, Keycloak's own site health or somebody's hand may have set it since
// the push. Its servers are asked anew, for they may be others by now.
func (r *run) guardPassedOn(ctx context.Context, c CachePlan) error {
	if err := r.primary.survey(ctx); err != nil {
		return err
	}
	differ, err := flagsEverywhere(ctx, r.primary, r.secondary.name, c, infinispan.FlagOnline)
	if err != nil || len(differ) == 0 {
		return err
	}
	return apart(r.primary.String(), fmt.Sprintf("cache %s: site %s is not online on the %s: %s",
		c.Name, r.secondary.name, r.primary, strings.Join(differ, ", ")))
}

// guardTogether (of guard truthful-end): at the end of a run both sites speak to each other for every cache, on every server.
func (r *run) guardTogether(ctx context.Context) error {
	found, err := r.differing(ctx, infinispan.FlagOnline)
	if err != nil || found == "" {
		return err
	}
	return apart(fmt.Sprintf("sites %s and %s", r.primary.name, r.secondary.name), found)
}

// apart is the end of a run whose sites do not speak to each other although the contents were equal.
func apart(where, found string) error {
	return &Stop{
		Guard: GuardTruthfulEnd, Found: found, Where: where,
		Because: "what one site writes does not reach the other: the contents that were proved equal drift apart, and nobody would be told",
		Next:    "find out who took it offline (a fence, a health check, a colleague), then run the same command again",
	}
}
