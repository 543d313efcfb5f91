package report

// Outcomes beside those of the engine.
const (
	// OutcomeSucceeded: both sites hold the same data.
	OutcomeSucceeded = "succeeded"
	// OutcomePhaseDone: one phase of a run is done, which goes on with another command.
	OutcomePhaseDone = "phase-done"
	// OutcomeChecked: a dry run whose checks all passed.
	OutcomeChecked = "checked"
	// OutcomeUnfinished: the run had not ended when the report was written; it may have been killed.
	OutcomeUnfinished = "unfinished"
	// OutcomeUnexpected: an error that is none of the engine's.
	OutcomeUnexpected = "unexpected"
)

// The kinds of steps.
const (
	KindCheck  = "check"
	KindChange = "change"
	KindWait   = "wait"
	KindCache  = "cache"
	KindNote   = "note"
	// KindError is a failure that is no guard's.
	KindError = "error"
)
