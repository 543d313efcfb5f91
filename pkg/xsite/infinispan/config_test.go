package infinispan

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestConfigurationsAreUnderstood(t *testing.T) {
	defaults := BackupConfig{Strategy: StrategyAsync, Timeout: 15 * time.Second, FailurePolicy: FailureWarn, ChunkSize: 512, Mode: ModeManual}
	object := Encoding{"application/x-java-object", "application/x-java-object"}
	for name, tc := range map[string]struct {
		cache, body string
		want        CacheConfig
	}{
		"the guide's cache": {"sessions", configSessions, CacheConfig{
			Kind: KindDistributed, Owners: 2, Transactional: true, Statistics: true,
			Encoding: Encoding{"application/x-protostream", "application/x-protostream"},
			Backups: map[string]BackupConfig{"site-b": {
				Strategy: StrategySync, Timeout: 4500 * time.Millisecond, FailurePolicy: FailureFail, ChunkSize: 16, Mode: ModeManual,
			}},
		}},
		"defaults left out, other name": {"repl", configRepl, CacheConfig{
			Kind: KindReplicated, Encoding: Encoding{"text/plain", "application/json"}, MaxSize: "10MB",
			Backups: map[string]BackupConfig{"site-b": defaults}, BackupFor: &BackupFor{Site: "site-b", Cache: "other"},
		}},
		"store and bound": {"loc", configLocal, CacheConfig{
			Kind: KindLocal, Statistics: true, MaxCount: 100, Backups: map[string]BackupConfig{}, Stores: []StoreConfig{{Kind: "file-store"}},
		}},
		"internal cache, 15": {"___protobuf_metadata", configMetadata15, CacheConfig{
			Kind: KindReplicated, Transactional: true, Encoding: object, Backups: map[string]BackupConfig{}, Stores: []StoreConfig{{Kind: "single-file-store"}},
		}},
		"internal cache, 16": {"___protobuf_metadata", configMetadata16, CacheConfig{
			Kind: KindReplicated, Transactional: true, Encoding: object, Backups: map[string]BackupConfig{},
			Stores: []StoreConfig{{Kind: "store", Class: "org.infinispan.persistence.file.SingleFileStore"}},
		}},
		"without the name, times with units, native types": {"x", `{"distributed-cache":{"owners":3,"statistics":"true","memory":{"max-count":-1},"backups":{"DC_1":{"backup":{"strategy":"ASYNC","timeout":"4.5s","two-phase-commit":true,"state-transfer":{"chunk-size":64,"mode":"AUTO"}}}}}}`, CacheConfig{
			Kind: KindDistributed, Owners: 3, Statistics: true,
			Backups: map[string]BackupConfig{"DC_1": {Strategy: StrategyAsync, Timeout: 4500 * time.Millisecond, FailurePolicy: FailureWarn, TwoPhaseCommit: true, ChunkSize: 64, Mode: ModeAuto}},
		}},
		"stores that others may use": {"s", `{"s":{"distributed-cache":{"persistence":{"remote-store":{"shared":"true"},"string-keyed-jdbc-store":{"shared":false},"file-store":[{},{"shared":false}],"store":{"class":"com.example.Store"}}}}}`, CacheConfig{
			Kind: KindDistributed, Owners: 2, Backups: map[string]BackupConfig{},
			Stores: []StoreConfig{
				{Kind: "file-store"},
				{Kind: "file-store"},
				{Kind: "remote-store", Shared: true, Remote: true},
				{Kind: "store", Class: "com.example.Store", Remote: true},
				{Kind: "string-keyed-jdbc-store", Remote: true},
			},
		}},
		"a cache called like a kind": {"local-cache", `{"local-cache":{"replicated-cache":{}}}`, CacheConfig{Kind: KindReplicated, Backups: map[string]BackupConfig{}}},
		"a template":                 {"t", `{"t":{"distributed-cache-configuration":{}}}`, CacheConfig{Kind: KindDistributed, Owners: 2, Backups: map[string]BackupConfig{}}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseConfig(answerTo(tc.body), tc.cache)
			if diff := cmp.Diff(tc.want, got); err != nil || diff != "" {
				t.Error(err, diff)
			}
			if got.Bounded() != (tc.want.MaxCount > 0 || tc.want.MaxSize != "") {
				t.Error("bounded is not what the bounds say")
			}
		})
	}
}

func TestConfigurationsWithUnknownWordsAreErrors(t *testing.T) {
	backup := func(b string) string { return `{"s":{"distributed-cache":{"backups":{"b":{"backup":` + b + `}}}}}` }
	for _, body := range []string{
		`{}`, `[]`, `{"s":1}`, `{"s":{}}`, `{"s":{"mirrored-cache":{}}}`, `{"s":{"local-cache":{},"replicated-cache":{}}}`,
		`{"s":{"distributed-cache":{"owners":"two"}}}`, `{"s":{"distributed-cache":{"transaction":{"mode":"SOME"}}}}`,
		`{"s":{"distributed-cache":{"backups":{"b":{}}}}}`, `{"s":{"distributed-cache":{"backups":{"backup":[{"site":"b"}]}}}}`,
		`{"s":{"distributed-cache":{"backup-for":{"remote-cache":"x"}}}}`, `{"s":{"distributed-cache":{"statistics":"maybe"}}}`,
		backup(`{"strategy":"LATER"}`), backup(`{"failure-policy":"SHRUG"}`), backup(`{"timeout":"soon"}`), backup(`{"timeout":-1}`),
		backup(`{"state-transfer":{"mode":"SOMETIMES"}}`), backup(`{"state-transfer":{"chunk-size":"1.5"}}`), backup(`7`),
	} {
		var unexpected *UnexpectedAnswerError
		if _, err := parseConfig(answerTo(body), "s"); !errors.As(err, &unexpected) {
			t.Errorf("%s: got %v", body, err)
		}
	}
}

func TestPasswordsOfStoresAreNotInErrors(t *testing.T) {
	body := `{"s":{"distributed-cache":{"owners":"x","persistence":{"string-keyed-jdbc-store":{"password":"` + canary + `"}}}}}`
	c := newTestClient(t, &canned{replies: map[string]reply{"GET /rest/v2/caches/s?action=config": {200, body}}},
		func(o *Options) { o.Credentials = Credentials{} })
	if _, err := c.CacheConfig(t.Context(), "s"); err == nil || strings.Contains(err.Error(), canary) {
		t.Errorf("got %v", err)
	}
}

func TestTimesAreMillisecondsOrHaveAUnit(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"4500": 4500 * time.Millisecond, "15s": 15 * time.Second, "20m": 20 * time.Minute, "1.5h": 90 * time.Minute,
		"250ms": 250 * time.Millisecond, "1d": 24 * time.Hour, "0": 0, "2 S": 2 * time.Second,
	} {
		if got, err := parseTime(text); err != nil || got != want {
			t.Errorf("%q: %s, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "s", "-1", "1w", "1e3", "NaN", "0x1", "1.2.3", "99999999999999999999", "Inf"} {
		if got, err := parseTime(text); err == nil {
			t.Errorf("%q was read as %s", text, got)
		}
	}
}
