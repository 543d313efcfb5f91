package infinispan

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// answerTo makes an answer out of thin air.
func answerTo(body string) *answer {
	return &answer{
		status: http.StatusOK, body: []byte(body),
		req: &request{method: http.MethodGet, path: apiPath("x")}, client: &Client{},
	}
}

func TestAnswersOfRealServersAreUnderstood(t *testing.T) {
	created := time.Date(2026, 11, 23, 15, 28, 19, 478734562, time.UTC)
	enabled := true
	for name, tc := range map[string]struct {
		got  func() (any, error)
		want any
	}{
		"info": {
			func() (any, error) { return parseInfo(answerTo(info15)) },
			NodeInfo{
				Version: "15.0.21.Final", NodeName: "site-a-0", ClusterName: "site-a", LocalSite: "site-a", Members: []string{"site-a-0"},
				Coordinator: true, RelayNode: true, RelayNodes: []string{"site-a-0"}, SitesView: []string{"site-a", "site-b"},
				Status: ContainerRunning, Rebalancing: &enabled,
			},
		},
		"sites": {
			func() (any, error) { return parseBackupSites(answerTo(`{"site-b":{"status":"online"}}`)) },
			map[string]SiteStatus{"site-b": SiteOnline},
		},
		"sites, mixed": {
			func() (any, error) {
				return parseBackupSites(answerTo(`{"Site B":{"status":"mixed","online":["nodeA"],"offline":["nodeB"]}}`))
			},
			map[string]SiteStatus{"Site B": SiteMixed},
		},
		"flags": {
			func() (any, error) {
				return parseNodeFlags(answerTo(`{"site-a-0":"online","site-a-1":"offline","site-a-2":"failed"}`))
			},
			map[string]Flag{"site-a-0": FlagOnline, "site-a-1": FlagOffline, "site-a-2": FlagFailed},
		},
		"push": {
			func() (any, error) {
				return parsePushStatus(answerTo(`{"a":"IDLE","b":"SENDING","c":"OK","d":"ERROR","e":"CANCELED"}`))
			},
			map[string]PushStatus{"a": PushIdle, "b": PushSending, "c": PushOK, "d": PushError, "e": PushCanceled},
		},
		"queues of 15": {
			func() (any, error) {
				return parseQueues(answerTo("# HELP vendor_cache_manager_default_cache_sessions_async_xsite_statistics_queue_size Number of keys\n" +
					"vendor_cache_manager_default_cache_sessions_async_xsite_statistics_queue_size{cache=\"sessions\",node=\"infinispan-0-95198\",} 10.0\n" +
					"vendor_cache_manager_default_cache_sessions_async_xsite_statistics_number_of_tombstones{cache=\"sessions\",node=\"infinispan-0-95198\",} 3.0\n" +
					"vendor_cache_manager_default_cache_work_async_xsite_statistics_queue_size{cache=\"work\",node=\"infinispan-0-95198\",} -1.0\n" +
					"vendor_cache_manager_default_cache_work_async_xsite_statistics_number_of_tombstones{cache=\"work\",node=\"infinispan-0-95198\",} -1.0\n" +
					"vendor_x{cache=\"other\",node=\"infinispan-0-95198\",} 7.0\n"))
			},
			map[string]SendQueue{"sessions": {10, 3}},
		},
		"queues of 16": {
			func() (any, error) {
				return parseQueues(answerTo("infinispan_async_xsite_statistics_queue_size{cache=\"sessions\",cache_manager=\"default\",node=\"infinispan-1-01031\"} 2.0\n" +
					"infinispan_async_xsite_statistics_queue_size{cache_manager=\"default\",cache=\"work\",node=\"infinispan-1-01031\"} 0.0\n" +
					"infinispan_async_xsite_statistics_number_of_tombstones{cache=\"work\",cache_manager=\"default\",node=\"infinispan-1-01031\"} 0.0\n"))
			},
			map[string]SendQueue{"sessions": {2, -1}, "work": {0, 0}},
		},
		"mode":  {func() (any, error) { return parseMode(answerTo(`"MANUAL"`)) }, ModeManual},
		"size":  {func() (any, error) { return parseSize(answerTo(" 100000\n")) }, int64(100000)},
		"names": {func() (any, error) { return parseCacheNames(answerTo(`["a/b c","sessions"]`)) }, []string{"a/b c", "sessions"}},
		"stats": {func() (any, error) { return parseStats(answerTo(stats15)) }, CacheStats{ApproximateEntries: 2, ApproximateEntriesUnique: 2, Stores: 2}},
		"connections": {
			func() (any, error) { return parseConnections(answerTo(connections15)) },
			[]Connection{{
				ID: 65, Node: "site-a-0", Principal: "admin", ClientLibrary: "curl/7.88.1", Protocol: "HTTP/1.1",
				LocalAddress: "/127.0.0.1:21000", RemoteAddress: "/127.0.0.1:44218", Created: created,
			}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := tc.got()
			if diff := cmp.Diff(tc.want, got); err != nil || diff != "" {
				t.Error(err, diff)
			}
		})
	}
}

