package infinispan

import (
	"bytes"
	"encoding/json"
	"testing"
)

func TestEqualValuesHaveEqualBytes(t *testing.T) {
	for _, tc := range []struct{ in, want string }{
		{` { "b" : 1 , "a" : [ true , null , -1.5e3 ] } `, `{"a":[true,null,-1.5e3],"b":1}`},
		{`{"a":{"d":1,"c":{"z":[],"y":{}}},"":0}`, `{"":0,"a":{"c":{"y":{},"z":[]},"d":1}}`},
		{`"\u00e9\u0041\/\t\n\u001F\ud83d\ude00"`, "\"éA/\\u0009\\u000a\\u001f😀\""},
		{`"\"\\\u0022\u005c"`, `"\"\\\"\\"`},
		{`"\ud800"`, `"\ud800"`},
		{`"\ud800\u0041"`, `"\ud800A"`},
		{`"\udc00\ud800"`, `"\udc00\ud800"`},
		{`{"a":2,"a":1}`, `{"a":2,"a":1}`},
		{`{"_type":"string","_value":"x"}`, `{"_type":"string","_value":"x"}`},
	} {
		var k canonicalizer
		got, err := k.appendTo(nil, []byte(tc.in))
		if err != nil || string(got) != tc.want {
			t.Errorf("%s: got %s, %v, want %s", tc.in, got, err, tc.want)
		}
	}
}

func TestOnlyPlainStringsAreUnwrapped(t *testing.T) {
	for in, want := range map[string]string{
		`{"_value":"x\"}","_type":"string"}`:     `"x\"}"`,
		`{"_type":"string","_value":""}`:         `""`,
		`{"_type":"string","_value":1}`:          `{"_type":"string","_value":1}`,
		`{"_type":"string","_value":"x","z":""}`: `{"_type":"string","_value":"x","z":""}`,
		`{"_type":"int32","_value":"x"}`:         `{"_type":"int32","_value":"x"}`,
	} {
		var k canonicalizer
		got, err := k.appendKey([]byte("before"), []byte(in))
		if err != nil || string(got) != "before"+want {
			t.Errorf("%s: got %s, %v", in, got, err)
		}
	}
}

func FuzzCanonical(f *testing.F) {
	for _, seed := range []string{`{"b":1,"a":"\u00e9"}`, `[1,[2,{}],"x"]`, `"\ud800\udc00"`, `{"_type":"string","_value":"x"}`, `{`, `"\u12`, `nul`, ``} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		var k canonicalizer
		once, err := k.appendTo(nil, in)
		if !json.Valid(in) {
			return
		}
		if err != nil {
			t.Fatalf("valid JSON refused: %q", in)
		}
		if !json.Valid(once) {
			t.Fatalf("%q became %q, which is not JSON", in, once)
		}
		twice, err := k.appendTo(nil, once)
		if err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("%q is not stable: %q", once, twice)
		}
		var a, b any
		if json.Unmarshal(in, &a) == nil && json.Unmarshal(once, &b) == nil {
			x, errX := json.Marshal(a)
			y, errY := json.Marshal(b)
			if errX == nil && errY == nil && !bytes.Equal(x, y) && !hasTwins(in) {
				t.Fatalf("%q means something else than %q", once, in)
			}
		}
		if _, err := k.appendKey(nil, in); err != nil {
			t.Fatal(err)
		}
	})
}

// hasTwins reports whether some object may have members of one name, of which package json keeps the last.
func hasTwins(in []byte) bool {
	return bytes.Count(in, []byte{':'}) > 1
}

func FuzzChallenges(f *testing.F) {
	f.Add(`Basic realm="a, b", Digest realm="c", nonce="x=,\"y", qop="auth"`)
	f.Add(`Digest nonce="n", algorithm=SHA-256`)
	f.Add(`Negotiate,`)
	f.Fuzz(func(t *testing.T, header string) {
		for _, m := range rank(parseChallenges([]string{header})) {
			if m == nil {
				t.Fatal("a mechanism that is none")
			}
		}
	})
}
