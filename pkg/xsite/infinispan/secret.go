package infinispan

import (
	"fmt"
	"io"
)

// redacted is printed wherever a secret would be.
const redacted = "REDACTED"

// Secret holds a password so that it cannot be printed by mistake: every way of formatting, logging or marshalling it
// gives "REDACTED". The text is kept behind a pointer, so that it stays hidden even where package fmt walks through
// unexported fields of a surrounding struct and cannot call methods.
//
// The zero Secret is the empty password. Secrets are not comparable by value.
type Secret struct {
	text *string
}

// NewSecret wraps a password.
func NewSecret(text string) Secret {
	return Secret{text: &text}
}

// Reveal returns the password itself. It is for the one place that authenticates.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// Empty reports whether there is no password.
func (s Secret) Empty() bool {
	return s.Reveal() == ""
}

// String returns "REDACTED".
func (s Secret) String() string {
	return redacted
}

// GoString returns "REDACTED".
func (s Secret) GoString() string {
	return redacted
}

// Format prints "REDACTED" for every verb and flag.
func (s Secret) Format(state fmt.State, _ rune) {
	_, _ = io.WriteString(state, redacted) // a formatter has nobody to tell
}

// MarshalText returns "REDACTED", which covers YAML, JSON map keys and slog.
func (s Secret) MarshalText() ([]byte, error) {
	return []byte(redacted), nil
}

// MarshalJSON returns "REDACTED" as a JSON string.
func (s Secret) MarshalJSON() ([]byte, error) {
	return []byte(`"` + redacted + `"`), nil
}

// Credentials are a user of the server's endpoint realm. The zero value stands for an endpoint without authentication.
type Credentials struct {
	// Username is the name in the realm, for instance "operator" or "developer".
	Username string
	// Password belongs to Username.
	Password Secret
}
