package report

import (
	"cmp"
	"slices"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/api"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// point is a number of entries from a moment on, in seconds since the start.
type point struct {
	at      float64
	entries int64
}

// series are the numbers of entries of one site over time.
type series []point

// of picks the numbers of one site.
func of(counts []api.ReportCount, role xsite.Role) series {
	var s series
	for _, c := range counts {
		if c.Site == string(role) {
			s = append(s, point{float64(c.AtSeconds), c.Entries})
		}
	}
	return s
}

// total adds up one site's numbers of all caches: at each moment, what was read of each cache last.
func total(caches []api.ReportCache, role xsite.Role) series {
	type reading struct {
		cache int
		point point
	}
	var readings []reading
	for i := range caches {
		for _, p := range of(caches[i].Entries, role) {
			readings = append(readings, reading{i, p})
		}
	}
	slices.SortStableFunc(readings, func(a, b reading) int { return cmp.Compare(a.point.at, b.point.at) })
	last := make([]int64, len(caches))
	var sum int64
	var s series
	for _, r := range readings {
		sum += r.point.entries - last[r.cache]
		last[r.cache] = r.point.entries
		if n := len(s); n > 0 && s[n-1].at == r.point.at {
			s[n-1].entries = sum
			continue
		}
		s = append(s, point{r.point.at, sum})
	}
	return s
}

// at is the number at a moment: what was read last before it, and false before anything was read.
func (s series) at(moment float64) (int64, bool) {
	n, known := int64(0), false
	for _, p := range s {
		if p.at > moment {
			break
		}
		n, known = p.entries, true
	}
	return n, known
}

// most is the largest number.
func (s series) most() int64 {
	var most int64
	for _, p := range s {
		most = max(most, p.entries)
	}
	return most
}
