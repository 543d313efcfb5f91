package xsite

import (
	"reflect"
	"slices"
	"testing"
	"time"
)

// reads are the calls that change nothing; the leases themselves are taken and given back outside of the fence.
func reads() []string {
	return []string{
		"Place", "Access", "Contenders", "Pods", "Node", "Keycloaks", "WatchKeycloak", "Journals", "Lease", "PutLease", "DeleteLease",
		"Info", "Health", "CacheNames", "CacheConfig", "BackupSites", "NodeFlags", "StateTransferMode", "PushStatus", "Size", "Stats",
		"SendQueues", "Connections", "CacheExists", "Get", "Keys", "Entries", "EntriesWithMetadata",
	}
}

// There is nothing behind the fence: a call that got past it panics.
func TestNoChangeIsMadeWithoutALease(t *testing.T) {
	for _, behind := range everyFenced(&run{}) {
		for name, change := range changesOf(t, behind, "") {
			t.Run(name, func(t *testing.T) {
				passed, err := change()
				if passed {
					t.Error("a change is made although no lease is held")
				}
				if guard, stopped := StoppedBy(err); !stopped || guard != GuardSingleRun {
					t.Errorf("stopped by %q: %v", guard, err)
				}
			})
		}
	}
}

// The secondary is away as a whole, and its lease ran out: somebody else may be at work there soon.
func TestWithThePrimarysLeaseAloneThePrimaryLetsGoAndAsksTheLinkAndNoMore(t *testing.T) {
	now := time.Now()
	r := &run{keeper: &keeper{clock: stoodStill{now: now}, ticked: now, grips: []*grip{
		{site: &site{role: Primary}, record: LeaseRecord{Duration: leaseDuration}, good: now},
		{site: &site{role: Secondary}, record: LeaseRecord{Duration: leaseDuration}, good: now.Add(-leaseDuration)},
	}}}
	letGo := []string{"CancelPush", "TakeOffline"}
	for cache, want := range map[string][]string{
		"sessions":         letGo,
		probePrefix + "9f": append([]string{"CreateCache", "DeleteCache", "ForgetCaches", "Put"}, letGo...),
	} {
		var got []string
		for _, behind := range everyFenced(r) {
			for name, change := range changesOf(t, behind, cache) {
				if passed, _ := change(); passed {
					got = append(got, name)
				}
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("cache %s is changed by %v without the secondary's lease, want %v: two runs may be at work at once", cache, got, want)
		}
	}
}

// everyFenced is whatever stands behind the fence, for both sites.
func everyFenced(r *run) []any {
	return []any{
		fencedCluster{fence: fence{r, Primary}},
		fencedNode{fence: fence{r, Primary}},
		fencedCluster{fence: fence{r, Secondary}},
		fencedNode{fence: fence{r, Secondary}},
	}
}

// changesOf makes the changing calls of what stands behind the fence; passed tells that one got past it. Their first text is the
// name of a cache.
func changesOf(t *testing.T, behind any, cache string) map[string]func() (passed bool, err error) {
	t.Helper()
	changes := map[string]func() (bool, error){}
	value := reflect.ValueOf(behind)
	for i := range value.NumMethod() {
		name := value.Type().Method(i).Name
		if slices.Contains(reads(), name) {
			continue
		}
		in := []reflect.Value{reflect.ValueOf(t.Context())}
		for at := 1; at < value.Method(i).Type().NumIn(); at++ {
			in = append(in, reflect.Zero(value.Method(i).Type().In(at)))
		}
		if len(in) > 1 && in[1].Kind() == reflect.String {
			in[1] = reflect.ValueOf(cache)
		}
		changes[name] = func() (passed bool, err error) {
			defer func() { passed = recover() != nil }()
			out := value.Method(i).Call(in)
			err, _ = reflect.TypeAssert[error](out[len(out)-1])
			return false, err
		}
	}
	return changes
}

// stoodStill is a clock that shows one time.
type stoodStill struct {
	Clock

	now time.Time
}

// Now implements Clock.
func (c stoodStill) Now() time.Time { return c.now }
