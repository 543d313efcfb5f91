package infinispan

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// depthLimit bounds the nesting of a JSON value, as package encoding/json does.
const depthLimit = 10000

// errNotJSON is without detail, since what it is about is personal data.
var errNotJSON = errors.New("not a JSON value")

// canonicalizer writes JSON values in one form: no white space, members sorted by name, strings as plain UTF-8 with the
// fewest escapes. Two servers that hold the same key or value give the same bytes. Numbers stay as they are written.
//
// Nothing is lost on the way, unlike in a round trip through Go's values: members of the same name, lone surrogates and
// broken UTF-8 stay apart. Buffers are kept from call to call.
type canonicalizer struct {
	src     []byte
	pos     int
	depth   int
	out     []byte
	scratch []byte
	members []member
}

// member is one member of an object in out: out[name:nameEnd] is the quoted name, out[name:end] the whole.
type member struct {
	name, nameEnd, end int
}

// appendTo appends the canonical form of the one JSON value in src to dst.
func (k *canonicalizer) appendTo(dst, src []byte) ([]byte, error) {
	k.src, k.pos, k.depth, k.out, k.members = src, 0, 0, dst, k.members[:0]
	err := k.value()
	out := k.out
	k.space()
	if err == nil && k.pos != len(k.src) {
		err = errNotJSON
	}
	k.src, k.out = nil, nil
	return out, err
}

// appendKey is appendTo for a key or value of a cache: {"_type":"string","_value":"x"}, which some listings and some
// servers write for a plain string, becomes "x" (V35, V41).
func (k *canonicalizer) appendKey(dst, src []byte) ([]byte, error) {
	start := len(dst)
	out, err := k.appendTo(dst, src)
	if err != nil {
		return out, err
	}
	if plain := plainString(out[start:]); plain != nil {
		out = append(out[:start], plain...) // plain lies further right in out; append moves it left
	}
	return out, nil
}

// plainString gives the string inside a canonical {"_type":"string","_value":"x"}, or nil.
func plainString(canonical []byte) []byte {
	rest, ok := bytes.CutPrefix(canonical, []byte(`{"_type":"string","_value":`))
	if !ok || len(rest) < 3 || rest[0] != '"' {
		return nil
	}
	for i := 1; i < len(rest); i++ {
		switch rest[i] {
		case '\\':
			i++
		case '"':
			if i == len(rest)-2 {
				return rest[:i+1]
			}
			return nil
		}
	}
	return nil
}

func (k *canonicalizer) space() {
	for k.pos < len(k.src) {
		switch k.src[k.pos] {
		case ' ', '\t', '\n', '\r':
			k.pos++
		default:
			return
		}
	}
}

// take consumes one byte after white space if it is c.
func (k *canonicalizer) take(c byte) bool {
	k.space()
	if k.pos < len(k.src) && k.src[k.pos] == c {
		k.pos++
		return true
	}
	return false
}

func (k *canonicalizer) value() error {
	k.space()
	if k.pos >= len(k.src) {
		return errNotJSON
	}
	switch k.src[k.pos] {
	case '{':
		return k.nested(k.object)
	case '[':
		return k.nested(k.array)
	case '"':
		return k.text()
	}
	return k.word()
}

func (k *canonicalizer) nested(parse func() error) error {
	k.depth++
	defer func() { k.depth-- }()
	if k.depth > depthLimit {
		return errNotJSON
	}
	k.pos++
	return parse()
}

// word copies a number or a literal.
func (k *canonicalizer) word() error {
	start := k.pos
	for k.pos < len(k.src) {
		c := k.src[k.pos]
		if c != '+' && c != '-' && c != '.' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && c != 'E' {
			break
		}
		k.pos++
	}
	word := k.src[start:k.pos]
	if len(word) == 0 {
		return errNotJSON
	}
	k.out = append(k.out, word...)
	return nil
}

func (k *canonicalizer) array() error {
	k.out = append(k.out, '[')
	if k.take(']') {
		k.out = append(k.out, ']')
		return nil
	}
	for {
		if err := k.value(); err != nil {
			return err
		}
		switch {
		case k.take(','):
			k.out = append(k.out, ',')
		case k.take(']'):
			k.out = append(k.out, ']')
			return nil
		default:
			return errNotJSON
		}
	}
}

