package xsite

import (
	"reflect"
	"slices"
	"testing"
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
	for _, behind := range []any{fencedCluster{fence: fence{&run{}, Secondary}}, fencedNode{fence: fence{&run{}, Secondary}}, fencedNode{fence: fence{&run{}, Primary}}} {
		value := reflect.ValueOf(behind)
		for i := range value.NumMethod() {
			name := value.Type().Method(i).Name
			if slices.Contains(reads(), name) {
				continue
			}
			t.Run(name, func(t *testing.T) {
				defer func() {
					if recover() != nil {
						t.Error("a change is made although no lease is held")
					}
				}()
				in := []reflect.Value{reflect.ValueOf(t.Context())}
				for at := 1; at < value.Method(i).Type().NumIn(); at++ {
					in = append(in, reflect.Zero(value.Method(i).Type().In(at)))
				}
				out := value.Method(i).Call(in)
				err, _ := reflect.TypeAssert[error](out[len(out)-1])
				if guard, stopped := StoppedBy(err); !stopped || guard != GuardSingleRun {
					t.Errorf("stopped by %q: %v", guard, err)
				}
			})
		}
	}
}
