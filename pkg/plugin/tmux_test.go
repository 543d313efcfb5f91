package plugin

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// showEnv makes the test's own program show a run on the terminal it is in, in the place of running tests.
const showEnv = "ISPN_RESYNC_SHOW"

// showQuestion is the value of showEnv for the question in the place of a run.
const showQuestion = "question"

// showRun is the program in the terminal: real streams, and a run that goes on by one event for each line that is typed.
func showRun() {
	streams := genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr}
	if os.Getenv(showEnv) == showQuestion {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt) //nolint:forbidigo // a program's own main
		defer stop()
		err := confirmation{in: os.Stdin, out: os.Stderr, interactive: true, view: view{columns: 80}}.ask(ctx, samplePlan())
		_, _ = os.Stdout.WriteString(err.Error() + "\n")
		return
	}
	p := newProgress(RealDeps(streams), false)
	cache := func(name, state string, done int64) xsite.Event {
		return xsite.Event{Kind: xsite.CacheProgress, Cache: xsite.CacheState{Cache: name, State: state, Done: done, Total: 10000, Attempt: 1}}
	}
	typed := bufio.NewScanner(os.Stdin)
	for _, e := range []xsite.Event{
		{Kind: xsite.PhaseStarted, Phase: xsite.PhasePush},
		{Kind: xsite.CheckWarned, Message: "the chunk size of 16 makes a push some four times slower than one of 512 would"},
		cache("sessions", "pushing", 0),
		cache("authenticationSessions", "pushing", 0),
		cache("sessions", "pushing", 2500),
		cache("authenticationSessions", "pushed", 10000),
		{Kind: xsite.PhaseEnded, Elapsed: time.Second},
	} {
		e.Time = time.Now()
		p.Observe(e)
		typed.Scan()
	}
	p.Close()
	_, _ = os.Stdout.WriteString("THE END\n")
	typed.Scan()
}

// terminal is a real terminal, in which the test's own program shows a run.
type terminal struct {
	t      *testing.T
	socket string
}

