package report

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/api"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/legible"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// A picture is drawn in units of a square of this size, which the page stretches to the room there is. Words stand beside
// it as text of the page, so that they stay legible on a telephone.
const side = 1000

// chart is a picture of entries over time at both sites.
type chart struct {
	Primary, Secondary, Area string
	Bands                    []band
	// Y and X are what stands beside the axes.
	Y, X []tick
	Says string
}

// band is the time of a phase behind the lines.
type band struct {
	Name string
	// X and Width are in units of the picture, Left is X in percent.
	X, Width int
	Left     float64
	// Named says whether there is room for its name, NamedOnSmall whether there is on the screen of a phone.
	Named, NamedOnSmall bool
}

// tick is a word at a place of an axis, in percent from the left or from the bottom.
type tick struct {
	At   float64
	Text string
}

// chartOf draws all caches together.
func chartOf(r api.Report, v view) *chart {
	primary, secondary := total(r.Caches, xsite.Primary), total(r.Caches, xsite.Secondary)
	if len(secondary) < 2 {
		return nil
	}
	end := endOf(r)
	top := niceTop(max(primary.most(), secondary.most()))
	c := &chart{
		Primary: line(primary, end, top), Secondary: line(secondary, end, top),
		Says: fmt.Sprintf("Entries over time: %s from %s to %s, %s from %s to %s.",
			v.PrimaryName, legible.Count(primary[0].entries), legible.Count(primary[len(primary)-1].entries),
			v.SecondaryName, legible.Count(secondary[0].entries), legible.Count(secondary[len(secondary)-1].entries)),
	}
	c.Area = area(secondary, end, top)
	for i := range v.Phases {
		p := &v.Phases[i]
		if p.length <= 0 || betweenPhases(p.Name) {
			continue
		}
		const roomForName, roomOnSmall = 9.0, 18.0 // percent
		b := band{Name: p.Name, X: scaled(p.begin, end), Width: scaled(p.length, end), Left: p.begin / end * 100}
		b.Named, b.NamedOnSmall = p.length/end*100 >= roomForName, p.length/end*100 >= roomOnSmall
		c.Bands = append(c.Bands, b)
	}
	const steps = 4
	for i := range steps + 1 {
		c.Y = append(c.Y, tick{At: float64(i) * 100 / steps, Text: legible.Count(top * int64(i) / steps)})
		c.X = append(c.X, tick{At: float64(i) * 100 / steps, Text: legible.Took(api.Seconds(end * float64(i) / steps).Duration())})
	}
	return c
}

// spark is the picture of one cache: two small lines.
type spark struct{ Primary, Secondary, Says string }

// sparkOf draws one cache.
func sparkOf(r api.Report, c *api.ReportCache, v view) spark {
	primary, secondary := of(c.Entries, xsite.Primary), of(c.Entries, xsite.Secondary)
	if len(secondary) < 2 {
		return spark{}
	}
	top := max(primary.most(), secondary.most(), 1)
	texts := func(s series) string {
		var all []string
		for _, p := range s {
			if text := legible.Count(p.entries); len(all) == 0 || all[len(all)-1] != text {
				all = append(all, text)
			}
		}
		const most = 8
		if len(all) > most {
			all = slices.Concat(all[:most/2], []string{"..."}, all[len(all)-most/2:])
		}
		return strings.Join(all, ", ")
	}
	return spark{
		Primary: line(primary, endOf(r), top), Secondary: line(secondary, endOf(r), top),
		Says: v.PrimaryName + ": " + texts(primary) + "; " + v.SecondaryName + ": " + texts(secondary),
	}
}

// endOf is the last moment of the pictures, in seconds.
func endOf(r api.Report) float64 { return max(float64(r.TookSeconds), 0.001) }

// line is the path of a line that holds each number until the next was read.
func line(s series, end float64, top int64) string {
	if len(s) == 0 {
		return ""
	}
	var b strings.Builder
	for i, p := range s {
		x, y := scaled(p.at, end), height(p.entries, top)
		if i == 0 {
			fmt.Fprintf(&b, "M%d %d", x, y)
			continue
		}
		fmt.Fprintf(&b, "H%dV%d", x, y)
	}
	fmt.Fprintf(&b, "H%d", side)
	return b.String()
}

// area is the path around what lies below a line.
func area(s series, end float64, top int64) string {
	if len(s) == 0 {
		return ""
	}
	return fmt.Sprintf("%sV%dH%dZ", line(s, end, top), side, scaled(s[0].at, end))
}

// scaled brings a moment into the picture.
func scaled(at, end float64) int {
	return int(math.Round(min(max(at/end, 0), 1) * side))
}

// height brings a number into the picture, whose top is 0.
func height(n, top int64) int {
	return side - int(math.Round(float64(n)/float64(top)*side))
}

// niceTop is the next number at or above whose quarters people like on an axis, at least 4.
func niceTop(n int64) int64 {
	for power := int64(1); ; power *= 10 {
		for _, step := range []int64{4, 8, 12, 16, 20, 24, 32, 40, 48, 60} {
			if top := step * power; top >= n {
				return top
			}
		}
	}
}
