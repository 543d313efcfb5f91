package plugin

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// goWords are what Go's parsers say.
func goWords() []string {
	return []string{"strconv", "parsing", "time:", "invalid argument", "invalid syntax", "invalid duration", "parse error", "non-quoted"}
}

// wantNoGoWords fails when a text for people has what Go's parsers say.
func wantNoGoWords(t *testing.T, text string) {
	t.Helper()
	for _, word := range goWords() {
		if strings.Contains(text, word) {
			t.Errorf("%q is shown:\n%s", word, text)
		}
	}
}

func TestAValueOfTheWrongKindIsAnsweredWithTheFormAndAnExample(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"a duration without its unit": {pair("--timeout", "5"), `--timeout "5" is not a duration: write a number and its unit (ms, s, m or h), e.g. --timeout 5s or --timeout 1m30s`},
		"a duration of a look":        {append([]string{"status", "--interval", "soon"}, pair()...), `--interval "soon" is not a duration: write a number and its unit (ms, s, m or h), e.g. --interval 30s`},
		"a duration of days":          {append([]string{"check", "--check-timeout=1d"}, pair()...), `--check-timeout "1d" is not a duration`},
		"a duration far too long":     {pair("--step-timeout", "99999999999999999999"), `--step-timeout "99999999999999999999" is not a duration`},
		"an empty duration":           {pair("--stall-timeout="), `--stall-timeout "" is not a duration`},
		"a duration of kubectl's":     {append([]string{"diff", "--secondary-request-timeout", "5x"}, pair()...), `--secondary-request-timeout "5x" is not a duration: write a number and its unit (ms, s, m or h), e.g. --secondary-request-timeout 30s`},
		"a number":                    {append([]string{"status", "--tolerance", "x"}, pair()...), `--tolerance "x" is not a number: write it in digits, with a point if need be, e.g. --tolerance 2.5`},
		"a number with a comma":       {append([]string{"status", "--tolerance", "2,5"}, pair()...), `--tolerance "2,5" is not a number: write it in digits, with a point`},
		"a number far too large":      {append([]string{"status", "--tolerance", "1e999"}, pair()...), `--tolerance "1e999" is a number far too large`},
		"not a number":                {append([]string{"status", "--tolerance", "NaN"}, pair()...), "--tolerance NaN is not a percentage: write a number from 0 to 100"},
		"a level":                     {[]string{"version", "-v", "x"}, `-v "x" is not a whole number: write it in digits, e.g. -v 3`},
		"a level that is a flag":      {[]string{"history", "-v", "--primary-context"}, `-v "--primary-context" is not a whole number`},
		"keys":                        {append([]string{"diff", "--show", "2.5"}, pair()...), `--show "2.5" is not a whole number`},
		"pushes":                      {pair("--max-pushes", "99999999999999999999"), `--max-pushes "99999999999999999999" is a number far too large: write a whole number, e.g. --max-pushes 3`},
		"a switch":                    {append([]string{"fence", "--lift=maybe"}, "--primary-context", "site-a"), `--lift "maybe" is neither true nor false: write --lift, or --lift=false`},
		"a list":                      {pair("--cache", `a"b`), `--cache "a\"b" is not a list: write names with commas between them, without quotation marks, e.g. --cache one,two`},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			if code := r.run(c.args...); code != ExitUsage {
				t.Errorf("exit code %d, want %d", code, ExitUsage)
			}
			if !strings.Contains(r.err.String(), "error: "+c.says) {
				t.Errorf("does not say %s:\n%s", c.says, r.err)
			}
			wantNoGoWords(t, r.err.String())
			if len(r.connected) != 0 || r.out.String() != "" {
				t.Errorf("%d sites were contacted, standard output: %s", len(r.connected), r.out)
			}
		})
	}
}

func TestNoFlagOfAnyCommandShowsWhatGosParsersSay(t *testing.T) {
	wrong := map[string]string{"duration": "5", "int": "x", "float64": "x", "bool": "maybe", "stringSlice": `a"b`}
	tried := map[string]int{}
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		words := strings.Fields(cmd.CommandPath())[2:] // without kubectl ispn-resync
		cmd.InheritedFlags()                           // which makes them flags of the command
		cmd.Flags().VisitAll(func(flag *pflag.Flag) {
			kind := flag.Value.Type()
			value, known := wrong[kind]
			switch {
			case !known && kind != "string" && kind != "stringArray": // which take every text
				t.Errorf("%s has a flag --%s of kind %s, which badValue does not know", cmd.CommandPath(), flag.Name, kind)
			case known:
				tried[kind]++
				r := newRig(t)
				if code := r.run(append(words, "--"+flag.Name+"="+value)...); code != ExitUsage || !strings.Contains(r.err.String(), "-"+flag.Name) {
					t.Errorf("%s --%s=%s: exit code %d, said %s", cmd.CommandPath(), flag.Name, value, code, r.err)
				}
				wantNoGoWords(t, r.err.String())
			}
		})
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
	}
	walk(NewCommand(Deps{}))
	for kind := range wrong {
		if tried[kind] == 0 {
			t.Errorf("no flag is of kind %s", kind)
		}
	}
}
