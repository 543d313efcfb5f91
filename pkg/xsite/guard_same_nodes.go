package xsite

import (
	"context"
	"fmt"
	"slices"
)

// guardSameNodes: the servers of a site are those that it had when something was proved of them. A server that left,
// joined or restarted takes what was proved with it: flags are lost on restart (V6, V6a), and so is push status (V19).
func guardSameNodes(ctx context.Context, s *site, proved identity) error {
	if err := s.survey(ctx); err != nil {
		return err
	}
	if now := s.identity(); !slices.Equal(now, proved) {
		return &Stop{
			Guard:   GuardSameNodes,
			Found:   fmt.Sprintf("the servers changed: they were %v and are %v", []string(proved), []string(now)),
			Where:   s.String(),
			Because: "flags and push status do not survive a restart; what was proved of the servers no longer holds",
			Next:    "run the same command again once the pods are Ready",
		}
	}
	return nil
}
