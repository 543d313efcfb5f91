package plugin

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// cacheRow is one cache in the present phase.
type cacheRow struct {
	state xsite.CacheState
	since time.Time // the first report in this phase, from which the rate is reckoned
	first int64
	ended time.Time // zero while it goes on
}

// settled says whether nothing more is going on with the cache in this phase.
func (r *cacheRow) settled() bool {
	return slices.Contains([]string{"cleared", "pushed", "equal", "unequal", "failed"}, r.state.State)
}

// failed says whether the cache is in trouble.
func (r *cacheRow) failed() bool {
	return r.state.State == "failed" || r.state.State == "repeating"
}

// amount writes done and total.
func (r *cacheRow) amount() string {
	if r.state.Total > 0 {
		return count(r.state.Done) + "/" + count(r.state.Total)
	}
	return count(r.state.Done)
}

// rateAfter is how long a push must have gone on before its rate says anything.
const rateAfter = 500 * time.Millisecond

// rate is the number of entries a second since the first report of a push, 0 where there is none yet.
func (r *cacheRow) rate(now time.Time) int64 {
	if !r.ended.IsZero() {
		now = r.ended
	}
	lasted := now.Sub(r.since)
	if lasted < rateAfter || r.state.Done <= r.first {
		return 0
	}
	return int64(float64(r.state.Done-r.first) / lasted.Seconds())
}

// left is how long the rest takes at the present rate; false where that cannot be told or nothing is left.
func (r *cacheRow) left(now time.Time) (time.Duration, bool) {
	rate := r.rate(now)
	if r.settled() || rate == 0 || r.state.Done >= r.state.Total {
		return 0, false
	}
	return time.Duration(r.state.Total-r.state.Done) * time.Second / time.Duration(rate), true
}

// cell is a part of a cache's line. Where there is no room for all, those of the highest rank go first.
type cell struct {
	text string
	rank int
}

// line is the state of the cache in at most so many columns.
func (r *cacheRow) line(now time.Time, columns int) string {
	end := now
	if !r.ended.IsZero() {
		end = r.ended
	}
	cells := []cell{{pad(printable(r.state.State), len("comparing")), 0}}
	if r.state.Done > 0 || r.state.Total > 0 {
		cells = append(cells, cell{r.amount(), 2})
	}
	if r.state.Total > 0 {
		const whole = 100
		cells = append(cells, cell{fmt.Sprintf("%d%%", min(r.state.Done*whole/r.state.Total, whole)), 1})
	}
	if rate := r.rate(now); rate > 0 {
		cells = append(cells, cell{count(rate) + "/s", 5})
	}
	cells = append(cells, cell{took(end.Sub(r.since)), 4})
	if left, ok := r.left(now); ok {
		cells = append(cells, cell{about(left) + " left", 3})
	}
	if r.state.Attempt > 1 {
		cells = append(cells, cell{fmt.Sprintf("attempt %d", r.state.Attempt), 1})
	}
	return fitting(cells, columns)
}

// fitting joins cells, without those of the highest ranks where they do not fit.
func fitting(cells []cell, columns int) string {
	for {
		texts := make([]string, len(cells))
		last := 0
		for i, c := range cells {
			texts[i] = c.text
			if c.rank >= cells[last].rank {
				last = i
			}
		}
		text := strings.Join(texts, "  ")
		if width(text) <= columns || len(cells) == 1 {
			return text
		}
		cells = slices.Delete(cells, last, last+1)
	}
}
