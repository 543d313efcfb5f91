package xsite

import "slices"

// checks is the table of preflight: every check that is made before anything is changed, in the order in which one needs
// what another found. A recovery and a dry run end with the first that fails. A new check is a line here, an identifier in
// check.go, and a section in docs/checks.md.
func checks() []check {
	return slices.Concat(siteChecks(), cacheChecks(), serviceChecks(), contenderChecks())
}

// siteChecks are about who the sites are, and who else works on them.
func siteChecks() []check {
	return []check{
		{CheckInfo: CheckInfo{
			ID: CheckSitesFound, Group: GroupAccess, Guard: GuardChecksFirst,
			Title: "both clusters answer, and Infinispan, its credentials and Keycloak are found",
			Hint:  "try the same context with kubectl; name what is not found by itself with --infinispan, --infinispan-secret or --keycloak",
		}, do: (*run).checkSitesFound},
		{CheckInfo: CheckInfo{
			ID: CheckPermissions, Group: GroupAccess, Guard: GuardChecksFirst, Needs: []CheckID{CheckSitesFound},
			Title: "this user may do in both clusters what a recovery does",
			Hint:  "have the Roles granted that kubectl ispn-resync rbac prints",
			Heed:  "nothing: a recovery does without it; kubectl ispn-resync rbac prints the optional rules that grant it",
		}, do: (*run).checkAccess},
		{CheckInfo: CheckInfo{
			ID: CheckServersAnswer, Group: GroupIdentity, Guard: GuardIdentity, Needs: []CheckID{CheckSitesFound},
			Title: "every Infinispan server of both sites answers",
			Hint:  "look at the pod that does not answer and at its log, and at the credentials of --infinispan-secret",
		}, do: (*run).checkServers},
		{CheckInfo: CheckInfo{
			ID: CheckSiteNames, Group: GroupIdentity, Guard: GuardIdentity, Needs: []CheckID{CheckServersAnswer},
			Title: "the two contexts are two different sites, as their servers tell it",
			Hint:  "check the two contexts; kubectl config get-contexts lists them",
		}, do: (*run).checkIdentity},
		{CheckInfo: CheckInfo{
			ID: CheckSameVersion, Group: GroupIdentity, Guard: GuardIdentity, Needs: []CheckID{CheckSiteNames},
			Title: "both sites run the same version of Infinispan",
			Hint:  "finish the upgrade of the other site, best before the recovery",
		}, do: (*run).checkVersions},
		{CheckInfo: CheckInfo{
			ID: CheckOtherRuns, Group: GroupRuns, Guard: GuardSingleRun, Needs: []CheckID{CheckSitesFound},
			Title: "no other run is at work on either site",
			Hint:  "wait until the other run has ended, or ask who holds the lease",
			Heed:  "nothing: a recovery takes over a lease that was left; kubectl ispn-resync history tells how far that run came",
		}, waits: longestLease, do: (*run).checkSingleRun},
		{CheckInfo: CheckInfo{
			ID: CheckUnfinishedRun, Group: GroupRuns, Guard: GuardRecorded, Needs: []CheckID{CheckSitesFound},
			Title: "every earlier run is over, or can be continued with these roles",
			Hint:  "kubectl ispn-resync history with the same contexts lists the runs; finish that run, or go back from it with abort",
			Heed:  "nothing: a recovery with these contexts continues that run; kubectl ispn-resync abort goes back from it instead",
		}, do: (*run).checkJournals},
	}
}

