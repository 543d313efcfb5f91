package compare

// Result is the outcome of comparing one cache.
type Result struct {
	// Cache is the cache's name on the primary.
	Cache string
	// Way is how it was compared. With WaySizes only the numbers of entries are set.
	Way Way
	// Why says why Way is weaker than what was asked for.
	Why Reason
	// Passes is the number of passes made, 1 to 3.
	Passes int
	// PrimaryEntries and SecondaryEntries are the numbers of entries in the last pass.
	PrimaryEntries   int64
	SecondaryEntries int64
	// MissingOnSecondary counts the keys that were on the primary in every pass, and on the secondary in none of those
	// that looked at keys.
	MissingOnSecondary int64
	// ExtraOnSecondary counts the keys that were on the secondary in every pass, and on the primary in none of those
	// that looked at keys. Expiry explains some (V61), live traffic too (V48).
	ExtraOnSecondary int64
	// Different counts the keys of WayEntries that both sites had with unequal values each time. A key whose value
	// changed on both sites between the passes is not among them but in Moving.
	Different int64
	// Moving counts the keys that differed in pass 2 and could not be judged, since they came, went or changed between
	// the passes. They are no fault.
	Moving int64
	// Partial says that more keys lay in differing buckets than may be collected: the counts are lower bounds, and
	// the sites differ although nothing may have been counted.
	Partial bool
	// Bytes is the number of canonical bytes that passed, of both sites in all passes.
	Bytes int64
	// Shown are the keys of differing entries, where they were asked for; sorted by kind and key.
	Shown []Difference
}

// Kind says in what way a key differs.
type Kind string

// The kinds of differences.
const (
	KindMissing   Kind = "missing"
	KindExtra     Kind = "extra"
	KindDifferent Kind = "different"
)

// Difference is one key that differs.
type Difference struct {
	Kind Kind
	// Key is canonical JSON: a plain string is "x" with its quotes.
	Key string
}

// Equal reports that no difference was found: with WaySizes equal numbers of entries, with the other ways equal contents
// as far as the way looks. What came or went during the comparison is no difference.
func (r Result) Equal() bool {
	if r.Way == WaySizes {
		return r.PrimaryEntries == r.SecondaryEntries
	}
	return !r.Partial && r.MissingOnSecondary == 0 && r.ExtraOnSecondary == 0 && r.Different == 0
}

// SecondaryHasAll reports that every key that was on the primary in every pass is on the secondary, with an equal value
// where values were compared. Keys that are only on the secondary do not count. With WaySizes it says no more than that
// the secondary does not hold fewer entries.
//
// Guard: truthful-end.
func (r Result) SecondaryHasAll() bool {
	if r.Way == WaySizes {
		return r.SecondaryEntries >= r.PrimaryEntries
	}
	return !r.Partial && r.MissingOnSecondary == 0 && r.Different == 0
}
