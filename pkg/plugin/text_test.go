package plugin

import (
	"strings"
	"testing"
	"time"
)

func TestNumbersAndDurationsReadAsPeopleWriteThem(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{count(0), "0"},
		{count(999), "999"},
		{count(1000), "1,000"},
		{count(int64(1234567)), "1,234,567"},
		{count(-1234), "-1,234"},
		{plural(1, "cache"), "1 cache"},
		{plural(8, "cache"), "8 caches"},
		{plural(0, "entry"), "0 entries"},
		{took(1250 * time.Millisecond), "1.2s"},
		{took(75 * time.Second), "1m15s"},
		{took(2 * time.Minute), "2m"},
		{took(3 * time.Hour), "3h"},
		{about(time.Second), "about 5s"},
		{about(93 * time.Second), "about 1m35s"},
		{about(37*time.Minute + 20*time.Second), "about 37m"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}

func TestPrintableSpellsOutWhatATerminalWouldObey(t *testing.T) {
	for in, want := range map[string]string{
		"site-a":      "site-a",
		"Größe 1":     "Größe 1",
		"a\x1b[31mb":  "a^[[31mb",
		"a\rb\nc\td":  `a\rb\nc d`,
		"a\u202eb":    `a\u202eb`,
		"a\u009bb\a":  `a\u009bb\u0007`,
		"bad\xffutf8": "bad\ufffdutf8",
	} {
		if got := printable(in); got != want {
			t.Errorf("printable(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestWrappingLosesNothing(t *testing.T) {
	const text = "one two https://a-very-long-name.example.org:6443/that/does/not/fit three"
	for columns := 5; columns < 40; columns++ {
		lines := wrap(text, columns)
		for _, line := range lines {
			if width(line) > columns {
				t.Fatalf("%d columns: %q is too wide", columns, line)
			}
		}
		if got, want := strings.ReplaceAll(strings.Join(lines, ""), " ", ""), strings.ReplaceAll(text, " ", ""); got != want {
			t.Fatalf("%d columns: %q became %q", columns, want, got)
		}
	}
}

func TestClippingShowsThatSomethingIsMissing(t *testing.T) {
	for _, c := range []struct {
		text    string
		columns int
		want    string
	}{{"abc", 3, "abc"}, {"abcd", 3, "ab~"}, {"abcd", 1, "a"}, {"abcd", 0, ""}} {
		if got := clip(c.text, c.columns); got != c.want {
			t.Errorf("clip(%q, %d) = %q, want %q", c.text, c.columns, got, c.want)
		}
	}
}

func TestTheNearestWordIsSuggestedAndNoneThatIsFar(t *testing.T) {
	candidates := []string{"check", "status", "diff", "version"}
	for word, want := range map[string]string{"statsu": "status", "versio": "version", "chekc": "check", "everything": ""} {
		if got, _ := nearest(word, candidates); got != want {
			t.Errorf("nearest(%q) = %q, want %q", word, got, want)
		}
	}
}
