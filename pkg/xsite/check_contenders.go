package xsite

// contenderChecks are about what else acts on the two sites by itself.
func contenderChecks() []check {
	return []check{
		{CheckInfo: CheckInfo{
			ID: CheckContenders, Group: GroupContenders, Guard: GuardChecksFirst, Needs: []CheckID{CheckSiteNames},
			Title: "what else acts on the two sites can be looked at",
			Hint:  "have the optional rules granted that kubectl ispn-resync rbac prints",
			Heed:  "have the optional rules granted that kubectl ispn-resync rbac prints, or see to it yourself that nothing starts Keycloak",
		}, again: true, do: (*run).checkContenders},
		{CheckInfo: CheckInfo{
			ID: CheckOperator, Group: GroupContenders, Guard: GuardChecksFirst, Needs: []CheckID{CheckContenders},
			Title: "the Infinispan operator is not at work on either site",
			Hint:  "wait until kubectl get infinispan shows it WellFormed; accept a status that is wrong with --accept infinispan-unsettled",
			Heed:  "nothing if the status is known to be wrong; else wait until kubectl get infinispan shows it WellFormed",
		}, again: true, do: (*run).checkOperator},
		{CheckInfo: CheckInfo{
			ID: CheckAutoscalers, Group: GroupContenders, Guard: GuardStopped, Needs: []CheckID{CheckContenders, CheckKeycloak},
			Title: "no autoscaler starts Keycloak of the secondary",
			Hint:  "pause it with the command that is named, and undo that after the run",
			Heed:  "pause it until the recovery has ended; a count that was only brought inside its bounds needs nothing",
		}, again: true, do: (*run).checkAutoscalers},
		{CheckInfo: CheckInfo{
			ID: CheckGitOps, Group: GroupContenders, Guard: GuardStopped, Needs: []CheckID{CheckContenders},
			Title: "no GitOps tool puts the count of the secondary's Keycloak back",
			Hint:  "pause it with the command that is named, and undo that after the run",
			Heed:  "pause it until the recovery has ended, or see to it that nothing is committed or released meanwhile",
		}, again: true, do: (*run).checkManagers},
		{CheckInfo: CheckInfo{
			ID: CheckKeycloakOperator, Group: GroupContenders, Guard: GuardStopped, Needs: []CheckID{CheckContenders},
			Title: "the Keycloak operator is not updating the secondary's Keycloak",
			Hint:  "wait until the update has ended",
			Heed:  "better wait until it has ended, then recover",
		}, again: true, do: (*run).checkKeycloakWork},
		{CheckInfo: CheckInfo{
			ID: CheckOtherKeycloaks, Group: GroupContenders, Guard: GuardQuiet, Needs: []CheckID{CheckContenders},
			Title: "no further Keycloak uses the secondary's Infinispan",
			Hint:  "name it with --secondary-keycloak too, or stop it",
			Heed:  "nothing if it does not write; else name it with --secondary-keycloak too, or stop it",
		}, again: true, do: (*run).checkOtherKeycloaks},
		{CheckInfo: CheckInfo{
			ID: CheckOtherClients, Group: GroupContenders, Guard: GuardQuiet, Needs: []CheckID{CheckSiteNames, CheckKeycloak},
			Title: "no other client than Keycloak uses the secondary's Infinispan",
			Hint:  "stop the clients that are named; clients that only read, and may read nonsense, are accepted with --accept other-clients",
			Heed:  "nothing if what is connected stands between Keycloak and Infinispan, as a proxy does; else stop it before the recovery",
		}, again: true, waits: lingers, do: (*run).checkOtherClients},
		{CheckInfo: CheckInfo{
			ID: CheckSiteHealth, Group: GroupContenders, Guard: GuardReachable, Needs: []CheckID{CheckContenders},
			Title: "Keycloak of the primary does not take the secondary offline by itself",
			Hint:  "expect caches to be pushed again, or switch Keycloak's own site health off for the recovery",
			Heed:  "nothing: caches are pushed again if need be; or switch Keycloak's own site health off for the recovery",
		}, do: (*run).checkSiteHealth},
		{CheckInfo: CheckInfo{
			ID: CheckOwnPush, Group: GroupContenders, Guard: GuardOneSender, Needs: []CheckID{CheckContenders},
			Title: "the Infinispan operator has no reason to push by itself",
			Hint:  "restart the pod that is named, while the sites do not see each other or before the recovery",
		}, do: (*run).checkOwnPush},
		{CheckInfo: CheckInfo{
			ID: CheckCredentials, Group: GroupContenders, Guard: GuardChecksFirst, Needs: []CheckID{CheckContenders, CheckEntries, CheckKeycloak},
			Title: "this user's credentials last longer than the recovery",
			Hint:  "log in anew before the recovery",
		}, do: (*run).checkExpiry},
	}
}
