package sim_test

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/sim"
)

var _ xsite.Node = (*infinispan.Client)(nil)

// everyCall is each call that the engine can make, with what a healthy pair has to answer.
func everyCall(w *world) map[string]func(context.Context, *infinispan.Client) error {
	w.t.Helper()
	want := func(err error, got, expected any) error {
		if diff := cmp.Diff(expected, got); err == nil && diff != "" {
			return errors.New(diff)
		}
		return err
	}
	none := map[string]infinispan.PushStatus{"site-b": infinispan.PushIdle}
	return map[string]func(context.Context, *infinispan.Client) error{
		"Info": func(ctx context.Context, c *infinispan.Client) error {
			info, err := c.Info(ctx)
			return want(err, []any{info.LocalSite, len(info.Members), info.Status}, []any{"site-a", 2, infinispan.ContainerRunning})
		},
		"Health": func(ctx context.Context, c *infinispan.Client) error {
			health, err := c.Health(ctx)
			return want(err, []any{health.Cluster, health.Caches["sessions"]}, []any{infinispan.HealthHealthy, infinispan.HealthHealthy})
		},
		"CacheNames": func(ctx context.Context, c *infinispan.Client) error {
			names, err := c.CacheNames(ctx)
			return want(err, slices.Contains(names, "sessions"), true)
		},
		"CacheConfig": func(ctx context.Context, c *infinispan.Client) error {
			config, err := c.CacheConfig(ctx, "sessions")
			return want(err, config, infinispan.CacheConfig{
				Kind: infinispan.KindDistributed, Owners: 2, Transactional: true, Statistics: true,
				Encoding: infinispan.Encoding{Key: "application/x-protostream", Value: "application/x-protostream"},
				Backups: map[string]infinispan.BackupConfig{"site-b": {
					Strategy: infinispan.StrategySync, Timeout: 4500 * time.Millisecond, FailurePolicy: infinispan.FailureFail,
					ChunkSize: 16, Mode: infinispan.ModeManual,
				}},
			})
		},
		"BackupSites": func(ctx context.Context, c *infinispan.Client) error {
			sites, err := c.BackupSites(ctx, "sessions")
			return want(err, sites, map[string]infinispan.SiteStatus{"site-b": infinispan.SiteOnline})
		},
		"NodeFlags": func(ctx context.Context, c *infinispan.Client) error {
			flags, err := c.NodeFlags(ctx, "sessions", "site-b")
			return want(err, slices.Collect(maps.Values(flags)), []infinispan.Flag{infinispan.FlagOnline, infinispan.FlagOnline})
		},
		"TakeOffline": func(ctx context.Context, c *infinispan.Client) error {
			return errors.Join(c.TakeOffline(ctx, "sessions", "site-b"), c.BringOnline(ctx, "sessions", "site-b"))
		},
		"BringOnline": func(ctx context.Context, c *infinispan.Client) error { return c.BringOnline(ctx, "sessions", "site-b") },
		"StateTransferMode": func(ctx context.Context, c *infinispan.Client) error {
			mode, err := c.StateTransferMode(ctx, "sessions", "site-b")
			return want(err, mode, infinispan.ModeManual)
		},
		"SetStateTransferMode": func(ctx context.Context, c *infinispan.Client) error {
			return c.SetStateTransferMode(ctx, "later", "site-b", infinispan.ModeManual)
		},
		"StartPush": func(ctx context.Context, c *infinispan.Client) error {
			err := c.StartPush(ctx, "sessions", "site-b")
			w.Pass(time.Minute)
			return errors.Join(err, c.ClearPushStatus(ctx, "sessions"))
		},
		"CancelPush": func(ctx context.Context, c *infinispan.Client) error { return c.CancelPush(ctx, "sessions", "site-b") },
		"CancelReceive": func(ctx context.Context, c *infinispan.Client) error {
			return c.CancelReceive(ctx, "sessions", "site-b")
		},
		"PushStatus": func(ctx context.Context, c *infinispan.Client) error {
			status, err := c.PushStatus(ctx, "sessions")
			return want(err, status, none)
		},
		"ClearPushStatus": func(ctx context.Context, c *infinispan.Client) error { return c.ClearPushStatus(ctx, "sessions") },
		"Clear":           func(ctx context.Context, c *infinispan.Client) error { return c.Clear(ctx, "later") },
		"Size": func(ctx context.Context, c *infinispan.Client) error {
			size, err := c.Size(ctx, "sessions")
			return want(err, size, int64(3))
		},
		"Stats": func(ctx context.Context, c *infinispan.Client) error {
			stats, err := c.Stats(ctx, "sessions")
			return want(err, stats.ApproximateEntries, int64(3))
		},
		"SendQueues": func(ctx context.Context, c *infinispan.Client) error {
			queues, err := c.SendQueues(ctx)
			return want(err, len(queues), 1) // the others are SYNC
		},
		"Connections": func(ctx context.Context, c *infinispan.Client) error {
			list, err := c.Connections(ctx)
			if w.version == "14.0.28" && errors.Is(err, infinispan.ErrUnsupported) {
				return nil
			}
			return want(err, list[0].ClientLibrary, "kubectl-ispn-resync")
		},
		"CreateCache": func(ctx context.Context, c *infinispan.Client) error {
			return c.CreateCache(ctx, "made", probeCache("site-b"))
		},
		"DeleteCache": func(ctx context.Context, c *infinispan.Client) error { return c.DeleteCache(ctx, "missing") },
		"CacheExists": func(ctx context.Context, c *infinispan.Client) error {
			exists, err := c.CacheExists(ctx, "sessions")
			missing, missed := c.CacheExists(ctx, "missing")
			return want(errors.Join(err, missed), []bool{exists, missing}, []bool{true, false})
		},
		"Put": func(ctx context.Context, c *infinispan.Client) error {
			return c.Put(ctx, "later", "key/with slash", "value")
		},
		"Get": func(ctx context.Context, c *infinispan.Client) error {
			value, found, err := c.Get(ctx, "sessions", "fresh-0000")
			_, missing, missed := c.Get(ctx, "sessions", "missing")
			return want(errors.Join(err, missed), []any{string(value), found, missing}, []any{"value of fresh", true, false})
		},
		"Keys": func(ctx context.Context, c *infinispan.Client) error {
			var keys []string
			err := c.Keys(ctx, "sessions", func(key []byte) error { keys = append(keys, string(key)); return nil })
			return want(err, keys, []string{`"fresh-0000"`, `"fresh-0001"`, `"fresh-0002"`})
		},
		"Entries": func(ctx context.Context, c *infinispan.Client) error {
			var values []string
			err := c.Entries(ctx, "sessions", func(_, value []byte) error { values = append(values, string(value)); return nil })
			return want(err, values, []string{`"value of fresh"`, `"value of fresh"`, `"value of fresh"`})
		},
		"EntriesWithMetadata": func(ctx context.Context, c *infinispan.Client) error {
			lasting := 0
			err := c.EntriesWithMetadata(ctx, "sessions", 2, func(e infinispan.Entry) error {
				if e.Lasting() {
					lasting++
				}
				return nil
			})
			return want(err, lasting, 2)
		},
	}
}

func TestEveryCallOfTheClientIsAnswered(t *testing.T) {
	o := sim.Options{Caches: []sim.CacheSpec{{Name: "sessions"}, {Name: "later", Strategy: infinispan.StrategyAsync}}}
	each(t, o, func(w *world) {
		fill(w.a, "sessions", "fresh", 3)
		calls := everyCall(w)
		for method := range reflect.TypeFor[xsite.Node]().Methods() {
			call := calls[method.Name]
			if call == nil {
				t.Errorf("the engine can call %s, and nothing here does", method.Name)
				continue
			}
			if err := call(w.ctx(), w.a0); err != nil {
				t.Errorf("%s: %v", method.Name, err)
			}
		}
	})
}
