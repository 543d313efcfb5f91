package plugin

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestAFenceDoesNotWaitLongForThePrimaryAndNamesTheWayByHand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.silent = []string{"site-a"}
		var at time.Duration
		began := time.Now()
		r.err.seen = func(text string) {
			if strings.Contains(text, "waiting for") {
				at = time.Since(began)
			}
		}
		code := r.run("fence", "--primary-context", "site-a", "--confirm", "site-b")
		if took := time.Since(began); code != ExitRefused || took != firstAid {
			t.Errorf("exit code %d after %s", code, took)
		}
		if at != silentFor {
			t.Errorf("said after %s what is waited for", at)
		}
		for _, want := range []string{
			"waiting for the primary (context site-a) to answer",
			"next: if users wait, take the other site offline by hand",
			"site take-offline --all-caches --site=site-b (https://", "docs/runbook.md#" + withoutAPIServer,
			"check that kubectl can reach the primary",
			"error: connecting to the primary (context site-a): no answer within 10s\n",
			nothingChanged,
		} {
			if !strings.Contains(r.err.String(), want) {
				t.Errorf("does not say %q:\n%s", want, r.err)
			}
		}
	})
}

func TestTheWayByHandIsForAFenceAndNamesTheSiteThatIsKnown(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"a site that is named": {[]string{"--site", "site b"}, "--site='site b' ("},
		"none":                 {nil, "--site=SECONDARY; SECONDARY is the name of the other site ("},
		"the way back":         {[]string{"--lift"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.refuse["site-a"] = errors.New("connection refused")
			r.run(append([]string{"fence", "--primary-context", "site-a"}, c.args...)...)
			if text := r.err.String(); !strings.Contains(text, c.want) || strings.Contains(text, "by hand") != (c.want != "") {
				t.Errorf("says\n%s", text)
			}
		})
	}
}

func TestTheTimeInWhichACredentialPluginAsksIsNotThatOfConnecting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asks func(asking bool)
		ctx, stop := patiently(t.Context(), firstAid, func(f func(bool)) { asks = f })
		<-time.After(firstAid / 2)
		asks(true)
		<-time.After(time.Hour)
		asks(false)
		if ctx.Err() != nil {
			t.Fatal("the time of the question counts")
		}
		<-time.After(firstAid)
		if cause := context.Cause(ctx); !errors.Is(cause, context.DeadlineExceeded) || cause.Error() != "no answer within 10s" {
			t.Errorf("the cause is %v", cause)
		}
		stop()
		if asks != nil {
			t.Error("goes on to watch")
		}
	})
}

func TestASiteThatIsTriedAgainIsNotSaidAgainToBeSilent(t *testing.T) {
	flags := newSiteFlags("primary")
	if flags.silence() == nil || flags.silence() != nil {
		t.Error("is said again, or never")
	}
}

func TestTheRunbookHasTheSectionThatIsNamed(t *testing.T) {
	runbook, err := os.ReadFile(filepath.Join("..", "..", "docs", "runbook.md"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(runbook)) {
		title, isTitle := strings.CutPrefix(line, "## ")
		anchor := strings.ReplaceAll(strings.ReplaceAll(strings.ToLower(strings.TrimSpace(title)), ".", ""), " ", "-")
		if isTitle && anchor == withoutAPIServer {
			return
		}
	}
	t.Errorf("no section %s", withoutAPIServer)
}
