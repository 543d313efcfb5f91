package plugin

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// board is what is known of a run from its events.
type board struct {
	phase   xsite.Phase
	running bool
	since   time.Time
	waiting string
	caches  map[string]*cacheRow
}

// note is a line for the record, which stays.
type note struct {
	text string
	// detail marks what a live screen shows in place and need not repeat as a line.
	detail bool
	// tone is "", "good" or "bad".
	tone string
}

// apply takes an event in, and gives what is to be told of it.
func (b *board) apply(e xsite.Event) []note {
	text := printable(e.Message)
	if e.Role != "" {
		text = string(e.Role) + ": " + text
	}
	switch e.Kind {
	case xsite.PhaseStarted:
		*b = board{phase: e.Phase, running: true, since: e.Time, caches: map[string]*cacheRow{}}
		return []note{{text: "started", detail: true}}
	case xsite.PhaseEnded:
		b.running = false
		if e.Err != nil {
			return []note{{text: "failed after " + took(e.Elapsed), tone: "bad"}}
		}
		return []note{{text: "done in " + took(e.Elapsed), tone: "good"}}
	case xsite.CheckPassed:
		return []note{{text: "ok: " + text}}
	case xsite.CheckWarned:
		return []note{{text: "WARNING: " + text, tone: "bad"}}
	case xsite.CacheProgress:
		return b.applyCache(e)
	case xsite.Waiting:
		if b.waiting == text {
			return nil
		}
		b.waiting = text
		return []note{{text: "waiting: " + text, detail: true}}
	case xsite.Noted:
		return []note{{text: "note: " + text}}
	case xsite.Planned: // shown with the question, or as the result of a dry run
		return nil
	case xsite.Changed:
		b.waiting = ""
		return []note{{text: text}}
	default:
		return []note{{text: string(e.Kind) + ": " + text}}
	}
}

// applyCache takes the state of a cache in; only a change of state is told.
func (b *board) applyCache(e xsite.Event) []note {
	if b.caches == nil {
		b.caches = map[string]*cacheRow{}
	}
	row, known := b.caches[e.Cache.Cache]
	if !known || row.state.Attempt != e.Cache.Attempt {
		row = &cacheRow{since: e.Time, first: e.Cache.Done}
		b.caches[e.Cache.Cache] = row
	}
	changed := row.state.State != e.Cache.State
	if changed && e.Cache.State == "pushing" {
		row.since, row.first = e.Time, e.Cache.Done
	}
	row.state = e.Cache
	row.ended = time.Time{}
	if row.settled() {
		row.ended = e.Time
	}
	if !changed {
		return nil
	}
	text := printable(e.Cache.Cache) + ": " + printable(e.Cache.State)
	if e.Cache.Done > 0 || e.Cache.Total > 0 {
		text += ", " + row.amount()
	}
	if e.Cache.Attempt > 1 {
		text += fmt.Sprintf(" (attempt %d)", e.Cache.Attempt)
	}
	return []note{{text: text, detail: !row.failed()}}
}

// names gives the caches in order.
func (b *board) names() []string {
	names := make([]string, 0, len(b.caches))
	for name := range b.caches {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// headline is the present phase in one line: how long, how many caches and entries, what is waited for.
func (b *board) headline(now time.Time) string {
	parts := []string{took(now.Sub(b.since))}
	var done int
	var entries, total int64
	var longest time.Duration
	for _, row := range b.caches {
		if row.settled() {
			done++
		}
		if left, ok := row.left(now); ok {
			longest = max(longest, left)
		}
		entries += row.state.Done
		total += row.state.Total
	}
	if len(b.caches) > 0 {
		parts = append(parts, fmt.Sprintf("%d of %s", done, plural(len(b.caches), "cache")))
	}
	if total > 0 {
		parts = append(parts, count(entries)+" of "+plural(total, "entry"))
	}
	if longest > 0 {
		parts = append(parts, about(longest)+" left")
	}
	if b.waiting != "" {
		parts = append(parts, "waiting: "+b.waiting)
	}
	return strings.Join(parts, ", ")
}
