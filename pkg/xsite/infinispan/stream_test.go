package infinispan

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

// endless gives a string that never ends.
type endless struct{ begun bool }

func (e *endless) Read(p []byte) (int, error) {
	if !e.begun {
		e.begun = true
		return copy(p, `["`), nil
	}
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

func testStream(body io.Reader) *stream {
	return &stream{
		body:       body,
		limit:      1 << 20,
		wrap:       func(n int64, err error) error { return &TruncatedError{Elements: n, Err: err} },
		unexpected: func(what string) error { return &UnexpectedAnswerError{What: what} },
	}
}

func TestElementWithoutEndDoesNotFillTheMemory(t *testing.T) {
	err := testStream(&endless{}).run(func([]byte) error { return nil })
	var unexpected *UnexpectedAnswerError
	if !errors.As(err, &unexpected) || unexpected.What != errLarge.Error() {
		t.Errorf("got %v", err)
	}
}

func FuzzListing(f *testing.F) {
	for _, seed := range []string{`["a","b"]`, `[]`, `[{"key":1,"value":2}]`, `["a"`, `["a"]x`, `[1 2]`, `{}`, `[,]`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		var want []json.RawMessage
		valid := json.Unmarshal([]byte(body), &want) == nil && strings.HasPrefix(strings.TrimSpace(body), "[")
		var got []string
		err := testStream(strings.NewReader(body)).run(func(raw []byte) error {
			got = append(got, string(raw))
			return nil
		})
		if valid != (err == nil) {
			t.Fatalf("%q: valid %v, listing %v", body, valid, err)
		}
		if valid && fmt.Sprintf("%s", want) != fmt.Sprintf("%s", got) {
			t.Fatalf("%q: %s is not %s", body, got, want)
		}
	})
}