// cacheChecks are about Infinispan, the link and the caches.
func cacheChecks() []check {
	return []check{
		{CheckInfo: CheckInfo{
			ID: CheckInfinispanHealth, Group: GroupHealth, Guard: GuardChecksFirst, Needs: []CheckID{CheckSiteNames},
			Title: "Infinispan is whole and healthy on both sites",
			Hint:  "wait until all pods are Ready and the cluster is HEALTHY",
			Heed:  "switch rebalancing on before the recovery: rebalance enable in the command line of Infinispan",
		}, again: true, do: (*run).checkHealth},
		{CheckInfo: CheckInfo{
			ID: CheckSitesView, Group: GroupLink, Guard: GuardReachable, Needs: []CheckID{CheckSiteNames},
			Title: "the two sites see each other",
			Hint:  "mend the link between the sites; until then kubectl ispn-resync fence keeps the primary's writes from failing",
		}, again: true, do: (*run).checkReachable},
		{CheckInfo: CheckInfo{
			ID: CheckLinked, Group: GroupLink, Guard: GuardLinked, Needs: []CheckID{CheckSiteNames},
			Title: "a recovery probes the link, or --linked names the right site",
			Hint:  "leave --linked out, so that the link is probed; or name the secondary's site with it",
			Heed:  "leave --linked out, so that the link is probed; else check both contexts once more: your word is all there is",
		}, do: (*run).checkLinked},
		{CheckInfo: CheckInfo{
			ID: CheckCaches, Group: GroupCaches, Guard: GuardChecksFirst, Needs: []CheckID{CheckSiteNames},
			Title: "the caches to recover back up both ways, and are nobody else's",
			Hint:  "configure the caches alike on both sites, or choose with --cache and --all-caches",
			Heed:  "nothing: keys that such a cache dropped are a remark in the end, unless more than half are missing; --cache can leave it out",
		}, do: (*run).checkCaches},
		{CheckInfo: CheckInfo{
			ID: CheckCacheHealth, Group: GroupCaches, Guard: GuardChecksFirst, Needs: []CheckID{CheckCaches},
			Title: "every cache to recover is healthy on both sites",
			Hint:  "wait until its servers are all there and the rebalance has ended",
		}, again: true, do: (*run).checkCacheHealth},
		{CheckInfo: CheckInfo{
			ID: CheckCacheFlags, Group: GroupCaches, Guard: GuardRecorded, Needs: []CheckID{CheckCaches, CheckUnfinishedRun},
			Title: "the flags and state-transfer modes of every cache can be read, to be put back",
			Hint:  "look at the server that does not tell; for an unfinished run give the same flags as that run",
		}, again: true, do: (*run).checkFlags},
		{CheckInfo: CheckInfo{
			ID: CheckPushes, Group: GroupCaches, Guard: GuardOneSender, Needs: []CheckID{CheckCaches, CheckUnfinishedRun},
			Title: "nobody pushes state on either site",
			Hint:  "wait until the push has ended; one that is stuck is ended with --cancel-stale-push",
			Heed:  "nothing: a recovery ends the push once its plan is confirmed; wait instead if whoever started it still needs it",
		}, again: true, do: (*run).checkOneSender},
		{CheckInfo: CheckInfo{
			ID: CheckEntries, Group: GroupCaches, Guard: GuardChecksFirst, Needs: []CheckID{CheckCaches},
			Title: "the entries of every cache can be counted on both sites",
			Hint:  "look at the server that does not answer",
			Heed:  "look whether the primary has the entries that you expect; --cache can leave a cache out",
		}, again: true, do: (*run).checkEntries},
		{CheckInfo: CheckInfo{
			ID: CheckChunkSize, Group: GroupCaches, Guard: GuardMoving, Needs: []CheckID{CheckEntries},
			Title: "the push is not made long by small chunks",
			Hint:  "raise chunk-size in the state-transfer of the caches' backups, best before the next outage",
			Heed:  "nothing for this recovery; raise chunk-size in the state-transfer of the caches' backups for the next",
		}, do: (*run).checkChunks},
	}
}

// serviceChecks are about what uses the caches, and which site serves.
func serviceChecks() []check {
	return []check{
		{CheckInfo: CheckInfo{
			ID: CheckKeycloak, Group: GroupKeycloak, Guard: GuardRecorded, Needs: []CheckID{CheckUnfinishedRun},
			Title: "Keycloak is known on both sites, and with how many instances it starts again",
			Hint:  "name Keycloak with --keycloak, or its count with --keycloak-instances",
		}, again: true, do: (*run).checkKeycloak},
		{CheckInfo: CheckInfo{
			ID: CheckRoles, Group: GroupDirection, Guard: GuardDirection, Needs: []CheckID{CheckCacheFlags, CheckEntries, CheckKeycloak},
			Title: "nothing speaks against the roles of the two sites",
			Hint:  "if the roles are swapped, swap the two contexts; if they are right, accept the sign by its name with --accept",
			Heed:  "nothing if the roles are right; if they are swapped, swap the two contexts",
		}, again: true, do: (*run).checkDirection},
	}
}
