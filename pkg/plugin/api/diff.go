package api

import "k8s.io/apimachinery/pkg/runtime"

// KindDiff is the kind of Diff.
const KindDiff = "Diff"

// Diff is what the contents of the two sites differ in. It holds keys only where they were asked for, and values never.
type Diff struct {
	Header `json:",inline"`

	// Equal is true when no difference was found.
	Equal bool `json:"equal"`
	// Primary is the name of the primary's site.
	Primary string `json:"primary"`
	// Secondary is the name of the secondary's site.
	Secondary string `json:"secondary"`
	// Caches are those that were compared, sorted by name.
	Caches []DiffCache `json:"caches"`
	// TookSeconds is the duration of the comparison.
	TookSeconds Seconds `json:"tookSeconds"`
}

// DeepCopyObject implements runtime.Object.
func (d *Diff) DeepCopyObject() runtime.Object { return deepCopy(d) }

// DiffCache is what one cache differs in.
type DiffCache struct {
	// Name is the cache on the primary.
	Name string `json:"name"`
	// SecondaryName is the cache on the secondary.
	SecondaryName string `json:"secondaryName"`
	// Equal is true when no difference was found, as far as the way of comparing looks.
	Equal bool `json:"equal"`
	// Compared is how: keys, entries (values too) or sizes, which proves little.
	Compared string `json:"compared" jsonschema:"enum=keys,enum=entries,enum=sizes"`
	// Why says why it was compared in a weaker way than was asked for.
	Why string `json:"why,omitempty" jsonschema:"enum=byte-limit,enum=not-listable"`
	// PrimaryEntries is the number of entries on the primary.
	PrimaryEntries int64 `json:"primaryEntries"`
	// SecondaryEntries is the number of entries on the secondary.
	SecondaryEntries int64 `json:"secondaryEntries"`
	// OnlyPrimary counts the keys that are only on the primary.
	OnlyPrimary int64 `json:"onlyPrimary"`
	// OnlySecondary counts the keys that are only on the secondary.
	OnlySecondary int64 `json:"onlySecondary"`
	// DifferentValues counts the keys whose values differ; only with entries.
	DifferentValues int64 `json:"differentValues"`
	// Moving counts the keys that came, went or changed meanwhile, which is no difference.
	Moving int64 `json:"moving"`
	// Partial is true when more differs than was counted.
	Partial bool `json:"partial"`
	// Keys are some of those that differ, where they were asked for.
	Keys []DiffKey `json:"keys,omitempty"`
}

// DiffKey is one key that differs.
type DiffKey struct {
	// Difference says in what way.
	Difference string `json:"difference" jsonschema:"enum=only-primary,enum=only-secondary,enum=value-differs"`
	// Key is canonical JSON: a plain string stands in quotes.
	Key string `json:"key"`
}
