package plugin

import (
	"cmp"
	"slices"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/api"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// statusAdvice knows how to go on from what a status found.
type statusAdvice struct {
	status   xsite.PairStatus
	commands pairCommands
}

// next gives the ways to go on from a finding, the most urgent first.
func (a statusAdvice) next(f xsite.Finding) []api.StatusNext {
	p, s := a.names()
	switch f.Kind {
	case xsite.FindingUnreachable:
		return []api.StatusNext{{What: "check that kubectl can reach the " + string(f.Role), Command: a.commands.pods(f.Role, "")}}
	case xsite.FindingServers:
		name, namespace := p, a.status.Primary.Place.Namespace
		if f.Role == xsite.Secondary {
			name, namespace = s, a.status.Secondary.Place.Namespace
		}
		return []api.StatusNext{{What: "to see how the pods of " + name + " are", Command: a.commands.pods(f.Role, namespace)}}
	case xsite.FindingView:
		return append(a.fence(), a.check())
	case xsite.FindingRun:
		return a.run(f)
	case xsite.FindingDrift:
		return append(a.leftBehind(), api.StatusNext{What: "to see whether the contents differ", Command: a.commands.both(displayName+" diff", false)}, a.check())
	case xsite.FindingOffline, xsite.FindingPush:
		if ways := a.leftBehind(); len(ways) > 0 {
			return ways
		}
		return []api.StatusNext{a.check()}
	case xsite.FindingCaches, xsite.FindingHealth, xsite.FindingUnknown:
		return []api.StatusNext{a.check()}
	default:
		return nil
	}
}

// names are those of the sites, as they or their peers say, or else their roles.
func (a statusAdvice) names() (primary, secondary string) {
	return cmp.Or(a.status.Primary.Name, a.status.Secondary.Peer, "the primary"), cmp.Or(a.status.Secondary.Name, a.status.Primary.Peer, "the secondary")
}

// check gives the command that says of everything what is wrong with it and what to do.
func (a statusAdvice) check() api.StatusNext {
	return api.StatusNext{What: "to see what is wrong and how to mend it", Command: a.commands.both(displayName+" check", false)}
}

// fence gives first aid for a primary whose writes need the site that it does not see. Which side is to be kept, a look cannot
// know: the fence asks.
func (a statusAdvice) fence() []api.StatusNext {
	waits := func(c xsite.CacheStatus) bool { return c.Primary.Flag != infinispan.FlagOffline && !c.Primary.NoBackup }
	if !slices.ContainsFunc(a.status.Caches, waits) {
		return nil
	}
	p, s := a.names()
	return []api.StatusNext{{
		What: "if writes of " + p + " fail, and " + p + " is the side to keep (it asks before it takes " + s + " offline there; " +
			"to keep " + s + ", name its context as the primary's)",
		Command: a.commands.primary(displayName+" fence", false),
	}}
}

// run gives the ways to go on from a run that is at work or did not finish.
func (a statusAdvice) run(f xsite.Finding) []api.StatusNext {
	i := slices.IndexFunc(a.status.Open, func(run xsite.PastRun) bool { return run.RunID == f.Run })
	if i < 0 {
		return []api.StatusNext{{What: "to look on until it ends", Command: a.commands.both(displayName+" status --watch", false)}}
	}
	return a.goOn(a.status.Open[i])
}

// leftBehind gives the ways to go on from what an unfinished run or a fence left; none where neither did.
func (a statusAdvice) leftBehind() []api.StatusNext {
	if len(a.status.Open) > 0 {
		return a.goOn(a.status.Open[0])
	}
	if len(a.status.Fences) == 0 {
		return nil
	}
	fence := a.status.Fences[0]
	swapped, ours := a.rolesOf(fence)
	if !ours {
		return a.show(fence)
	}
	return []api.StatusNext{
		{
			What:    "once they see each other again, to give " + fence.Discarded + " what it misses, which ends the fence (it asks before it discards anything)",
			Command: a.commands.both(displayName, swapped),
		},
		{
			What:    "or to end the fence and leave " + fence.Discarded + " without what it misses",
			Command: a.commands.primary(displayName+" fence --lift", swapped),
		},
	}
}

// goOn gives the ways to go on from a run that did not finish: forth and, while there is something to go back to, back.
func (a statusAdvice) goOn(run xsite.PastRun) []api.StatusNext {
	if run.Unreadable != "" {
		return []api.StatusNext{{
			What:    "to see what there is of it, and remove it if it is of no use (it asks first)",
			Command: a.commands.both(displayName+" abort --discard-journal "+shellQuote(run.RunID), false),
		}}
	}
	swapped, ours := a.rolesOf(run)
	if !ours {
		return a.show(run)
	}
	ways := []api.StatusNext{{
		What:    "to go on with run " + run.RunID + ", with the other flags that it was begun with, if any",
		Command: a.commands.both(displayName, swapped),
	}}
	if run.Verified {
		return ways
	}
	back := api.StatusNext{What: "or to go back from it", Command: a.commands.both(displayName+" abort", swapped)}
	if run.Cleared {
		back.What += "; Keycloak then starts without the sessions that were cleared"
		back.Command += " --discard-sessions"
	}
	return append(ways, back)
}

// show gives the command that shows a run that may be one of another pair.
func (a statusAdvice) show(run xsite.PastRun) []api.StatusNext {
	return []api.StatusNext{{
		What:    "to see what run " + run.RunID + " is about; that its sites are these two is not known",
		Command: a.commands.both(displayName+" history "+shellQuote(run.RunID), false),
	}}
}

// rolesOf tells whether a run is one of these two sites, and whether it has them the other way round.
func (a statusAdvice) rolesOf(run xsite.PastRun) (swapped, ours bool) {
	p, s := a.names()
	return run.Kept == s && run.Discarded == p, run.Kept == p && run.Discarded == s || run.Kept == s && run.Discarded == p
}
