package plugin

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// script is a short run as the engine reports it; the waits happen in the test's bubble, where they take no time.
func script(o xsite.Observer) {
	send := func(e xsite.Event) {
		e.Time = time.Now()
		o.Observe(e)
	}
	cache := func(name, state string, done, total int64, attempt int) {
		send(xsite.Event{Kind: xsite.CacheProgress, Phase: xsite.PhasePush, Cache: xsite.CacheState{
			Cache: name, State: state, Done: done, Total: total, Attempt: attempt,
		}})
	}
	pass := func(d time.Duration) { <-time.After(d) }

	send(xsite.Event{Kind: xsite.PhaseStarted, Phase: xsite.PhasePreflight})
	send(xsite.Event{Kind: xsite.CheckPassed, Phase: xsite.PhasePreflight, Message: "the sites see each other"})
	send(xsite.Event{Kind: xsite.CheckWarned, Phase: xsite.PhasePreflight, Role: xsite.Primary, Message: "chunk size 16 \x1b[2Jis small"})
	pass(1200 * time.Millisecond)
	send(xsite.Event{Kind: xsite.PhaseEnded, Phase: xsite.PhasePreflight, Elapsed: 1200 * time.Millisecond})

	send(xsite.Event{Kind: xsite.PhaseStarted, Phase: xsite.PhaseStop})
	send(xsite.Event{Kind: xsite.Changed, Phase: xsite.PhaseStop, Role: xsite.Secondary, Message: "keycloak/keycloak set to 0"})
	for range 85 {
		send(xsite.Event{Kind: xsite.Waiting, Phase: xsite.PhaseStop, Role: xsite.Secondary, Message: "2 pods to be gone"})
		pass(time.Second)
	}
	send(xsite.Event{Kind: xsite.PhaseEnded, Phase: xsite.PhaseStop, Elapsed: 85 * time.Second})

	send(xsite.Event{Kind: xsite.PhaseStarted, Phase: xsite.PhasePush})
	cache("work", "queued", 0, 0, 1)
	cache("sessions", "pushing", 0, 10000, 1)
	pass(2 * time.Second)
	cache("sessions", "pushing", 5000, 10000, 1)
	cache("sessions", "pushed", 10000, 10000, 1)
	cache("work", "repeating", 0, 0, 2)
	send(xsite.Event{Kind: xsite.Noted, Phase: xsite.PhasePush, Message: "work is pushed again"})
	send(xsite.Event{Kind: xsite.PhaseEnded, Phase: xsite.PhasePush, Elapsed: 2 * time.Second, Err: errors.New("the link broke")})
}

func TestOffATerminalEveryChangeIsOneTimestampedLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out buffer
		l := newLines(&out)
		script(l)
		l.Close()
		golden(t, "lines", out.String())
	})
}

func TestASilentRunSaysEveryHalfMinuteThatItGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out buffer
		l := newLines(&out)
		<-time.After(time.Minute)
		if out.String() != "" {
			t.Errorf("told before anything began: %s", out.String())
		}
		l.Observe(xsite.Event{Kind: xsite.PhaseStarted, Phase: xsite.PhaseVerify, Time: time.Now()})
		<-time.After(95 * time.Second)
		synctest.Wait()
		if got := strings.Count(out.String(), "going on: "); got != 3 {
			t.Errorf("%d heartbeats in 95 s:\n%s", got, out.String())
		}
		l.Pause()
		before := out.String()
		<-time.After(time.Hour)
		if out.String() != before {
			t.Error("it wrote into the question")
		}
		l.Resume()
		<-time.After(31 * time.Second)
		synctest.Wait()
		if out.String() == before {
			t.Error("it did not go on after the question")
		}
		l.Close()
		l.Close()
	})
}

func TestOnATerminalThePhaseIsDrawnInPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out buffer
		l := newLive(&out, screen{live: true, size: func() (int, int) { return 60, 24 }})
		script(l)
		l.Close()
		golden(t, "live", screenAfter(t, out.String()))
		if strings.Contains(out.String(), "\x1b[?25l") {
			t.Error("the cursor is hidden")
		}
	})
}

func TestThePictureFitsTheScreen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out buffer
		l := newLive(&out, screen{live: true, size: func() (int, int) { return 30, 6 }})
		defer l.Close()
		l.Observe(xsite.Event{Kind: xsite.PhaseStarted, Phase: xsite.PhasePush, Time: time.Now()})
		for _, name := range []string{"a", "b", "c", "d", "e", "f", "a-cache-with-a-very-long-name-indeed"} {
			l.Observe(xsite.Event{Kind: xsite.CacheProgress, Phase: xsite.PhasePush, Time: time.Now(), Cache: xsite.CacheState{
				Cache: name, State: "pushing", Done: 5, Total: 10, Attempt: 1,
			}})
		}
		<-time.After(3 * time.Second)
		synctest.Wait()
		l.mu.Lock()
		picture := l.picture(time.Now())
		l.mu.Unlock()
		if len(picture) != 5 || picture[4] != "  and 4 more" {
			t.Errorf("%d lines on a screen of 6: %q", len(picture), picture)
		}
		for _, line := range picture {
			if width(line) > 29 {
				t.Errorf("%q is too wide for 30 columns", line)
			}
		}
	})
}