// newTerminal opens one of that size. The shell gets the program as $SHOW; it stays when the program has ended.
func newTerminal(t *testing.T, columns, lines int, command string, env ...string) *terminal {
	t.Helper()
	if _, err := exec.LookPath("tmux"); err != nil {
		t.Fatal("tmux is needed, a real terminal for tests: apt-get install tmux")
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	term := &terminal{t: t, socket: filepath.Join(t.TempDir(), "tmux")}
	args := []string{"-f", os.DevNull, "new-session", "-d", "-x", strconv.Itoa(columns), "-y", strconv.Itoa(lines)}
	for _, variable := range append([]string{showEnv + "=1", "SHOW=" + program, "NO_COLOR="}, env...) {
		args = append(args, "-e", variable)
	}
	term.tmux(append(args, "sh", "-c", "stty -echo; "+command+"; exec cat")...)
	t.Cleanup(func() { term.tmux("kill-server") })
	return term
}

// tmux gives a command to the terminal and returns its answer.
func (x *terminal) tmux(args ...string) string {
	x.t.Helper()
	out, err := exec.Command("tmux", append([]string{"-S", x.socket}, args...)...).CombinedOutput()
	if err != nil {
		x.t.Fatalf("tmux %s: %v: %s", args[0], err, out)
	}
	return string(out)
}

// screen gives what is seen, with what scrolled off above.
func (x *terminal) screen() string {
	return strings.TrimRight(x.tmux("capture-pane", "-p", "-S", "-100"), "\n") + "\n"
}

// pictures gives the heads of the pictures on a screen, which tell the time that the phase has taken.
func pictures(screen string) []string {
	return regexp.MustCompile(`push +[0-9.]+s`).FindAllString(screen, -1)
}

// shows waits until the screen has a text, and gives it.
func (x *terminal) shows(text string) string {
	x.t.Helper()
	return x.until(strconv.Quote(text), func(screen string) bool { return strings.Contains(screen, text) })
}

// until waits until the screen is as it should be, and gives it.
func (x *terminal) until(what string, is func(screen string) bool) string {
	x.t.Helper()
	ticks := time.NewTicker(20 * time.Millisecond)
	defer ticks.Stop()
	deadline := time.After(30 * time.Second)
	for {
		if screen := x.screen(); is(screen) {
			return screen
		}
		select {
		case <-deadline:
			x.t.Fatalf("never seen: %s on\n%s", what, x.screen())
		case <-ticks.C:
		}
	}
}

// next types a line, so that the run goes on.
func (x *terminal) next() { x.tmux("send-keys", "Enter") }

// toTheEnd lets the run go on to its end, and demands a screen without leftovers.
func (x *terminal) toTheEnd() string {
	x.t.Helper()
	for range 7 {
		x.next()
	}
	screen := x.shows("THE END")
	x.calm()
	return screen
}

// calm demands a cursor that is seen, at the beginning of a line, and no other screen than the usual one.
func (x *terminal) calm() {
	x.t.Helper()
	if got := x.tmux("display-message", "-p", "#{cursor_flag} #{cursor_x} #{alternate_on}"); got != "1 0 0\n" {
		x.t.Errorf("the cursor (seen, column, other screen) is left as %q", got)
	}
}

// interrupt is Ctrl-C.
func (x *terminal) interrupt() { x.tmux("send-keys", "C-c") }

// A second Ctrl-C ends the program at once, in the middle of a picture; the first at the question is no answer.
func TestCtrlCLeavesNothingBehindOnTheTerminal(t *testing.T) {
	t.Run("in the middle of a picture", func(t *testing.T) {
		x := newTerminal(t, 80, 24, "trap : INT; $SHOW; echo THE SHELL")
		for range 5 {
			x.next()
		}
		x.shows("pushed")
		x.interrupt()
		screen := x.shows("THE SHELL")
		x.calm()
		if n := len(pictures(screen)); n != 1 {
			t.Errorf("%d pictures are left:\n%s", n, screen)
		}
	})
	t.Run("at the question", func(t *testing.T) {
		x := newTerminal(t, 80, 60, "trap : INT; $SHOW; stty -a | grep -c -- ' icanon'; echo THE SHELL", showEnv+"="+showQuestion)
		x.shows("to go on:")
		x.interrupt()
		screen := x.shows("THE SHELL")
		x.calm()
		if !strings.Contains(screen, "to go on:\nnot confirmed") || !strings.Contains(screen, "\n1\nTHE SHELL") {
			t.Errorf("the answer to Ctrl-C stands elsewhere, or the terminal is left in another mode:\n%s", screen)
		}
	})
}

func TestInARealTerminalProgressIsDrawnInPlace(t *testing.T) {
	for name, c := range map[string]struct {
		columns int
		// during and after are what must be seen; never what must not stay.
		during, after []string
		never         []string
	}{
		"80 columns": {
			80,
			[]string{"sessions", "2,500/10,000  25%", "authenticationSessions  pushed     10,000/10,000  100%"},
			[]string{"push       WARNING: the chunk size of 16 makes", "push       done in 1.0s\nTHE END\n"},
			[]string{"25%", "pushed"},
		},
		"40 columns": {
			40,
			[]string{"sessions", "25%", "authenticationSessi~  pushed     100%"},
			[]string{"push       WARNING: the chunk size of\n           16 makes a push some four\n", "push       done in 1.0s\nTHE END\n"},
			[]string{"25%", "pushed"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			x := newTerminal(t, c.columns, 24, "$SHOW")
			for range 5 {
				x.next()
			}
			screen := x.shows("pushed")
			for _, text := range c.during {
				if !strings.Contains(screen, text) {
					t.Errorf("not seen during the push: %q on\n%s", text, screen)
				}
			}
			if n := strings.Count(screen, "sessions "); n != 1 {
				t.Errorf("%d lines of one cache:\n%s", n, screen)
			}
			screen = x.toTheEnd()
			for _, text := range c.after {
				if !strings.Contains(screen, text) {
					t.Errorf("not seen at the end: %q on\n%s", text, screen)
				}
			}
			for _, text := range c.never {
				if strings.Contains(screen, text) {
					t.Errorf("left over: %q on\n%s", text, screen)
				}
			}
		})
	}
}

// A terminal breaks the lines on it a moment before a program can know its new size, so that a picture drawn in between
// may leave one behind it. It must stay at that.
func TestATerminalThatChangesItsSizeIsDrawnOnAnew(t *testing.T) {
	x := newTerminal(t, 100, 24, "$SHOW")
	for range 5 {
		x.next()
	}
	x.shows("pushed")
	narrowed := 0
	for _, columns := range []string{"44", "70", "30", "120"} {
		if len(columns) == 2 && columns != "70" {
			narrowed++
		}
		before := pictures(x.screen())
		x.tmux("resize-window", "-x", columns)
		for range 5 {
			after := pictures(x.until("drawn anew at "+columns+" columns", func(screen string) bool {
				now := pictures(screen)
				return len(now) > 0 && now[len(now)-1] != before[len(before)-1]
			}))
			if len(after) > 1+narrowed {
				t.Fatalf("%d pictures after %d times narrower:\n%s", len(after), narrowed, x.screen())
			}
			before = after
		}
	}
	screen := x.toTheEnd()
	if n := strings.Count(screen, "WARNING: the chunk"); n != 1 {
		t.Errorf("the lines that stay are there %d times:\n%s", n, screen)
	}
}

func TestWhereNothingCanBeDrawnThereAreLines(t *testing.T) {
	for name, c := range map[string]struct {
		command string
		env     []string
	}{
		"TERM=dumb": {command: "TERM=dumb $SHOW"},
		"a pipe":    {command: "$SHOW 2>&1 | cat"},
		"a log":     {command: "$SHOW 2>\"$LOG\"; cat \"$LOG\"", env: []string{"LOG=" + filepath.Join(t.TempDir(), "log")}},
	} {
		t.Run(name, func(t *testing.T) {
			x := newTerminal(t, 100, 24, c.command, c.env...)
			for range 8 {
				x.next()
			}
			screen := x.shows("done in 1.0s")
			for _, text := range []string{"Z push      WARNING: the chunk size", "Z push      sessions: pushing, 0/10,000", "Z push      authenticationSessions: pushed"} {
				if !strings.Contains(screen, text) {
					t.Errorf("not seen: %q on\n%s", text, screen)
				}
			}
		})
	}
}

func TestColoursAreSentOnlyWhereTheyAreWanted(t *testing.T) {
	for name, c := range map[string]struct {
		env    string
		colour bool
	}{
		"wanted":   {"NO_COLOR=", true},
		"NO_COLOR": {"NO_COLOR=1", false},
	} {
		t.Run(name, func(t *testing.T) {
			x := newTerminal(t, 100, 24, "$SHOW", c.env)
			x.next()
			x.next()
			x.shows("WARNING")
			if got := strings.Contains(x.tmux("capture-pane", "-p", "-e"), "\x1b[31m"); got != c.colour {
				t.Errorf("red is there: %t, want %t", got, c.colour)
			}
		})
	}
}
