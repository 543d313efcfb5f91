package xsite

import (
	"context"
	"fmt"
	"slices"
)

// guardReachable: both sites see each other, as their relay nodes tell it (V50: every other node says []). The view is
// a late witness (V24, V65), so the probe asks the link itself.
func (r *run) guardReachable(ctx context.Context) error {
	for _, s := range []*site{r.primary, r.secondary} {
		if err := s.survey(ctx); err != nil {
			return err
		}
	}
	return r.guardView()
}

// guardView is guardReachable on what was surveyed last.
func (r *run) guardView() error {
	for _, pair := range [][2]*site{{r.primary, r.secondary}, {r.secondary, r.primary}} {
		here, peer := pair[0], pair[1]
		relay := here.relay()
		if relay.info.RelayNode && slices.Contains(relay.info.SitesView, peer.name) {
			continue
		}
		return r.unreachable(here, peer, relay)
	}
	return nil
}

// unreachable is the end of a run whose sites do not see each other.
func (r *run) unreachable(here, peer *site, relay member) error {
	return r.unlinked(here, relay, fmt.Sprintf("site %s does not see site %s; it sees %v", here.name, peer.name, relay.info.SitesView))
}

// unlinked is the end of a run whose link is down, as a relay node of a site told.
func (r *run) unlinked(here *site, relay member, found string) error {
	next := "mend the link between the sites, then run the same command again"
	if here.role == Primary {
		next += "; until then a fence, if none is set yet, keeps the primary's writes from failing: " + r.opts.Command("fence")
	}
	return &Stop{
		Guard:   GuardReachable,
		Found:   found,
		Where:   fmt.Sprintf("pod %s of the %s", relay.pod.Name, here),
		Because: "a push would fail and leave the secondary online on the primary: every write of the primary would then fail (V10)",
		Next:    next,
	}
}