func TestUnknownWordsAreErrors(t *testing.T) {
	for name, tc := range map[string]struct {
		parse  func(*answer) error
		bodies []string
	}{
		"info": {func(a *answer) error { _, err := parseInfo(a); return err }, []string{
			`{}`, `[]`, ``, `null`, `{"version":"15"}`,
			`{"version":"15","node_address":"n","cluster_members":["n"],"cache_manager_status":"RUNNING"}`,
			`{"version":"15","node_address":"n","cluster_members":["n"],"coordinator":true,"cache_manager_status":"DANCING"}`,
			`{"version":"15","node_address":"n","cluster_members":[],"coordinator":true,"cache_manager_status":"RUNNING"}`,
		}},
		"health": {func(a *answer) error { _, err := parseHealth(a); return err }, []string{
			`{}`, `{"cluster_health":{"health_status":"FINE"}}`,
			`{"cluster_health":{"health_status":"HEALTHY"},"cache_health":[{"cache_name":"a","status":"FINE"}]}`,
		}},
		"sites": {func(a *answer) error { _, err := parseBackupSites(a); return err }, []string{
			`null`, `{"b":{"status":"unknown"}}`, `{"b":{}}`, `{"b":"online"}`,
		}},
		"flags": {func(a *answer) error { _, err := parseNodeFlags(a); return err }, []string{`{}`, `null`, `{"n":"ONLINE"}`, `{"n":true}`}},
		"push": {func(a *answer) error { _, err := parsePushStatus(a); return err }, []string{
			`{}`, `{"b":"CANCELLING"}`, `{"ERROR":"ISPN000476: Timed out"}`, `{"b":"ok"}`,
		}},
		"mode":        {func(a *answer) error { _, err := parseMode(a); return err }, []string{`MANUAL`, `"manual"`, `""`}},
		"size":        {func(a *answer) error { _, err := parseSize(a); return err }, []string{``, `-1`, `1.5`, `"3"`, `3 4`}},
		"names":       {func(a *answer) error { _, err := parseCacheNames(a); return err }, []string{`{}`, `[""]`, `[1]`}},
		"stats":       {func(a *answer) error { _, err := parseStats(a); return err }, []string{`{}`, `{"approximate_entries":-2}`}},
		"connections": {func(a *answer) error { _, err := parseConnections(a); return err }, []string{`null`, `{}`, `[{}]`, `[{"id":1}]`}},
	} {
		for _, body := range tc.bodies {
			var unexpected *UnexpectedAnswerError
			if err := tc.parse(answerTo(body)); !errors.As(err, &unexpected) {
				t.Errorf("%s %q: got %v", name, body, err)
			}
		}
	}
}

func TestAnswersThatMeanSomethingElse(t *testing.T) {
	ctx := t.Context()
	c := newTestClient(t, &canned{replies: map[string]reply{
		"GET /rest/v2/caches/loc/x-site/backups":                                {404, "Cache 'loc' does not have backup sites."},
		"GET /rest/v2/caches/nope/x-site/backups":                               {404, noSuchCache},
		"HEAD /rest/v2/caches/s":                                                {204, ""},
		"HEAD /rest/v2/caches/nope":                                             {404, ""},
		"HEAD /rest/v2/caches/broken":                                           {500, ""},
		"DELETE /rest/v2/caches/nope":                                           {404, ""},
		"GET /rest/v2/caches/nope?action=config":                                {500, nullConfig},
		"GET /rest/v2/caches/s?action=config":                                   {500, nullConfig},
		"GET /rest/v2/caches/s/none":                                            {404, ""},
		"GET /rest/v2/caches/s/k":                                               {200, "v"},
		"GET /rest/v2/caches/nope/k":                                            {404, noSuchCache},
		"POST /rest/v2/caches/s/x-site/local?action=clear-push-state-status":    {200, `"ok"`},
		"POST /rest/v2/caches/nope/x-site/local?action=clear-push-state-status": {200, `"Unable to perform operation"`},
	}})
	if sites, err := c.BackupSites(ctx, "loc"); err != nil || sites == nil || len(sites) != 0 {
		t.Errorf("a cache without backups: %v, %v", sites, err)
	}
	if _, err := c.BackupSites(ctx, "nope"); !errors.Is(err, ErrNotFound) {
		t.Errorf("sites of a missing cache: %v", err)
	}
	for cache, want := range map[string]bool{"s": true, "nope": false} {
		if exists, err := c.CacheExists(ctx, cache); err != nil || exists != want {
			t.Errorf("exists %s: %v, %v", cache, exists, err)
		}
	}
	if _, err := c.CacheExists(ctx, "broken"); err == nil {
		t.Error("a failing server was taken for an answer")
	}
	if err := c.DeleteCache(ctx, "nope"); err != nil {
		t.Errorf("delete of a missing cache: %v", err)
	}
	if _, err := c.CacheConfig(ctx, "nope"); !errors.Is(err, ErrNotFound) {
		t.Errorf("configuration of a missing cache on 15.0.21: %v", err)
	}
	if _, err := c.CacheConfig(ctx, "s"); err == nil || errors.Is(err, ErrNotFound) {
		t.Errorf("status 500 for a cache that is there: %v", err)
	}
	if _, found, err := c.Get(ctx, "s", "none"); found || err != nil {
		t.Errorf("missing key: %v, %v", found, err)
	}
	if v, found, err := c.Get(ctx, "s", "k"); string(v) != "v" || !found || err != nil {
		t.Errorf("key: %s, %v, %v", v, found, err)
	}
	if _, found, err := c.Get(ctx, "nope", "k"); found || !errors.Is(err, ErrNotFound) {
		t.Errorf("key of a missing cache: %v, %v", found, err)
	}
	if err := c.ClearPushStatus(ctx, "s"); err != nil {
		t.Errorf("clear push status: %v", err)
	}
	var unexpected *UnexpectedAnswerError
	if err := c.ClearPushStatus(ctx, "nope"); !errors.As(err, &unexpected) {
		t.Errorf("trouble in a body of status 200: %v", err)
	}
	if _, err := c.Connections(ctx); !errors.Is(err, ErrUnsupported) {
		t.Errorf("connections on 14: %v", err)
	}
}
