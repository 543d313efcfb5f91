package xsite

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// keptJournals is how many records of closed runs stay in each site.
const keptJournals = 10

// checkJournals looks for an unfinished run in both sites. One with the same roles is continued with what it recorded;
// one with other roles or another peer is refused: its site is half-way empty (guard direction).
func (r *run) checkJournals(ctx context.Context) error {
	r.journal = r.newJournal()
	r.seenJournals = map[Role]map[string]string{}
	var all, unfinished []foundRun
	for _, s := range []*site{r.secondary, r.primary} {
		stored, err := s.cluster.Journals(ctx)
		if err != nil {
			return fmt.Errorf("read the journals of the %s: %w", s, err)
		}
		r.seenJournals[s.role] = journalVersions(stored)
		for _, one := range stored {
			record, err := parseRecord(one)
			if err != nil {
				return &Stop{
					Guard: GuardRecorded, Found: "an earlier run left a journal that cannot be read", Where: s.String(), Err: err,
					Because: "what that run changed is unknown, and so is whether it finished",
					Next: "use the version of the tool that wrote it; or look at both sites and remove the record: " +
						r.opts.Command("abort --discard-journal "+one.ID),
				}
			}
			all = append(all, foundRun{site: s, record: record, version: one.Version})
		}
	}
	// A run is closed once either site says so: a crash between the two writes leaves the other's copy open.
	for _, found := range all {
		if found.record.Closed != "" {
			continue
		}
		closed := slices.IndexFunc(all, func(o foundRun) bool { return o.record.RunID == found.record.RunID && o.record.Closed != "" })
		if closed < 0 {
			unfinished = append(unfinished, found)
			continue
		}
		found.record.Closed = all[closed].record.Closed
		r.journal.leftOpen = append(r.journal.leftOpen, found)
	}
	for _, found := range unfinished {
		if err := r.guardSameRun(found); err != nil {
			return err
		}
		r.adopt(found)
	}
	if err := r.guardWholeRecord(); err != nil {
		return err
	}
	r.journal.record.Who, r.journal.record.Reason, r.journal.record.Tool = r.opts.Who, r.opts.Reason, r.opts.Tool
	if r.journal.found {
		r.id = r.journal.record.RunID
		far := r.journal.record.howFar()
		if far != "" {
			far = "; " + far
		}
		r.warned(GuardRecorded, "continuing run %s, which did not finish (last phase: %s%s)", r.id, r.journal.record.Phase, far)
	}
	return nil
}

// newJournal makes the journal of a run that has written nothing.
func (r *run) newJournal() *journal {
	return &journal{
		clock:    r.opts.Clock,
		sites:    map[Role]Cluster{Primary: r.primary.cluster, Secondary: r.secondary.cluster},
		versions: map[Role]string{}, behind: map[Role]bool{},
		record: JournalRecord{
			Schema: journalSchema, RunID: r.id, Started: r.opts.Clock.Now().UTC(),
			PrimarySite: r.primary.name, SecondarySite: r.secondary.name,
			PrimaryUID: r.primary.place.InfinispanUID, SecondaryUID: r.secondary.place.InfinispanUID,
		},
	}
}

// foundRun is an unfinished run's record, as found in one site.
type foundRun struct {
	site    *site
	record  JournalRecord
	version string
}

// guardSameRun refuses an unfinished run that gave the two sites other roles, or had another peer.
func (r *run) guardSameRun(found foundRun) error {
	rec := found.record
	if rec.Leaked != "" {
		return r.leaked(rec.RunID, fmt.Sprintf("unfinished run %s found: %s", rec.RunID, rec.Leaked))
	}
	if rec.PrimaryUID == r.primary.place.InfinispanUID && rec.SecondaryUID == r.secondary.place.InfinispanUID && rec.SiteRole == found.site.role {
		return nil
	}
	if anew := r.madeAnew(rec, found.site.role); anew != "" {
		return &Stop{
			Guard: GuardIdentity, Where: found.site.String(),
			Found: fmt.Sprintf("run %s by %s, begun %s, is unfinished (phase %s), with the same sites and roles; but the Infinispan of site %s was another one then",
				rec.RunID, rec.Who, rec.Started.Format(time.RFC3339), rec.Phase, anew),
			Because: "either a context names another cluster than that run's did, or Infinispan was made anew and nothing is left there of what that run did",
			Next: "check both contexts; when that Infinispan was made anew, remove the record: " +
				r.opts.Command("abort --discard-journal "+rec.RunID),
		}
	}
	return &Stop{
		Guard: GuardDirection, Where: found.site.String(),
		Found: fmt.Sprintf("run %s by %s, begun %s, is unfinished (phase %s); it keeps site %s and discards site %s",
			rec.RunID, rec.Who, rec.Started.Format(time.RFC3339), rec.Phase, rec.PrimarySite, rec.SecondarySite),
		Because: fmt.Sprintf("site %s may be empty or half filled; keeping it would lose the data of the pair", rec.SecondarySite),
		Next:    fmt.Sprintf("finish that run first: keep site %s, discard site %s", rec.PrimarySite, rec.SecondarySite),
	}
}

