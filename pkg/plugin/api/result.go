package api

import "k8s.io/apimachinery/pkg/runtime"

// KindResult is the kind of Result.
const KindResult = "Result"

// Result is what a recovery that succeeded has to tell.
type Result struct {
	Header `json:",inline"`

	// Plan is what was done.
	Plan PlanContent `json:"plan"`
	// Phases are the durations of the phases, in order.
	Phases []PhaseTime `json:"phases"`
	// Caches say what became of each cache, in the order of the plan.
	Caches []CacheResult `json:"caches"`
	// TookSeconds is the duration of the whole run, without the time the confirmation took.
	TookSeconds Seconds `json:"tookSeconds"`
	// Remarks are findings that do not lessen the success.
	Remarks []string `json:"remarks"`
	// LeftToDo is what the procedure leaves to people.
	LeftToDo []string `json:"leftToDo"`
}

// DeepCopyObject implements runtime.Object.
func (r *Result) DeepCopyObject() runtime.Object { return deepCopy(r) }

// PhaseTime is the duration of one phase.
type PhaseTime struct {
	// Phase is its name.
	Phase string `json:"phase"`
	// TookSeconds is how long it took.
	TookSeconds Seconds `json:"tookSeconds"`
}

// CacheResult says what became of one cache.
type CacheResult struct {
	// Name is the cache on the primary.
	Name string `json:"name"`
	// Discarded is the number of entries the secondary held before the clear.
	Discarded int64 `json:"discarded"`
	// PrimaryEntries is the number of entries on the primary when the contents were compared.
	PrimaryEntries int64 `json:"primaryEntries"`
	// SecondaryEntries is the number of entries on the secondary then.
	SecondaryEntries int64 `json:"secondaryEntries"`
	// Compared is how the contents were compared: keys, entries or sizes.
	Compared string `json:"compared"`
	// Extra is the number of keys only on the secondary, each explained by expiry or live traffic.
	Extra int64 `json:"extra"`
	// Pushes is how many pushes it took.
	Pushes int `json:"pushes"`
	// PushTookSeconds is the duration of the last push.
	PushTookSeconds Seconds `json:"pushTookSeconds"`
}
