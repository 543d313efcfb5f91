package sim_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestEveryFactIsInTheTable keeps docs/simulator.md complete: every V-number of docs/facts.md has its row, what is
// simulated is shown by something, and what is not has a reason.
func TestEveryFactIsInTheTable(t *testing.T) {
	facts, err := os.ReadFile("../../../docs/facts.md")
	if err != nil {
		t.Fatal(err)
	}
	table, err := os.ReadFile("../../../docs/simulator.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string][]string{}
	for line := range strings.Lines(string(table)) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) < 6 || !strings.HasPrefix(cells[1], " [V") {
			continue
		}
		name, _, _ := strings.Cut(strings.TrimPrefix(cells[1], " ["), "]")
		rows[name] = cells
		if want := fmt.Sprintf(" [%s](facts.md#%s) ", name, strings.ToLower(name)); cells[1] != want {
			t.Errorf("row %q should begin with %q", cells[1], want)
		}
		simulated, shown, remark := strings.TrimSpace(cells[2]), strings.TrimSpace(cells[3]), strings.TrimSpace(cells[4])
		switch {
		case simulated != "yes" && simulated != "in part" && simulated != "no":
			t.Errorf("%s is simulated: %q", name, simulated)
		case simulated == "yes" && shown == "":
			t.Errorf("%s is simulated, and nothing shows it", name)
		case simulated != "yes" && remark == "":
			t.Errorf("%s is not simulated, or in part, without a reason", name)
		}
	}
	for _, id := range regexp.MustCompile(`<a id="v(\d+a?)">`).FindAllStringSubmatch(string(facts), -1) {
		if rows["V"+id[1]] == nil {
			t.Errorf("V%s of docs/facts.md has no row in docs/simulator.md", id[1])
		}
	}
}

// TestTestsNameTheFactsThatTheyShow holds the word "test" of the table to its word: some test of this package names the
// fact.
func TestTestsNameTheFactsThatTheyShow(t *testing.T) {
	table, err := os.ReadFile("../../../docs/simulator.md")
	if err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	var tests strings.Builder
	for _, f := range files {
		if strings.HasSuffix(f.Name(), "_test.go") {
			text, err := os.ReadFile(f.Name())
			if err != nil {
				t.Fatal(err)
			}
			tests.Write(text)
		}
	}
	named := map[string]bool{}
	for _, comment := range regexp.MustCompile(`(?m)^func Test\w+\(t \*testing\.T\) \{ // (.*)$`).FindAllStringSubmatch(tests.String(), -1) {
		for _, span := range regexp.MustCompile(`V(\d+)(a?)(?: to V(\d+))?`).FindAllStringSubmatch(comment[1], -1) {
			var from, to int
			_, _ = fmt.Sscan(span[1], &from)
			to = from
			if span[3] != "" {
				_, _ = fmt.Sscan(span[3], &to)
			}
			for n := from; n <= to; n++ {
				named[fmt.Sprintf("V%d%s", n, span[2])] = true
			}
		}
	}
	for _, row := range regexp.MustCompile(`(?m)^\| \[(V\d+a?)\].*\| (?:yes|in part|no) \| ([^|]*) \|`).FindAllStringSubmatch(string(table), -1) {
		if strings.Contains(row[2], "test") && !named[row[1]] {
			t.Errorf("%s is said to be shown by a test, and none names it", row[1])
		}
	}
}
