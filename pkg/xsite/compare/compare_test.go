package compare

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

func numbered(n int) contents {
	c := contents{}
	for i := range n {
		c[fmt.Sprintf(`"k%d"`, i)] = fmt.Sprintf(`"v%d"`, i)
	}
	return c
}

func TestEqualSitesNeedOnePass(t *testing.T) {
	for mode, way := range map[Mode]Way{"": WayKeys, ModeKeys: WayKeys, ModeEntries: WayEntries} {
		r := mustCompare(t, site(numbered(1000)), site(numbered(1000)), Options{Mode: mode})
		r.Bytes = 0
		want := Result{Cache: "sessions", Way: way, Passes: 1, PrimaryEntries: 1000, SecondaryEntries: 1000}
		if diff := cmp.Diff(want, r); diff != "" || !r.Equal() || !r.SecondaryHasAll() {
			t.Error(mode, diff)
		}
	}
	if r := mustCompare(t, site(contents{}), site(contents{}), Options{}); !r.Equal() || r.Passes != 1 {
		t.Errorf("two empty caches: %+v", r)
	}
}

func TestCountsAreThoseOfTheSets(t *testing.T) {
	for round := range 30 {
		random := rand.New(rand.NewPCG(1, uint64(round)))
		p, s := contents{}, contents{}
		var missing, extra, different int64
		for i := range random.IntN(1500) {
			k, v := fmt.Sprintf(`{"_type":"K","uid":"%d"}`, i), strconv.Itoa(random.IntN(5))
			switch random.IntN(1 + round) { // from all different to nearly equal
			case 0:
				switch random.IntN(3) {
				case 0:
					p[k] = v
					missing++
				case 1:
					s[k] = v
					extra++
				default:
					p[k], s[k] = v, v+"0"
					different++
				}
			default:
				p[k], s[k] = v, v
			}
		}
		r := mustCompare(t, site(p), site(s), Options{})
		if r.MissingOnSecondary != missing || r.ExtraOnSecondary != extra || r.Different != 0 || r.Moving != 0 || r.Partial {
			t.Fatalf("round %d, keys: %+v, want %d missing, %d extra", round, r, missing, extra)
		}
		if r.Equal() != (missing+extra == 0) || r.SecondaryHasAll() != (missing == 0) {
			t.Fatalf("round %d, keys: %+v judged wrongly", round, r)
		}
		r = mustCompare(t, site(p), site(s), Options{Mode: ModeEntries})
		if r.MissingOnSecondary != missing || r.ExtraOnSecondary != extra || r.Different != different || r.Moving != 0 {
			t.Fatalf("round %d, entries: %+v, want %d missing, %d extra, %d different", round, r, missing, extra, different)
		}
		if r.PrimaryEntries != int64(len(p)) || r.SecondaryEntries != int64(len(s)) {
			t.Fatalf("round %d: %+v miscounted", round, r)
		}
	}
}

