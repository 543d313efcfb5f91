package plugin

import (
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

func TestTheHelp(t *testing.T) {
	for name, args := range map[string][]string{"help": {"--help"}, "help_version": {"version", "--help"}} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			if code := r.run(args...); code != ExitDone {
				t.Fatalf("exit code %d: %s", code, r.err)
			}
			golden(t, name, r.out.String())
		})
	}
}

func TestEveryFlagOfTheProcedureIsInItsHelp(t *testing.T) {
	r := newRig(t)
	r.run("--help")
	help := r.out.String()
	cmd := NewCommand(Deps{})
	cmd.Flags().VisitAll(func(flag *pflag.Flag) {
		name, isSecondary := strings.CutPrefix(flag.Name, "secondary-")
		if isSecondary {
			name = "primary-" + name // stands for both
		}
		if !flag.Hidden && flag.Name != "help" && !strings.Contains(help, "--"+name+"=") {
			t.Errorf("--%s is not explained", flag.Name)
		}
	})
}

func TestTheHelpOfACheckSpeaksOfNoQuestionAndNoChange(t *testing.T) {
	r := newRig(t)
	r.run("check", "--help")
	for _, word := range []string{"confirm", "question", "End pushes"} {
		if strings.Contains(r.out.String(), word) {
			t.Errorf("%q is in the help:\n%s", word, r.out)
		}
	}
}

func TestNoLineOfTheHelpIsTooWide(t *testing.T) {
	r := newRig(t)
	r.run("--help")
	for line := range strings.Lines(r.out.String()) {
		if width(line) > 110 {
			t.Errorf("%d columns: %s", width(line), line)
		}
	}
}

func TestHelpTakesWhatTheCommandTakes(t *testing.T) {
	r, phase := newRig(t), newRig(t)
	r.run("help", "phase")
	if code := phase.run("help", "phase", "clear"); code != ExitDone || phase.out.String() != r.out.String() {
		t.Errorf("exit code %d\n%s%s", code, phase.out, phase.err)
	}
}

func TestEveryCommandIsListedOnceInTheHelp(t *testing.T) {
	r := newRig(t)
	r.run("--help")
	for _, sub := range NewCommand(Deps{}).Commands() {
		if n := strings.Count(r.out.String(), sub.Short+"\n"); sub.IsAvailableCommand() && n != 1 {
			t.Errorf("%s is listed %d times", sub.Name(), n)
		}
	}
}

func TestNoHeadingOfTheHelpIsEmpty(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"help", "--help"}, {"completion", "--help"}, {"history", "--help"}, {"version", "--help"}} {
		r := newRig(t)
		if code := r.run(args...); code != ExitDone || strings.Contains(r.out.String(), ":\n\n") || strings.HasPrefix(r.out.String(), "\n") {
			t.Errorf("%v: exit code %d\n%s", args, code, r.out)
		}
	}
}
