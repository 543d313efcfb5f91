package xsite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// journalSchema is the version of JournalRecord. A record of another version is refused, never guessed at. It grows when an
// older version of the tool would do harm with a newer record, not with a field that it may ignore and lose.
const journalSchema = 1

// JournalRecord is what a run leaves in both clusters before its first change and keeps current: what cannot be observed
// again. The secondary has the whole record, the primary a copy without the caches. It holds no secret.
type JournalRecord struct {
	Schema int    `json:"schema"`
	RunID  string `json:"runID"`
	// SiteRole is the role of the site that this record lies in.
	SiteRole Role `json:"siteRole"`
	// PrimarySite and SecondarySite are the site names, PrimaryUID and SecondaryUID the UIDs of the two Infinispans.
	PrimarySite   string `json:"primarySite"`
	SecondarySite string `json:"secondarySite"`
	PrimaryUID    string `json:"primaryUID"`
	SecondaryUID  string `json:"secondaryUID"`

	Who     string    `json:"who"`
	Reason  string    `json:"reason,omitempty"`
	Tool    string    `json:"tool"`
	Started time.Time `json:"started"`
	Updated time.Time `json:"updated"`
	// Phase is the phase that was entered last.
	Phase Phase `json:"phase"`
	// Ended is the phase that ended last as it should; it lies behind Phase while one is under way. Absent in older records.
	Ended Phase `json:"ended,omitempty"`
	// Cleared is true from the moment the first clear may have been sent: the secondary is empty or incomplete since.
	Cleared bool `json:"cleared"`
	// Leaked says what the canary found when a clear reached the primary; empty when none did.
	Leaked string `json:"leaked,omitempty"`
	// Canary is the first cache to be cleared, from before its clear until the primary was seen to have kept its entries.
	Canary *CanaryMark `json:"canary,omitempty"`
	// Verified is true once the contents of both sites were proved equal.
	Verified bool `json:"verified"`
	// Closed is empty while the run is unfinished; then "succeeded", "undone" or "aborted".
	Closed string `json:"closed,omitempty"`

	// KeycloakInstances maps the secondary's Keycloak refs to the counts that they are started with at the end.
	KeycloakInstances map[string]int `json:"keycloakInstances,omitempty"`
	// KeycloakBefore maps them to the counts that they had before the run: 0 for one that was stopped by hand. Absent in older records.
	KeycloakBefore map[string]int `json:"keycloakBefore,omitempty"`
	// Caches maps the caches of the plan, as the primary calls them, to their originals. Only on the secondary.
	Caches map[string]CacheOriginal `json:"caches,omitempty"`
	// Reached maps caches of the plan to how far the run came with them. Only on the secondary; absent in older records.
	Reached map[string]CacheReached `json:"reached,omitempty"`
}

// CanaryMark is what the primary held of a cache right before the first clear on the secondary.
type CanaryMark struct {
	Cache string `json:"cache"`
	// Entries is the number of entries in the primary's cache.
	Entries int64 `json:"entries"`
	// At is when they were counted.
	At time.Time `json:"at"`
}

// How a run was closed.
const (
	closedSucceeded = "succeeded"
	closedUndone    = "undone"
	closedAborted   = "aborted"
	// closedFence marks the record of a fence, which is no run and never unfinished.
	closedFence = "fence"
)

// journal keeps one run's records in both clusters, with compare-and-swap on their versions.
type journal struct {
	clock    Clock
	sites    map[Role]Cluster
	record   JournalRecord
	versions map[Role]string
	// found is true when the record is that of an unfinished run which this one continues.
	found bool
	// open is true once the record has been written to both clusters.
	open bool
	// written is when the secondary's record was last written; behind are the sites that do not have all of it.
	written time.Time
	behind  map[Role]bool
	// leftOpen are copies of runs that the other site knows to be closed.
	leftOpen []foundRun
}

// original returns what an unfinished run recorded of a cache before its first change.
func (j *journal) original(cache string) (CacheOriginal, bool) {
	o, ok := j.record.Caches[cache]
	return o, ok && j.found
}

// entering notes the phase that begins. Before the record is opened there is nothing to note it in.
func (j *journal) entering(ctx context.Context, phase Phase) error {
	if j == nil || !j.open {
		return nil
	}
	if phase == PhaseProbe || j.record.Verified && phase == PhaseVerify { // proved again: how far the run had come is known still
		return nil
	}
	j.record.Phase = phase
	return j.write(ctx)
}

// ended notes the phase that has come to its end. A closed record is history, and the end of the run's last phase is its
// closing. What was only proved again was not noted to begin, and is not noted to end.
func (j *journal) ended(ctx context.Context, phase Phase) error {
	if j == nil || !j.open || j.record.Closed != "" || j.record.Phase != phase {
		return nil
	}
	j.record.Ended = phase
	return j.write(ctx)
}

