package main

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestAScreenBecomesOneTextForEachLine(t *testing.T) {
	var out strings.Builder
	if err := run(strings.NewReader("$ kubectl <x>   \n\x1b[31mred & bold\x1b[39m plain\n\n\x1b[32mgreen\nstill\x1b[0m\n\x1b[1m\x1b[31mred\x1b[0m\x1b[39m\x1b[49m, \x1b[1;32mgood\x1b[0m\n\n"), &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`>$ kubectl &lt;x&gt;</text>`, `<tspan class="r">red &amp; bold</tspan> plain</text>`,
		`<tspan class="g">green</tspan></text>`, `<tspan class="g">still</tspan></text>`,
		`<tspan class="b r">red</tspan>, <tspan class="b g">good</tspan></text>`,
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s is not in\n%s", want, out.String())
		}
	}
	if n := strings.Count(out.String(), "<text "); n != 6 {
		t.Errorf("%d lines, want 6: blank ones at the end are dropped", n)
	}
	decoder := xml.NewDecoder(strings.NewReader(out.String()))
	for {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("no XML: %v", err)
		}
	}
}

func TestAnUnknownSequenceIsAnError(t *testing.T) {
	for _, screen := range []string{"\x1b[45mbackground", "\x1b[2Jcleared"} {
		if err := run(strings.NewReader(screen), io.Discard); err == nil || !strings.Contains(err.Error(), "line 1: unknown sequence") {
			t.Errorf("%q: %v", screen, err)
		}
	}
}