func (k *canonicalizer) object() error {
	k.out = append(k.out, '{')
	first, base := len(k.members), len(k.out)
	if k.take('}') {
		k.out = append(k.out, '}')
		return nil
	}
	for {
		k.space()
		m := member{name: len(k.out)}
		if k.pos >= len(k.src) || k.src[k.pos] != '"' {
			return errNotJSON
		}
		if err := k.text(); err != nil {
			return err
		}
		m.nameEnd = len(k.out)
		if !k.take(':') {
			return errNotJSON
		}
		k.out = append(k.out, ':')
		if err := k.value(); err != nil {
			return err
		}
		m.end = len(k.out)
		k.members = append(k.members, m)
		switch {
		case k.take(','):
			k.out = append(k.out, ',')
		case k.take('}'):
			k.sortMembers(k.members[first:], base)
			k.members = k.members[:first]
			k.out = append(k.out, '}')
			return nil
		default:
			return errNotJSON
		}
	}
}

// sortMembers puts the members of the object that begins at base in order.
func (k *canonicalizer) sortMembers(members []member, base int) {
	byName := func(a, b member) int {
		return bytes.Compare(k.out[a.name+1:a.nameEnd-1], k.out[b.name+1:b.nameEnd-1])
	}
	if slices.IsSortedFunc(members, byName) {
		return
	}
	slices.SortStableFunc(members, byName)
	k.scratch = append(k.scratch[:0], k.out[base:]...)
	k.out = k.out[:base]
	for i, m := range members {
		if i > 0 {
			k.out = append(k.out, ',')
		}
		k.out = append(k.out, k.scratch[m.name-base:m.end-base]...)
	}
}

// text copies a string with its quotes.
func (k *canonicalizer) text() error {
	k.out = append(k.out, '"')
	k.pos++
	for {
		start := k.pos
		for k.pos < len(k.src) && k.src[k.pos] != '"' && k.src[k.pos] != '\\' && k.src[k.pos] >= ' ' {
			k.pos++
		}
		k.out = append(k.out, k.src[start:k.pos]...)
		if k.pos >= len(k.src) || k.src[k.pos] < ' ' {
			return errNotJSON
		}
		k.pos++
		if k.src[k.pos-1] == '"' {
			k.out = append(k.out, '"')
			return nil
		}
		if err := k.escape(); err != nil {
			return err
		}
	}
}

// escape reads what follows a backslash.
func (k *canonicalizer) escape() error {
	if k.pos >= len(k.src) {
		return errNotJSON
	}
	c := k.src[k.pos]
	k.pos++
	switch c {
	case '"', '\\', '/':
		k.put(rune(c))
	case 'b':
		k.put('\b')
	case 'f':
		k.put('\f')
	case 'n':
		k.put('\n')
	case 'r':
		k.put('\r')
	case 't':
		k.put('\t')
	case 'u':
		unit, ok := k.unit()
		if !ok {
			return errNotJSON
		}
		if utf16.IsSurrogate(unit) && k.pos+1 < len(k.src) && k.src[k.pos] == '\\' && k.src[k.pos+1] == 'u' {
			before := k.pos
			k.pos += 2
			low, ok := k.unit()
			if !ok {
				return errNotJSON
			}
			if joined := utf16.DecodeRune(unit, low); joined != utf8.RuneError {
				k.put(joined)
				return nil
			}
			k.pos = before
		}
		k.put(unit)
	default:
		return errNotJSON
	}
	return nil
}

// unit reads the four digits of a \u escape.
func (k *canonicalizer) unit() (rune, bool) {
	if k.pos+4 > len(k.src) {
		return 0, false
	}
	n, err := strconv.ParseUint(string(k.src[k.pos:k.pos+4]), 16, 16)
	k.pos += 4
	return rune(n), err == nil
}

// put writes one character, escaped only where it must be.
func (k *canonicalizer) put(r rune) {
	switch {
	case r == '"' || r == '\\':
		k.out = append(k.out, '\\', byte(r))
	case r < ' ' || utf16.IsSurrogate(r):
		k.out = fmt.Appendf(k.out, `\u%04x`, r)
	default:
		k.out = utf8.AppendRune(k.out, r)
	}
}