func TestKeyIsJudgedByEveryPass(t *testing.T) {
	const absent = ""
	for name, tc := range map[string]struct {
		primary, secondary [3]string // the value in pass 1, 2, 3
		want               Kind      // "" for moving
		passes             int
	}{
		"missing all along":                {[3]string{"v", "v", "v"}, [3]string{}, KindMissing, 3},
		"extra all along":                  {[3]string{}, [3]string{"v", "v", "v"}, KindExtra, 3},
		"expired on the primary meanwhile": {[3]string{"v", "v", absent}, [3]string{}, "", 3},
		"arrived late":                     {[3]string{"v", "v", "v"}, [3]string{absent, absent, "v"}, "", 3},
		"came to the primary after pass 1": {[3]string{absent, "v", "v"}, [3]string{"old", absent, absent}, "", 3},
		"expires on the secondary later":   {[3]string{}, [3]string{"v", "v", absent}, "", 3},
		"came to the secondary in pass 2":  {[3]string{"w", absent, absent}, [3]string{absent, "v", "v"}, "", 3},
		"arrived before pass 2":            {[3]string{"v", "v", "v"}, [3]string{absent, "v", "v"}, "same", 2},
		"left the secondary in pass 3":     {[3]string{"v", "v", "v"}, [3]string{"w", "w", absent}, "", 3},
		"other value all along":            {[3]string{"v", "v", "v"}, [3]string{"w", "w", "w"}, KindDifferent, 3},
		"value arrived late":               {[3]string{"v", "v", "v"}, [3]string{"w", "w", "v"}, "", 3},
		"secondary stands still":           {[3]string{"1", "2", "3"}, [3]string{"w", "w", "w"}, KindDifferent, 3},
		"both change all the time":         {[3]string{"1", "3", "5"}, [3]string{"2", "4", "6"}, "", 3},
	} {
		t.Run(name, func(t *testing.T) {
			states := func(values [3]string) []contents {
				var out []contents
				for _, v := range values {
					c := numbered(50)
					if v != absent {
						c["k"] = v
					}
					out = append(out, c)
				}
				return out
			}
			r := mustCompare(t, site(states(tc.primary)...), site(states(tc.secondary)...), Options{Mode: ModeEntries, ShowKeys: 1})
			want := Result{Way: WayEntries, Passes: tc.passes}
			switch tc.want {
			case KindMissing:
				want.MissingOnSecondary = 1
			case KindExtra:
				want.ExtraOnSecondary = 1
			case KindDifferent:
				want.Different = 1
			case "":
				want.Moving = 1
			}
			if tc.want != "" && tc.want != "same" {
				want.Shown = []Difference{{Kind: tc.want, Key: "k"}}
			}
			r.Cache, r.Bytes, r.PrimaryEntries, r.SecondaryEntries = "", 0, 0, 0
			if diff := cmp.Diff(want, r); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestLiveTrafficIsNoDifference(t *testing.T) {
	var p, s []contents
	for pass := range 3 {
		atP, atS := numbered(5000), numbered(5000)
		for i := range 300 { // short-lived keys, other ones in every pass and on every site
			atP[fmt.Sprintf("p%d-%d", pass, i)] = "x"
			atS[fmt.Sprintf("s%d-%d", pass, i)] = "x"
		}
		p, s = append(p, atP), append(s, atS)
	}
	r := mustCompare(t, site(p...), site(s...), Options{})
	if !r.Equal() || r.Moving == 0 || r.Passes != 3 {
		t.Errorf("%+v", r)
	}
}

func TestValuesThatChangedPlacesAreSeen(t *testing.T) {
	r := mustCompare(t, site(contents{"a": "1", "b": "2"}), site(contents{"a": "2", "b": "1"}), Options{Mode: ModeEntries})
	if r.Different != 2 {
		t.Errorf("%+v", r)
	}
}

func TestKeyListedTwiceIsStillOneKey(t *testing.T) {
	p := site(contents{"a": "1", "b": "2"})
	p.twice = map[string]bool{"a": true, "b": true}
	if r := mustCompare(t, p, site(contents{"a": "1", "b": "2"}), Options{}); !r.Equal() || r.Passes != 2 {
		t.Errorf("%+v", r)
	}
	if r := mustCompare(t, p, site(contents{}), Options{}); r.MissingOnSecondary != 2 {
		t.Errorf("a key that cancels itself out: %+v", r)
	}
}

func TestOneWayForBothSites(t *testing.T) {
	unlistable := fmt.Errorf("call: %w", infinispan.ErrNotListable)
	for name, tc := range map[string]struct {
		mode                 Mode
		pKeys, sKeys, sValue error
		want                 Way
		why                  Reason
	}{
		"keys":                             {ModeKeys, nil, nil, nil, WayKeys, ReasonNone},
		"keys unlistable on the secondary": {ModeKeys, nil, unlistable, nil, WayEntryKeys, ReasonNotListable},
		"keys unlistable on the primary":   {ModeKeys, unlistable, nil, nil, WayEntryKeys, ReasonNotListable},
		"nothing listable":                 {ModeKeys, unlistable, unlistable, unlistable, WaySizes, ReasonNotListable},
		"entries":                          {ModeEntries, unlistable, unlistable, nil, WayEntries, ReasonNone},
		"entries unlistable":               {ModeEntries, nil, nil, unlistable, WayKeys, ReasonNotListable},
		"sizes as asked":                   {ModeSizes, nil, nil, nil, WaySizes, ReasonNone},
		"neither of both, entries asked":   {ModeEntries, unlistable, nil, unlistable, WaySizes, ReasonNotListable},
	} {
		t.Run(name, func(t *testing.T) {
			p, s := site(numbered(100)), site(numbered(100))
			p.keysErr, s.keysErr, s.entriesErr = tc.pKeys, tc.sKeys, tc.sValue
			r := mustCompare(t, p, s, Options{Mode: tc.mode})
			if r.Way != tc.want || r.Why != tc.why || !r.Equal() || r.PrimaryEntries != 100 || r.SecondaryEntries != 100 {
				t.Errorf("%+v", r)
			}
			if tc.want != WaySizes && p.listings[len(p.listings)-1] != s.listings[len(s.listings)-1] {
				t.Errorf("primary %v, secondary %v", p.listings, s.listings)
			}
		})
	}
}

func TestEntryKeysDoNotCompareValues(t *testing.T) {
	p, s := site(contents{"a": "1"}), site(contents{"a": "2"})
	p.keysErr = infinispan.ErrNotListable
	if r := mustCompare(t, p, s, Options{}); !r.Equal() || r.Way != WayEntryKeys {
		t.Errorf("%+v", r)
	}
}

func TestBeyondTheLimitOnlySizesAreCompared(t *testing.T) {
	p, s := site(numbered(1000)), site(numbered(900))
	r := mustCompare(t, p, s, Options{ByteLimit: 5000})
	want := Result{Cache: "sessions", Way: WaySizes, Why: ReasonLimit, Passes: 1, PrimaryEntries: 1000, SecondaryEntries: 900}
	if diff := cmp.Diff(want, r); diff != "" || r.Equal() || r.SecondaryHasAll() {
		t.Error(diff)
	}
	if r := mustCompare(t, p, s, Options{ByteLimit: 1 << 20}); r.Way != WayKeys || r.MissingOnSecondary != 100 {
		t.Errorf("%+v", r)
	}
}

func TestTooManyDifferencesGiveALowerBound(t *testing.T) {
	r := mustCompare(t, site(numbered(20000)), site(contents{}), Options{TrackLimit: 1000})
	if !r.Partial || r.Equal() || r.SecondaryHasAll() || r.MissingOnSecondary == 0 || r.MissingOnSecondary > 1000 {
		t.Errorf("%+v", r)
	}
}

func TestKeysAreKeptOnlyWhenAskedFor(t *testing.T) {
	p, s := numbered(100), numbered(100)
	delete(s, `"k7"`)
	delete(s, `"k8"`)
	delete(p, `"k9"`)
	s[`"k1"`] = "other"
	want := []Difference{{KindDifferent, `"k1"`}, {KindExtra, `"k9"`}, {KindMissing, `"k7"`}, {KindMissing, `"k8"`}}
	if diff := cmp.Diff(want, mustCompare(t, site(p), site(s), Options{Mode: ModeEntries, ShowKeys: 5}).Shown); diff != "" {
		t.Error(diff)
	}
	if got := mustCompare(t, site(p), site(s), Options{Mode: ModeEntries}).Shown; got != nil {
		t.Errorf("kept %v", got)
	}
	if got := mustCompare(t, site(p), site(s), Options{Mode: ModeEntries, ShowKeys: 1}).Shown; len(got) != 3 {
		t.Errorf("one of each kind was asked for: %v", got)
	}
}

func TestListingThatIsNotWholeIsAnError(t *testing.T) {
	broken := &infinispan.TruncatedError{Method: "GET", Path: "/x", Elements: 3}
	p, s := site(numbered(10)), site(numbered(10))
	s.keysErr = broken
	_, err := Cache(t.Context(), p, s, "sessions", "sessions-b", Options{})
	var side *SideError
	if !errors.Is(err, broken) || !errors.As(err, &side) || side.Side != Secondary || side.Cache != "sessions-b" {
		t.Errorf("got %v", err)
	}
	// Also where the other side says at the same time that it cannot list.
	p.keysErr = infinispan.ErrNotListable
	if err := weightiest(t.Context(), &SideError{Err: p.keysErr}, &SideError{Err: broken}); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	if _, err := Cache(t.Context(), site(numbered(1)), &fake{states: []contents{{}}, sizeErr: broken}, "a", "b", Options{Mode: ModeSizes}); !errors.Is(err, broken) {
		t.Errorf("sizes: %v", err)
	}
	if _, err := Cache(t.Context(), p, s, "a", "b", Options{Mode: "guess"}); err == nil {
		t.Error("an unknown mode was taken")
	}
}

func TestBothSitesAreListedAtTheSameTime(t *testing.T) {
	p, s := site(numbered(10)), site(numbered(10))
	meet := make(chan struct{})
	p.wait = func(context.Context) error { meet <- struct{}{}; return nil }
	s.wait = func(context.Context) error { <-meet; return nil }
	if r := mustCompare(t, p, s, Options{}); !r.Equal() {
		t.Errorf("%+v", r)
	}
}

func TestFailureOfOneSiteStopsTheOther(t *testing.T) {
	failure := errors.New("gone")
	p, s := site(numbered(10)), site(numbered(10))
	s.keysErr = failure
	p.wait = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	var side *SideError
	if _, err := Cache(t.Context(), p, s, "a", "b", Options{}); !errors.Is(err, failure) || !errors.As(err, &side) || side.Side != Secondary {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	s.wait = func(context.Context) error { cancel(); return nil }
	s.keysErr = nil
	if _, err := Cache(ctx, p, s, "a", "b", Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("stopped from outside: %v", err)
	}
}

func TestThereIsAPlaceForAPauseBeforeEveryFurtherPass(t *testing.T) {
	var passes []int
	o := Options{Between: func(_ context.Context, pass int) error { passes = append(passes, pass); return nil }}
	mustCompare(t, site(contents{"a": ""}), site(contents{}), o)
	if diff := cmp.Diff([]int{2, 3}, passes); diff != "" {
		t.Error(diff)
	}
	failure := errors.New("no time")
	o.Between = func(context.Context, int) error { return failure }
	if _, err := Cache(t.Context(), site(contents{"a": ""}), site(contents{}), "a", "b", o); !errors.Is(err, failure) {
		t.Errorf("got %v", err)
	}
}

// counter lists n keys without holding them.
type counter struct {
	n, skip int
}

func (c counter) Keys(_ context.Context, _ string, visit func([]byte) error) error {
	return c.each(visit)
}

func (c counter) each(visit func([]byte) error) error {
	buf := make([]byte, 0, 32)
	for i := range c.n {
		if i < c.skip {
			continue
		}
		buf = append(strconv.AppendInt(append(buf[:0], `"session-`...), int64(i), 10), '"')
		if err := visit(buf); err != nil {
			return err
		}
	}
	return nil
}

func (c counter) Entries(_ context.Context, _ string, visit func(k, v []byte) error) error {
	value := []byte(`"value"`)
	return c.each(func(k []byte) error { return visit(k, value) })
}

func (c counter) Size(context.Context, string) (int64, error) { return int64(c.n), nil }

func TestMemoryDoesNotGrowWithTheNumberOfEntries(t *testing.T) {
	used := func(n int, o Options) uint64 {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		if r := mustCompare(t, counter{n: n}, counter{n: n, skip: 2}, o); r.MissingOnSecondary != 2 || r.PrimaryEntries != int64(n) {
			t.Fatalf("%+v", r)
		}
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	for mode, many := range map[Mode]int{ModeKeys: 200000, ModeEntries: 50000} {
		few := many / 100
		small := used(few, Options{Mode: mode})
		large := used(many, Options{Mode: mode})
		t.Logf("%s: all memory ever taken: %d KiB for %d keys, %d KiB for %d", mode, small>>10, few, large>>10, many)
		if large > small+(1<<20) || large > 16<<20 {
			t.Errorf("%s: %d bytes for %d keys, %d for %d", mode, large, many, small, few)
		}
	}
}

func BenchmarkPass(b *testing.B) {
	for b.Loop() {
		if _, err := Cache(b.Context(), counter{n: 100000}, counter{n: 100000}, "a", "b", Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
