package compare

// sighting is whether a key was seen in a pass, and with what value.
type sighting struct {
	seen bool
	mark mark
}

// suspect is a key that pass 2 did not find alike on both sites. Index 0 is pass 2, index 1 pass 3; in pass 3 each site's
// goroutine writes its own field only.
type suspect struct {
	id                 id
	primary, secondary [2]sighting
}

// kind is what the suspect looked like in pass 2. It reads nothing that pass 3 writes.
func (x *suspect) kind() Kind {
	switch {
	case !x.secondary[0].seen:
		return KindMissing
	case !x.primary[0].seen:
		return KindExtra
	}
	return KindDifferent
}

// judge says what the suspect is after pass 3, or "" for one that came, went or changed meanwhile. The filters tell,
// nearly always, what was there in pass 1.
func (x *suspect) judge(onPrimary, onSecondary *filter) Kind {
	p, s := x.primary, x.secondary
	switch kind := x.kind(); kind {
	case KindMissing:
		if p[1].seen && !s[1].seen && onPrimary.has(x.id) {
			return kind
		}
	case KindExtra:
		if s[1].seen && !p[1].seen && onSecondary.has(x.id) {
			return kind
		}
	case KindDifferent:
		bothChanged := p[0] != p[1] && s[0] != s[1]
		if p[1].seen && s[1].seen && p[1].mark != s[1].mark && !bothChanged {
			return kind
		}
	}
	return ""
}

// sampleSpare is how many more keys a sample holds than will be shown, since some suspects are cleared in the end.
const sampleSpare = 4

// sample holds the text of some suspects' keys, where the caller asked to be shown them.
type sample struct {
	limit int
	kept  map[Kind]int
	texts map[id]string
}

func (c *comparison) newSample() *sample {
	return &sample{limit: c.options.ShowKeys * sampleSpare, kept: map[Kind]int{}, texts: map[id]string{}}
}

func (s *sample) keep(kind Kind, key id, text []byte) {
	if s.kept[kind] < s.limit {
		s.kept[kind]++
		s.texts[key] = string(text)
	}
}