// madeAnew names the site of a record whose Infinispan was made anew since, under the name it had; empty when there is none, or
// when the record is of other sites or roles.
func (r *run) madeAnew(rec JournalRecord, at Role) string {
	switch {
	case rec.SiteRole != at || rec.PrimarySite != r.primary.name || rec.SecondarySite != r.secondary.name:
		return ""
	case rec.PrimaryUID != r.primary.place.InfinispanUID:
		return r.primary.name
	case rec.SecondaryUID != r.secondary.place.InfinispanUID:
		return r.secondary.name
	}
	return ""
}

// guardSamePlan refuses to continue an unfinished run with other caches or other Keycloaks than it recorded: what was left
// out would stay as that run left it, and the end would look like a success.
func (r *run) guardSamePlan(what string, recorded, planned []string) error {
	slices.Sort(recorded)
	slices.Sort(planned)
	if !r.journal.found || slices.Equal(recorded, planned) {
		return nil
	}
	next := "give the same flags as that run did"
	left := slices.DeleteFunc(slices.Clone(recorded), func(name string) bool { return slices.Contains(planned, name) })
	if len(left) > 0 {
		next += "; when the sites have no " + joined(left) + " any more, " + r.discardRecord()
	}
	return &Stop{
		Guard: GuardRecorded, Where: r.secondary.String(),
		Found:   fmt.Sprintf("unfinished run %s works on the %s %s; this command would work on %s", r.journal.record.RunID, what, joined(recorded), joined(planned)),
		Because: "what is left out would stay half-way, and the end would look like a success",
		Next:    next,
	}
}

// guardCacheThere refuses to continue an unfinished run, or to go back from it, without a cache that it recorded.
func (r *run) guardCacheThere(name string) error {
	if r.journal == nil { // a look at the sites reads no journal
		return nil
	}
	if _, recorded := r.journal.original(name); !recorded {
		return nil
	}
	return &Stop{
		Guard: GuardRecorded, Where: r.primary.String(),
		Found:   fmt.Sprintf("unfinished run %s works on cache %s, which no longer exists with a backup to site %s", r.journal.record.RunID, name, r.secondary.name),
		Because: "what that run changed of it can neither be finished nor put back",
		Next:    "create the cache again on both sites as it was; or, when it is gone for good, " + r.discardRecord(),
	}
}

// discardRecord says how the record of an unfinished run is removed.
func (r *run) discardRecord() string {
	return "look at both sites and remove the record: " + r.opts.Command("abort --discard-journal "+r.journal.record.RunID)
}

// guardWholeRecord refuses to continue an unfinished run of which only the primary's copy is left: that one knows neither caches
// nor originals.
func (r *run) guardWholeRecord() error {
	rec := r.journal.record
	if !r.journal.found || len(rec.Caches) > 0 {
		return nil
	}
	return &Stop{
		Guard: GuardRecorded, Where: r.primary.String(),
		Found:   fmt.Sprintf("of unfinished run %s only the primary's copy is left, which does not know the original flags", rec.RunID),
		Because: "flags, modes and counts would be set to what they may never have been, and the end would look like a success",
		Next:    "look at both sites, then remove the record: " + r.opts.Command("abort --discard-journal "+rec.RunID),
	}
}

// adopt takes over an unfinished run's record. The secondary's is read first and is the whole one.
func (r *run) adopt(found foundRun) {
	j := r.journal
	if !j.found || j.record.RunID == found.record.RunID {
		j.versions[found.site.role] = found.version
	}
	if !j.found {
		j.record, j.found, j.open = found.record, true, true
	}
}

