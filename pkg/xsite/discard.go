package xsite

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// DiscardOptions is what the removal of a record is made of.
type DiscardOptions struct {
	// Options are those of the recovery; Confirm is not used.
	Options

	// Agree is asked before the first change.
	Agree Agree
	// RunID names the record.
	RunID string
}

// DiscardJournal removes the record of a run that cannot be continued or aborted: because it cannot be read, because only the
// primary's copy is left, because an Infinispan was made anew since, because a cache or a Keycloak of it is gone, or because a clear
// reached the primary. What the run changed is not put back; the live state of both sites is shown first.
func DiscardJournal(ctx context.Context, options DiscardOptions) (Report, error) {
	r := newRun(options.Options)
	return r.undertake(ctx, PhaseAbort, options.Agree,
		func(ctx context.Context) (Undertaking, error) { return r.checkDiscard(ctx, options.RunID) },
		func(ctx context.Context) error {
			for _, s := range []*site{r.primary, r.secondary} {
				if err := s.cluster.DeleteJournal(ctx, options.RunID); err != nil {
					return fmt.Errorf("remove the record of run %s from the %s: %w", options.RunID, s, err)
				}
				r.did(s.role, "the record of run %s is removed from site %s", options.RunID, s.name)
			}
			return nil
		},
		func(_ context.Context, e *RunError) {
			e.State = append(e.State, r.report.Did...)
			e.DataAtRisk = "none"
			e.Next = e.mended("run the same command again")
		})
}

// checkDiscard finds the record, and what can be seen without it.
func (r *run) checkDiscard(ctx context.Context, id string) (Undertaking, error) {
	if err := r.pass(ctx, CheckPermissions, CheckServersAnswer, CheckSiteNames, CheckSameVersion, CheckOtherRuns); err != nil {
		return Undertaking{}, err
	}
	r.seenJournals = map[Role]map[string]string{}
	found, whole, emptied := false, false, false
	var gone []string
	for _, s := range []*site{r.primary, r.secondary} {
		stored, err := s.cluster.Journals(ctx)
		if err != nil {
			return Undertaking{}, fmt.Errorf("read the journals of the %s: %w", s, err)
		}
		r.seenJournals[s.role] = journalVersions(stored)
		for _, one := range stored {
			if one.ID != id {
				continue
			}
			found = true
			record, err := parseRecord(one)
			emptied = emptied || record.Leaked != "" // either site's word is enough to refuse everything else
			if err != nil || len(record.Caches) == 0 || r.madeAnew(record, s.role) != "" {
				continue
			}
			if gone, err = r.goneSince(ctx, record); err != nil {
				return Undertaking{}, err
			}
			whole = whole || len(gone) == 0
		}
	}
	switch {
	case !found:
		return Undertaking{}, &Stop{
			Guard: GuardRecorded, Found: fmt.Sprintf("there is no record of a run %q in either site", id),
			Because: "nothing can be removed", Next: "`" + r.opts.Command("history") + "` lists the records",
		}
	case whole && !emptied:
		return Undertaking{}, &Stop{
			Guard: GuardRecorded, Found: fmt.Sprintf("the record of run %s can be read", id),
			Because: "with it everything can be put back; without it nobody knows how",
			Next:    "abort without --discard-journal goes back from it; history prune removes those of closed runs",
		}
	}
	what := Undertaking{
		Title: "Remove the record of run " + id, Site: r.secondary.name,
		Does:  []string{fmt.Sprintf("remove the record of run %s from both sites; nothing else is changed", id)},
		Loses: "the original flags, modes and Keycloak's count of that run are not known afterwards: look at what is found above, and set it right by hand",
	}
	var err error
	what.Found, err = r.liveState(ctx)
	what.Found = append(gone, what.Found...)
	return what, err
}

// goneSince says what a record is about that is not there any more, one statement a line: with that neither the run nor an abort
// can go on.
func (r *run) goneSince(ctx context.Context, rec JournalRecord) ([]string, error) {
	ours, err := cacheConfigs(ctx, r.primary)
	if err != nil {
		return nil, err
	}
	theirs, err := cacheConfigs(ctx, r.secondary)
	if err != nil {
		return nil, err
	}
	var gone []string
	for _, name := range slices.Sorted(maps.Keys(rec.Caches)) {
		_, there := ours[name].Backups[r.secondary.name]
		_, back := theirs[remoteName(theirs, r.primary.name, name)].Backups[r.primary.name]
		if !there || !back {
			gone = append(gone, fmt.Sprintf("run %s: its cache %s does not back up both ways any more", rec.RunID, name))
		}
	}
	keycloaks, err := r.secondary.cluster.Keycloaks(ctx)
	if err != nil {
		return nil, fmt.Errorf("read Keycloak of the %s: %w", r.secondary, err)
	}
	contenders, err := r.secondary.cluster.Contenders(ctx, Secondary)
	if err != nil {
		return nil, fmt.Errorf("look for other Keycloaks of the %s: %w", r.secondary, err)
	}
	for _, ref := range slices.Sorted(maps.Keys(rec.KeycloakInstances)) {
		if !slices.ContainsFunc(keycloaks, func(k Keycloak) bool { return k.Ref == ref }) &&
			!slices.ContainsFunc(contenders.OtherKeycloaks, func(k OtherKeycloak) bool { return k.Ref == ref }) {
			gone = append(gone, fmt.Sprintf("run %s: its Keycloak %s is not there any more, or not named with --keycloak", rec.RunID, ref))
		}
	}
	return gone, nil
}

// liveState describes what a run may have changed, as it stands now, one statement a line.
func (r *run) liveState(ctx context.Context) ([]string, error) {
	var lines []string
	for _, s := range []*site{r.primary, r.secondary} {
		keycloaks, err := s.cluster.Keycloaks(ctx)
		if err != nil {
			return nil, fmt.Errorf("read Keycloak of the %s: %w", s, err)
		}
		for _, k := range keycloaks {
			lines = append(lines, fmt.Sprintf("%s %s: %s wants %d instances, %d pods are ready", s.role, s.name, k.Ref, k.Instances, k.ReadyPods))
		}
		configs, err := cacheConfigs(ctx, s)
		if err != nil {
			return nil, err
		}
		flags := map[string][]string{}
		for name, config := range configs {
			if _, backsUp := config.Backups[r.peerOf(s).name]; !backsUp {
				continue
			}
			flag, mode, err := readBackup(ctx, s, r.peerOf(s).name, CachePlan{Name: name, RemoteName: name})
			if err != nil {
				return nil, fmt.Errorf("cache %s of the %s: %w", name, s, err)
			}
			state := fmt.Sprintf("%s, mode %s", flag, mode)
			flags[state] = append(flags[state], name)
		}
		for state, names := range flags {
			slices.Sort(names)
			lines = append(lines, fmt.Sprintf("%s %s: site %s is %s for %s", s.role, s.name, r.peerOf(s).name, state, strings.Join(names, ", ")))
		}
	}
	slices.Sort(lines)
	return lines, nil
}
