package infinispan

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// recorded gives the bodies that real servers of all versions were recorded with, as seeds.
func recorded(f *testing.F) []string {
	f.Helper()
	files, err := filepath.Glob("../sim/testdata/contract/*.json")
	if err != nil || len(files) == 0 {
		f.Fatalf("no recorded answers: %v", err)
	}
	seen := map[string]bool{}
	var bodies []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		var record struct {
			Exchanges []struct {
				Answer struct {
					Body string `json:"body"`
				} `json:"answer"`
			} `json:"exchanges"`
		}
		if err := json.Unmarshal(text, &record); err != nil {
			f.Fatal(err)
		}
		for _, exchange := range record.Exchanges {
			if body := exchange.Answer.Body; !seen[body] {
				seen[body] = true
				bodies = append(bodies, body)
			}
		}
	}
	return bodies
}

// FuzzAnswers gives every parser every body: none may panic, and what is understood is made of known words only.
func FuzzAnswers(f *testing.F) {
	for _, body := range append(recorded(f), info15, health16, configSessions, configRepl, configLocal, configMetadata16, stats15, connections15) {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		a := answerTo(body)
		if flags, err := parseNodeFlags(a); err == nil {
			for node, flag := range flags {
				if flag != FlagOnline && flag != FlagOffline && flag != FlagFailed {
					t.Errorf("node %q: took %q for a flag", node, flag)
				}
			}
		}
		if states, err := parsePushStatus(a); err == nil {
			for site, state := range states {
				if !state.known() || !bytes.Contains([]byte(body), []byte(state)) {
					t.Errorf("site %q: took %q for a push status, which the body does not say", site, state)
				}
			}
		}
		if sites, err := parseBackupSites(a); err == nil {
			for site, status := range sites {
				if status != SiteOnline && status != SiteOffline && status != SiteMixed {
					t.Errorf("site %q: took %q for a status", site, status)
				}
			}
		}
		if mode, err := parseMode(a); err == nil && !mode.known() {
			t.Errorf("took %q for a mode", mode)
		}
		if size, err := parseSize(a); err == nil && size < 0 {
			t.Errorf("took %d for a size", size)
		}
		if info, err := parseInfo(a); err == nil && info.NodeName == "" {
			t.Error("a server without a name")
		}
		if health, err := parseHealth(a); err == nil && health.Cluster == "" {
			t.Error("a health without a word")
		}
		if connections, err := parseConnections(a); err == nil {
			for _, c := range connections {
				if c.RemoteAddress == "" {
					t.Error("a connection from nowhere")
				}
			}
		}
		if queues, err := parseQueues(a); err == nil {
			for cache, queue := range queues {
				if cache == "" || queue.Keys < 0 || queue.Tombstones < -1 {
					t.Errorf("cache %q: took %v for a queue", cache, queue)
				}
			}
		}
		_, _ = parseCacheNames(a)
		_, _ = parseStats(a)
		if config, err := parseConfig(a, "sessions"); err == nil {
			for site, backup := range config.Backups {
				if backup.Strategy != StrategySync && backup.Strategy != StrategyAsync || backup.Timeout < 0 || !backup.Mode.known() {
					t.Errorf("site %q: took %+v for a backup", site, backup)
				}
			}
		}
	})
}

// FuzzListings gives the stream of a listing any bytes, whole and cut: only what ends as an array ends without an error.
func FuzzListings(f *testing.F) {
	for _, body := range recorded(f) {
		f.Add([]byte(body), len(body)/2)
	}
	f.Add([]byte(`["a","b"]`), 4)
	f.Fuzz(func(t *testing.T, body []byte, cut int) {
		read := func(text []byte) (int, error) {
			elements := 0
			s := &stream{
				body: bytes.NewReader(text), limit: 1 << 16,
				wrap:       func(_ int64, err error) error { return err },
				unexpected: func(what string) error { return &UnexpectedAnswerError{What: what} },
			}
			err := s.run(func([]byte) error { elements++; return nil })
			return elements, err
		}
		whole, err := read(body)
		if err == nil && !json.Valid(body) {
			t.Errorf("took %q for a whole listing of %d", body, whole)
		}
		if cut < 0 || cut >= len(bytes.TrimSpace(body)) {
			return
		}
		if part, err := read(body[:cut]); err == nil && !json.Valid(body[:cut]) {
			t.Errorf("took the first %d bytes of %q for a whole listing of %d", cut, body, part)
		}
	})
}

// FuzzTimes: a time that is understood is none below zero.
func FuzzTimes(f *testing.F) {
	for _, text := range []string{"4500", "2s", "1m30s", "0", "-1", "9223372036854775807d"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if d, err := parseTime(text); err == nil && d < 0 && text[0] != '-' {
			t.Errorf("%q became %s", text, d)
		}
	})
}