// clearingNow notes, before the first clear is sent, that there is no way back, and of the canary's that it is one. Of any other
// clear mark is nil.
func (j *journal) clearingNow(ctx context.Context, mark *CanaryMark) error {
	if j.record.Cleared && (mark == nil || j.record.Canary == mark) {
		return nil
	}
	j.record.Cleared = true
	if mark != nil {
		j.record.Canary = mark
	}
	return j.write(ctx)
}

// canaryKept notes that the primary kept the entries of the canary.
func (j *journal) canaryKept(ctx context.Context) error {
	j.record.Canary = nil
	return j.write(ctx)
}

// leakedNow notes that a clear reached the primary, so that nobody clears anything again. Either site's record is enough for
// that, so both are tried; where both fail, the mark of the canary, which was written before the clear, lets the next run look
// itself.
func (j *journal) leakedNow(ctx context.Context, found string) error {
	j.record.Leaked = found
	return errors.Join(j.writeAt(ctx, Secondary), j.writeAt(ctx, Primary))
}

// catchUp writes to the sites that do not have the whole record what is not there yet.
func (j *journal) catchUp(ctx context.Context) error {
	var problems []error
	for _, role := range []Role{Secondary, Primary} {
		if j.open && j.behind[role] {
			problems = append(problems, j.writeAt(ctx, role))
		}
	}
	return errors.Join(problems...)
}

// verifiedNow notes that the contents are proved equal.
func (j *journal) verifiedNow(ctx context.Context, proved bool) error {
	j.record.Verified = proved
	if !proved {
		j.unverified()
	}
	return j.write(ctx)
}

// close ends the run's record in the secondary; a closed record is history. The run is closed by that alone.
//
// One that could not be written is open still, also for what is written of it later.
func (j *journal) close(ctx context.Context, how string) error {
	j.record.Closed = how
	err := j.writeAt(ctx, Secondary)
	if err != nil {
		j.record.Closed = ""
	}
	return err
}

// write stores the record in the secondary, then the copy in the primary.
func (j *journal) write(ctx context.Context) error {
	for _, role := range []Role{Secondary, Primary} {
		if err := j.writeAt(ctx, role); err != nil {
			return err
		}
	}
	j.open = true
	return nil
}

// writeAt stores the record in one site; the primary's is without the caches.
func (j *journal) writeAt(ctx context.Context, role Role) error {
	j.record.Updated = j.clock.Now().UTC()
	j.behind[role] = true
	record := j.record
	record.SiteRole = role
	if role == Primary {
		record.Caches, record.Reached = nil, nil
	}
	version, err := putRecord(ctx, j.sites[role], record, j.versions[role])
	if version != "" { // also of a call that succeeded as the primary had to let go beside it
		j.versions[role] = version
	}
	if err != nil {
		return journalStop(j.sites[role].Place(), record.RunID, err)
	}
	delete(j.behind, role)
	if role == Secondary {
		j.written = j.clock.Now()
	}
	return nil
}

// putRecord stores a record in place of that of the given version, and returns the new version.
func putRecord(ctx context.Context, cluster Cluster, record JournalRecord, version string) (string, error) {
	text, err := json.Marshal(record)
	if err != nil {
		return "", fmt.Errorf("encode the journal: %w", err)
	}
	return cluster.PutJournal(ctx, record.RunID, version, text)
}

// journalStop is the end of a run whose journal cannot be kept.
func journalStop(place Place, id string, err error) error {
	next := "run the same command again; it continues from what is recorded"
	if errors.Is(err, ErrConflict) {
		next = "somebody else works on this run; find out who before going on"
	}
	return &Stop{
		Guard: GuardRecorded, Found: fmt.Sprintf("the journal of run %s cannot be written", id), Where: place.String(), Err: err,
		Because: "without it nobody could put back what the run changed", Next: next,
	}
}

// parseRecord reads a stored record; one of another schema or without sense is an error.
func parseRecord(stored StoredJournal) (JournalRecord, error) {
	var record JournalRecord
	if err := json.Unmarshal(stored.Record, &record); err != nil {
		return record, fmt.Errorf("journal %s cannot be read: %w", stored.ID, err)
	}
	if record.Schema != journalSchema {
		return record, fmt.Errorf("journal %s has schema %d, this tool knows %d", stored.ID, record.Schema, journalSchema)
	}
	if record.RunID == "" || (record.SiteRole != Primary && record.SiteRole != Secondary) {
		return record, fmt.Errorf("journal %s names no run or no role", stored.ID)
	}
	return record, nil
}