// record writes what is about to be changed into both clusters, before the first change (guard recorded). Afterwards the
// originals are safe from a crash of this machine, and no run that begins later overlooks this one.
func (r *run) record(ctx context.Context) error {
	rec := &r.journal.record
	rec.KeycloakInstances = r.plan.Secondary.StartCounts
	if rec.KeycloakBefore == nil && !r.journal.found {
		rec.KeycloakBefore = map[string]int{}
		for _, k := range r.plan.Secondary.Keycloaks {
			rec.KeycloakBefore[k.Ref] = k.Instances
		}
	}
	rec.Caches = map[string]CacheOriginal{}
	for _, c := range r.plan.Caches {
		rec.Caches[c.Name] = c.Original
	}
	rec.Phase = r.phase
	if err := r.journal.write(ctx); err != nil {
		return err
	}
	for ref, count := range r.plan.Secondary.StartCounts {
		if err := r.secondary.cluster.RecordInstances(ctx, ref, count); err != nil {
			return fmt.Errorf("leave the original count of %s on it: %w", ref, err)
		}
	}
	//mutate:single-run
	if err := r.guardAloneOnRecord(ctx); err != nil {
		return err
	}
	r.changed("", "original state recorded in both clusters (run %s)", r.id)
	return nil
}

// unrecord takes back a record that could not be completed, so that a run which changed nothing leaves nothing. What an
// unfinished run recorded stays.
func (r *run) unrecord(ctx context.Context, cause error) error {
	if r.journal.found {
		return cause
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoLimit)
	defer cancel()
	undo := r.forget
	if !r.journal.open { // no count was left on Keycloak yet
		undo = r.closeJournal
	}
	if err := undo(ctx, closedUndone); err != nil {
		r.noted("", "a part of the record of run %s may be left in a cluster: %v", r.id, err)
	}
	return cause
}

// forget removes what the run left on Keycloak, closes its journal, and drops the oldest of the closed records. The run is
// closed last of what matters: until then the same command finds it and does what is left.
func (r *run) forget(ctx context.Context, how string) error {
	for ref := range r.plan.Secondary.StartCounts {
		if err := r.secondary.cluster.ForgetInstances(ctx, ref); err != nil {
			return fmt.Errorf("remove the annotation with the original count from %s of the %s: %w", ref, r.secondary, err)
		}
	}
	r.sweepProbes(ctx)
	if because := r.letGo.reason(); because != nil {
		return because
	}
	if err := r.closeJournal(ctx, how); err != nil {
		return err
	}
	if err := r.closeLeftOpen(ctx); err != nil { // the closed record is what tells that its copy is none of an unfinished run
		r.noted("", "old journals stay: %s", oneLine(err))
		return nil
	}
	if err := r.dropFences(ctx, how == closedSucceeded); err != nil {
		r.noted(Primary, "the record of a fence stays: %s", oneLine(err))
	}
	for _, s := range []*site{r.primary, r.secondary} {
		if err := dropOldJournals(ctx, s.cluster); err != nil {
			r.noted(s.role, "old journals stay: %s", oneLine(err))
		}
	}
	return nil
}

// closeJournal closes the run. A copy on the primary that cannot be closed is closed by the next run: the secondary's
// record tells that this one is over, and running again would begin anew.
func (r *run) closeJournal(ctx context.Context, how string) error {
	// Everything is done: to break off now would leave a run that says it is open.
	err := r.safely(ctx, func(ctx context.Context) error { return r.journal.close(ctx, how) })
	if err != nil {
		return err
	}
	r.closed = true
	if err := r.journal.writeAt(ctx, Primary); err != nil {
		r.noted(Primary, "the copy of the journal is left open there, until the next run: %s", brief(err))
	}
	return nil
}

// closeLeftOpen closes the copies of closed runs that a crash or a failed write left open. Once the closed record is
// dropped for its age, such a copy would look like an unfinished run.
func (r *run) closeLeftOpen(ctx context.Context) error {
	for _, found := range r.journal.leftOpen {
		if _, err := putRecord(ctx, found.site.cluster, found.record, found.version); err != nil {
			return fmt.Errorf("close the copy of run %s on the %s: %w", found.record.RunID, found.site, err)
		}
	}
	return nil
}

// dropOldJournals keeps the newest records of closed runs and deletes the rest.
func dropOldJournals(ctx context.Context, cluster Cluster) error {
	stored, err := cluster.Journals(ctx)
	if err != nil {
		return fmt.Errorf("list old journals: %w", err)
	}
	closed := 0
	for _, one := range stored {
		record, err := parseRecord(one)
		if err != nil || record.Closed == "" || record.Closed == closedFence {
			continue
		}
		closed++
		if closed <= keptJournals {
			continue
		}
		if err := cluster.DeleteJournal(ctx, one.ID); err != nil {
			return fmt.Errorf("delete the journal of run %s: %w", one.ID, err)
		}
	}
	return nil
}
