package xsite

import "time"

// Phase is one stage of a run, in the order of [Phases].
type Phase string

// The phases of a run.
const (
	PhasePreflight Phase = "preflight"
	PhaseProbe     Phase = "probe"
	PhaseStop      Phase = "stop"
	PhaseOffline   Phase = "offline"
	PhaseClear     Phase = "clear"
	PhasePush      Phase = "push"
	PhaseVerify    Phase = "verify"
	PhaseOnline    Phase = "online"
	PhaseStart     Phase = "start"
)

// What other commands than the recovery do, each in one phase after preflight.
const (
	PhaseAbort Phase = "abort"
	PhasePrune Phase = "prune"
	PhaseFence Phase = "fence"
	PhaseDiff  Phase = "diff"
)

// Phases lists all phases of a recovery in the order in which it goes through them.
func Phases() []Phase {
	return []Phase{PhasePreflight, PhaseProbe, PhaseStop, PhaseOffline, PhaseClear, PhasePush, PhaseVerify, PhaseOnline, PhaseStart}
}

// EventKind tells what an [Event] reports.
type EventKind string

// The kinds of events.
const (
	// PhaseStarted and PhaseEnded frame a phase; PhaseEnded carries Elapsed, and Err when it failed.
	PhaseStarted EventKind = "phase-started"
	PhaseEnded   EventKind = "phase-ended"
	// CheckPassed and CheckWarned are results of preflight; Message says what was found. A check that fails ends the
	// run with a Stop instead.
	CheckPassed EventKind = "check-passed"
	CheckWarned EventKind = "check-warned"
	// Changed reports one change that was made and proved, on the site in Role.
	Changed EventKind = "changed"
	// CacheProgress reports the state of one cache in the phases clear, push and verify.
	CacheProgress EventKind = "cache-progress"
	// Waiting reports what is being waited for; it is repeated while the wait lasts.
	Waiting EventKind = "waiting"
	// Noted is a remark of importance to the operator.
	Noted EventKind = "noted"
	// Planned carries the finished Plan, once, at the end of preflight.
	Planned EventKind = "planned"
)

// Event is one thing that happened in a run. Strings that came from a server are raw: who prints them escapes them.
type Event struct {
	Time    time.Time
	Kind    EventKind
	Phase   Phase
	Role    Role    // empty when it concerns both sites or none
	Guard   Guard   // the guard whose check this is, when there is one
	Check   CheckID // the check of preflight that was being made, when there was one
	Message string
	Elapsed time.Duration // of the phase, with PhaseEnded
	Err     error         // with PhaseEnded
	Cache   CacheState    // with CacheProgress
	Plan    *Plan         // with Planned; not to be changed
}

// CacheState is the progress of one cache.
type CacheState struct {
	Cache string
	// State is a short word: cleared, queued, pushing, pushed, comparing, equal, unequal, repeating, failed.
	State string
	// Done and Total count entries while pushing; Total is 0 where it is not known.
	Done, Total int64
	// Attempt counts the pushes of this cache, from 1.
	Attempt int
	// Counted are the numbers of entries that were read for this report, by site; what was not read is missing.
	Counted map[Role]int64
	// Missing and Extra count keys that only the primary or only the secondary has, in the states equal and unequal.
	Missing, Extra int64
}

// Observer takes the events of a run. Observe is called from one goroutine at a time and must return quickly.
type Observer interface{ Observe(e Event) }

// ObserverFunc makes a function an Observer.
type ObserverFunc func(Event)

// Observe calls the function.
func (f ObserverFunc) Observe(e Event) { f(e) }