func TestTheRateIsReckonedFromTheBeginningOfThePush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b board
		report := func(state string, done int64) {
			b.apply(xsite.Event{Kind: xsite.CacheProgress, Time: time.Now(), Cache: xsite.CacheState{Cache: "c", State: state, Done: done, Total: 4000, Attempt: 1}})
		}
		report("queued", 0)
		<-time.After(time.Minute)
		report("pushing", 1000)
		<-time.After(2 * time.Second)
		report("pushing", 3000)
		if got, want := b.caches["c"].line(time.Now(), 80), "pushing    3,000/4,000  75%  1,000/s  2.0s  about 5s left"; got != want {
			t.Errorf("%q, want %q", got, want)
		}
		report("pushed", 4000)
		<-time.After(time.Hour)
		if got, want := b.caches["c"].line(time.Now(), 80), "pushed     4,000/4,000  100%  1,500/s  2.0s"; got != want {
			t.Errorf("a push that is over goes on counting: %q, want %q", got, want)
		}
	})
}

func TestTheStreamDecidesHowProgressIsShown(t *testing.T) {
	for name, c := range map[string]struct {
		terminal, logging bool
		env               map[string]string
		live, colour      bool
	}{
		"terminal":        {terminal: true, live: true, colour: true},
		"file":            {},
		"TERM=dumb":       {terminal: true, env: map[string]string{"TERM": "dumb"}},
		"NO_COLOR":        {terminal: true, env: map[string]string{"NO_COLOR": "1"}, live: true},
		"empty NO_COLOR":  {terminal: true, env: map[string]string{"NO_COLOR": ""}, live: true, colour: true},
		"with a log":      {terminal: true, logging: true, colour: true},
		"file, colourful": {env: map[string]string{"TERM": "xterm-256color"}},
	} {
		t.Run(name, func(t *testing.T) {
			out := &buffer{}
			deps := Deps{
				Streams:   genericiooptions.IOStreams{ErrOut: out},
				LookupEnv: func(name string) (string, bool) { v, ok := c.env[name]; return v, ok },
			}
			terminal := fakeTerminal{columns: 80, lines: 24}
			if c.terminal {
				terminal.streams = []any{out}
			}
			deps.Terminal = terminal
			p := newProgress(deps, c.logging)
			p.Close()
			if _, isLive := p.(*live); isLive != c.live {
				t.Errorf("drawn in place: %t, want %t", isLive, c.live)
			}
			if got := screenOf(deps, out).colour; got != c.colour {
				t.Errorf("colour: %t, want %t", got, c.colour)
			}
		})
	}
}

// screenAfter gives what a terminal shows after the output: it knows the only sequence that the renderer uses, up by N
// lines and delete them.
func screenAfter(t *testing.T, output string) string {
	t.Helper()
	up := regexp.MustCompile(`^\x1b\[(\d+)A\r\x1b\[(\d+)M`)
	var rows []string
	for output != "" {
		if m := up.FindStringSubmatch(output); m != nil {
			n, err := strconv.Atoi(m[1])
			if err != nil || n > len(rows) || m[1] != m[2] {
				t.Fatalf("%q with %d lines", m[0], len(rows))
			}
			rows = rows[:len(rows)-n]
			output = output[len(m[0]):]
			continue
		}
		line, rest, ended := strings.Cut(output, "\n")
		if !ended || strings.ContainsAny(line, "\x1b\r") {
			t.Fatalf("a line does not end, or moves the cursor in a way unknown: %q", line)
		}
		rows = append(rows, line)
		output = rest
	}
	return strings.Join(rows, "\n") + "\n"
}

// counting is a progress that counts.
type counting struct {
	progress

	pauses, resumes int
}

func (c *counting) Pause()  { c.pauses++ }
func (c *counting) Resume() { c.resumes++ }

func TestProgressGoesOnAfterTheLastOfSeveralPauses(t *testing.T) {
	c := &counting{}
	m := &manyPauses{progress: c}
	m.Pause() // the question of this program
	m.Pause() // a credential plugin's
	m.Resume()
	if c.pauses != 1 || c.resumes != 0 {
		t.Errorf("%d pauses and %d resumes while a question stands", c.pauses, c.resumes)
	}
	m.Resume()
	if c.resumes != 1 {
		t.Errorf("%d resumes in the end", c.resumes)
	}
}
