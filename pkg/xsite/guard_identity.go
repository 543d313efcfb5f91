package xsite

import "fmt"

// guardIdentity: the two contexts are two different Infinispans, and their site names, as read from every one of their
// servers, are known and differ. A wrong context is the commonest disaster; names are therefore never typed.
func guardIdentity(primary, secondary *site) error {
	if primary.place.InfinispanUID == secondary.place.InfinispanUID {
		return &Stop{
			Guard:   GuardIdentity,
			Found:   "both contexts lead to the same Infinispan",
			Where:   fmt.Sprintf("%s and %s", primary.place, secondary.place),
			Because: "it would be cleared and then pushed from itself: all its data would be lost",
			Next:    "give the context of the other site; `kubectl config get-contexts` lists them",
		}
	}
	for _, s := range []*site{primary, secondary} {
		if err := readName(s); err != nil {
			return err
		}
	}
	if primary.name == secondary.name {
		return &Stop{
			Guard:   GuardIdentity,
			Found:   fmt.Sprintf("both Infinispans say that they are site %q", primary.name),
			Where:   fmt.Sprintf("%s and %s", primary.place, secondary.place),
			Because: "two sites of one pair have different names; these two do not replicate to each other",
			Next:    "check the two contexts and spec.service.sites.local.name of both Infinispan resources",
		}
	}
	return nil
}

// localOnly is what a server says of its site when no cross-site replication is configured.
const localOnly = "local"

// readName takes the site's name and version from its members, which must agree.
func readName(s *site) error {
	if len(s.members) == 0 {
		return &Stop{
			Guard: GuardIdentity, Found: "no Infinispan pod is there to ask", Where: s.String(),
			Because: "which site this is can only be told by its servers",
			Next:    "start Infinispan there, or name the right resource with --" + string(s.role) + "-infinispan",
		}
	}
	for _, m := range s.members {
		if m.info.LocalSite == "" || m.info.LocalSite == localOnly {
			return &Stop{
				Guard: GuardIdentity, Found: fmt.Sprintf("pod %s says that no cross-site replication is configured", m.pod.Name), Where: s.String(),
				Because: "there is no second site to recover from or to",
				Next:    "name the Infinispan that Keycloak uses with --" + string(s.role) + "-infinispan",
			}
		}
		if first := s.members[0].info; m.info.LocalSite != first.LocalSite {
			return &Stop{
				Guard: GuardIdentity, Found: fmt.Sprintf("pods %s and %s belong to sites %q and %q", s.members[0].pod.Name, m.pod.Name, first.LocalSite, m.info.LocalSite),
				Where: s.String(), Because: "pods of one Infinispan belong to one site; which one this is cannot be told",
				Next: "check the selector of the StatefulSet",
			}
		}
	}
	s.name, s.version = s.members[0].info.LocalSite, s.members[0].info.Version
	return nil
}
