package plugin

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/api"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/compare"
)

// newDiffCommand makes the command that compares the contents of the two sites.
func newDiffCommand(deps Deps) *cobra.Command {
	own := pflag.NewFlagSet("diff", pflag.ContinueOnError)
	own.SortFlags = false
	caches := own.StringSlice("cache", nil, "Only this cache of the primary, repeatable; all that back up to the other site otherwise.")
	values := own.Bool("values", false, "Compare values as well as keys; every entry of both sites is read.")
	show := own.Int("show", 0, "Print up to so many keys of each kind of difference and cache. They are personal data, session ids among them.")
	return newSideCommand(deps, side{
		use:   "diff --primary-context NAME --secondary-context NAME",
		short: "Compare the contents of both sites key by key",
		long: `
			Compare the contents of both sites key by key: which keys are only on the primary, which only on the
			secondary, and with --values whose values differ. What comes or goes meanwhile is looked at again and
			is no difference.

			Nothing is changed. Keys and values are hashed as they pass and are not stored; keys are printed only
			with --show. All keys of both sites are listed, which takes about a second for 50,000 entries: for a look
			every minute there is status. The exit code is 0 when the contents are equal and 10 when they differ.`,
		example: `
			# Do both sites hold the same keys?
			kubectl ispn-resync diff --primary-context site-a --secondary-context site-b

			# Which sessions differ, and in their values too?
			kubectl ispn-resync diff --primary-context site-a --secondary-context site-b --cache sessions --values --show 5`,
		shared: []string{"verify-limit"}, own: own, lookOnly: true, writes: true,
		validate: func() error {
			if err := refuseNoName(own, "cache"); err != nil {
				return err
			}
			if *show < 0 {
				return usagef("--show %d is negative; 0 prints no keys", *show)
			}
			return nil
		},
		object: func(ctx context.Context, o *sideOptions) (api.Object, error) {
			o.engine.Caches = *caches
			report, err := o.deps.Diff(ctx, xsite.DiffOptions{Options: o.engine, Values: *values, Show: *show})
			if err != nil {
				return nil, err
			}
			return diffObject(report, o.pair.name()), nil
		},
		verdict: func(object api.Object) error {
			if d, ok := object.(*api.Diff); ok && !d.Equal {
				return &verdictError{ExitOutOfSync}
			}
			return nil
		},
	})
}

// diffObject publishes a comparison.
func diffObject(report xsite.DiffReport, name string) *api.Diff {
	d := &api.Diff{
		Header: api.NewHeader(api.KindDiff, name), Equal: report.Equal(), Primary: report.Primary, Secondary: report.Secondary,
		Caches: []api.DiffCache{}, TookSeconds: api.SecondsOf(report.Took),
	}
	for _, c := range report.Caches {
		one := api.DiffCache{
			Name: c.Name, SecondaryName: c.RemoteName, Equal: c.Found.Equal(), Compared: comparedAs(c.Found.Way), Why: string(c.Found.Why),
			PrimaryEntries: c.Found.PrimaryEntries, SecondaryEntries: c.Found.SecondaryEntries,
			OnlyPrimary: c.Found.MissingOnSecondary, OnlySecondary: c.Found.ExtraOnSecondary, DifferentValues: c.Found.Different,
			Moving: c.Found.Moving, Partial: c.Found.Partial,
		}
		for _, key := range c.Found.Shown {
			one.Keys = append(one.Keys, api.DiffKey{Difference: differenceOf(key.Kind), Key: key.Key})
		}
		d.Caches = append(d.Caches, one)
	}
	return d
}

// comparedAs names a way of comparing as the flags do.
func comparedAs(way compare.Way) string {
	if way == compare.WayEntryKeys {
		return string(xsite.VerifyKeys)
	}
	return string(way)
}

// differenceOf names a kind of difference.
func differenceOf(kind compare.Kind) string {
	switch kind {
	case compare.KindMissing:
		return "only-primary"
	case compare.KindExtra:
		return "only-secondary"
	case compare.KindDifferent:
		return "value-differs"
	default:
		return string(kind)
	}
}

// diffText shows what differs, cache by cache.
func diffText(d *api.Diff, v view) string {
	p, s := printable(d.Primary), printable(d.Secondary)
	var b strings.Builder
	if d.Equal {
		b.WriteString(coloured("EQUAL", green, v) + ": no difference found in " + plural(len(d.Caches), "cache") + ", in " +
			took(d.TookSeconds.Duration()) + "\n")
	} else {
		b.WriteString(coloured("DIFFERENT", red, v) + fmt.Sprintf(", found in %s\n", took(d.TookSeconds.Duration())))
	}
	columns := []column{
		{title: "CACHE"},
		{title: "ON " + p, right: true},
		{title: "ON " + s, right: true},
		{title: "ONLY " + p, right: true},
		{title: "ONLY " + s, right: true},
		{title: "VALUES", right: true},
	}
	if v.wide {
		columns = append(columns, column{title: "COMPARED BY"})
	}
	t := newTable(columns...)
	t.gap = 2
	var notes []string
	for _, c := range d.Caches {
		name := printable(c.Name)
		if c.SecondaryName != c.Name {
			name += " -> " + printable(c.SecondaryName)
		}
		onlyP, onlyS, differ := count(c.OnlyPrimary), count(c.OnlySecondary), "-"
		switch {
		case c.Compared == string(xsite.VerifySizes):
			onlyP, onlyS = "-", "-"
			notes = append(notes, printable(c.Name)+": only numbers of entries were compared, which does not prove equal contents"+becauseOf(c.Why))
		case c.Compared == string(xsite.VerifyEntries):
			differ = count(c.DifferentValues)
		case c.Why != "":
			notes = append(notes, printable(c.Name)+": only keys were compared"+becauseOf(c.Why))
		}
		if c.Partial {
			notes = append(notes, printable(c.Name)+": more differs than was counted")
		}
		if c.Moving > 0 {
			notes = append(notes, fmt.Sprintf("%s: %s came, went or changed meanwhile, which is no difference", printable(c.Name), plural(c.Moving, "key")))
		}
		cells := []string{name, count(c.PrimaryEntries), count(c.SecondaryEntries), onlyP, onlyS, differ}
		if v.wide {
			cells = append(cells, printable(c.Compared))
		}
		t.row(cells...)
	}
	b.WriteString("\n" + t.fit(v))
	for _, note := range notes {
		writeWrapped(&b, "  - ", note, v.width())
	}
	writeKeys(&b, d, v)
	return b.String()
}

// becauseOf says why a comparison was weaker than asked for.
func becauseOf(why string) string {
	switch why {
	case string(compare.ReasonLimit):
		return " (larger than --verify-limit)"
	case string(compare.ReasonNotListable):
		return " (a site cannot list more)"
	case "":
		return ""
	default:
		return " (" + printable(why) + ")"
	}
}

// writeKeys writes the keys that differ, where they were asked for.
func writeKeys(b *strings.Builder, d *api.Diff, v view) {
	for _, c := range d.Caches {
		last := ""
		for _, key := range c.Keys {
			if key.Difference != last {
				title := map[string]string{
					"only-primary": "only on " + printable(d.Primary), "only-secondary": "only on " + printable(d.Secondary), "value-differs": "values differ",
				}[key.Difference]
				b.WriteString("\n" + printable(c.Name) + ", " + title + ":\n")
				last = key.Difference
			}
			writeWrapped(b, "  ", printable(key.Key), v.width())
		}
	}
}
