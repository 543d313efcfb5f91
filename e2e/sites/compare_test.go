package sites

import "testing"

func TestAComparisonCountsWhatIsMissingExtraAndDifferent(t *testing.T) {
	for name, c := range map[string]struct {
		a, b  map[string]string
		want  Comparison
		equal bool
	}{
		"both empty":   {equal: true},
		"the same":     {a: map[string]string{"x": "1", "y": ""}, b: map[string]string{"y": "", "x": "1"}, want: Comparison{A: 2, B: 2}, equal: true},
		"one is empty": {a: map[string]string{"x": "1", "y": "2"}, want: Comparison{A: 2, Missing: 2}},
		"as many, but others": {
			a: map[string]string{"x": "1", "y": "2"}, b: map[string]string{"z": "1", "y": "2"},
			want: Comparison{A: 2, B: 2, Missing: 1, Extra: 1},
		},
		"an empty value is not a missing key": {
			a: map[string]string{"x": ""}, b: map[string]string{"x": "1"},
			want: Comparison{A: 1, B: 1, Different: 1},
		},
		"all three": {
			a:    map[string]string{"new-1": "a", "new-2": "a", "changed": "b", "kept": "c"},
			b:    map[string]string{"changed": "a", "kept": "c", "gone-1": "a", "gone-2": "a", "gone-3": "a"},
			want: Comparison{A: 4, B: 5, Missing: 2, Extra: 3, Different: 1},
		},
	} {
		c.want.Cache = "sessions"
		got := compareEntries("sessions", c.a, c.b)
		if got != c.want || got.Equal() != c.equal {
			t.Errorf("%s: %+v (equal %v), want %+v (equal %v)", name, got, got.Equal(), c.want, c.equal)
		}
	}
}
