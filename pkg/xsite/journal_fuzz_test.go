package xsite

import (
	"encoding/json"
	"testing"
)

// FuzzJournal: a record that is understood says the same when it was written and read again, and one of another schema is
// never understood.
func FuzzJournal(f *testing.F) {
	for _, text := range []string{
		`{"schema":1,"runID":"1f2e3d4c","siteRole":"secondary","phase":"clear","cleared":true,"caches":{"sessions":{"secondaryHoldsPrimary":"online"}}}`,
		`{"schema":2,"runID":"1f2e3d4c","siteRole":"secondary"}`, `{`, `[]`, `null`, `{"schema":1}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		record, err := parseRecord(StoredJournal{ID: "x", Record: text})
		if err != nil {
			return
		}
		if record.Schema != journalSchema || record.RunID == "" {
			t.Fatalf("understood %q as %+v", text, record)
		}
		written, err := json.Marshal(record)
		if err != nil {
			t.Fatal(err)
		}
		again, err := parseRecord(StoredJournal{ID: "x", Record: written})
		if err != nil || again.RunID != record.RunID || again.Cleared != record.Cleared || again.Verified != record.Verified || again.Closed != record.Closed {
			t.Errorf("%+v became %+v (%v)", record, again, err)
		}
	})
}
