package infinispan

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// What a caller may want to tell apart. All errors of this package's calls match at most those that apply, through
// errors.Is.
var (
	// ErrUnauthorized says that the server refused the credentials (401): wrong user or password, or none given.
	ErrUnauthorized = errors.New("the server refused the credentials")
	// ErrForbidden says that the user is known and lacks the permission for this call (403), most often ADMIN.
	ErrForbidden = errors.New("the user lacks the permission for this call")
	// ErrMechanism says that client and server have no authentication mechanism in common, or that the server refused
	// the mechanism (403 with ISPN080052, V52). It is a matter of the port's configuration, not of a permission.
	ErrMechanism = errors.New("no authentication mechanism in common with this port")
	// ErrNotFound says that the server does not know what was asked for (404), for instance the cache.
	ErrNotFound = errors.New("not found")
	// ErrNoBackup says that the cache exists and does not back up to that site, or to any. It also matches ErrNotFound.
	ErrNoBackup = fmt.Errorf("the cache has no such backup site: %w", ErrNotFound)
	// ErrUnsupported says that this server's version does not have the call, for instance the list of connections on
	// version 14. It also matches ErrNotFound.
	ErrUnsupported = fmt.Errorf("this version of the server does not have the call: %w", ErrNotFound)
	// ErrUnreachable says that no connection could be made, or that it broke before the answer was whole. Whether the
	// server acted on the call is not known.
	ErrUnreachable = errors.New("the node cannot be reached")
	// ErrWayLost is wrapped by the errors of connections, given by Options.DialContext, that were lost on the way and not
	// closed by the node. It says nothing of the node.
	ErrWayLost = errors.New("the way to the node was lost")
	// ErrTimeout says that no answer came in time. Whether the server acted on the call is not known.
	ErrTimeout = errors.New("no answer in time")
	// ErrNotListable says that the server drops the connection, or never answers, when it is asked for this listing,
	// while it answers other calls: its keys are of a kind that this listing cannot write (V40).
	ErrNotListable = errors.New("the server cannot list this cache in this way")
	// ErrRedirect says that the answer was a redirect. It is never followed: it could lead to another node.
	ErrRedirect = errors.New("the server answered with a redirect, which is not followed")
)

// CallError is a call that did not succeed: no answer (Status 0) or one with an error status.
type CallError struct {
	// Method is the HTTP method.
	Method string
	// Path is the escaped path with the query; a key in it is replaced by {key}, since keys are personal data.
	Path string
	// Status is the HTTP status, 0 where there was no answer.
	Status int
	// Body is the start of the answer's body, without credentials. It is not escaped; see Error.
	Body string
	// Err is what happened: one of this package's Err values, possibly wrapped around the cause. It is nil for an
	// error status without a meaning of its own, such as 500.
	Err error
}

// Error names the call, its outcome and an escaped excerpt of the body.
func (e *CallError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", e.Method, e.Path)
	if e.Status != 0 {
		fmt.Fprintf(&b, ": status %d", e.Status)
	}
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	if e.Body != "" {
		fmt.Fprintf(&b, ": %s", excerpt(e.Body))
	}
	return b.String()
}

// Unwrap returns Err.
func (e *CallError) Unwrap() error {
	return e.Err
}

// Mentions reports whether the server's words contain a text, for instance a message id such as "ISPN012047" or
// "Already receiving state".
func (e *CallError) Mentions(text string) bool {
	return strings.Contains(e.Body, text)
}

// UnexpectedAnswerError is an answer that this package does not understand: not the JSON it should be, a field missing,
// a word outside the closed set. A caller stops on it and never guesses.
type UnexpectedAnswerError struct {
	// Method is the HTTP method.
	Method string
	// Path is the escaped path with the query; a key in it is replaced by {key}.
	Path string
	// Status is the HTTP status.
	Status int
	// What says what is wrong with the answer.
	What string
	// Body is the start of the answer's body, without credentials. It is empty for listings, which are personal data.
	Body string
}

// Error names the call, what is wrong and an escaped excerpt of the body.
func (e *UnexpectedAnswerError) Error() string {
	text := fmt.Sprintf("%s %s: status %d: unexpected answer: %s", e.Method, e.Path, e.Status, e.What)
	if e.Body != "" {
		text += ": " + excerpt(e.Body)
	}
	return text
}

// TruncatedError is a listing that broke off before its end (V42). What was read of it proves nothing.
type TruncatedError struct {
	// Method is the HTTP method.
	Method string
	// Path is the escaped path with the query.
	Path string
	// Elements is how many elements were read before the break.
	Elements int64
	// Err is the cause, where there is one.
	Err error
}

// Error names the call and how far it came.
func (e *TruncatedError) Error() string {
	text := fmt.Sprintf("%s %s: the listing broke off after %d elements; ask again", e.Method, e.Path, e.Elements)
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns Err.
func (e *TruncatedError) Unwrap() error {
	return e.Err
}

// excerptLimit is how many bytes of a body an error keeps.
const excerptLimit = 300

// excerpt escapes a text from the server for an error message.
func excerpt(text string) string {
	return strconv.Quote(text)
}

// shorten cuts a body to what an error keeps, at a rune's start.
func shorten(body string) string {
	body = strings.TrimSpace(body)
	if len(body) <= excerptLimit {
		return body
	}
	cut := excerptLimit
	for cut > 0 && !utf8.RuneStart(body[cut]) {
		cut--
	}
	return body[:cut] + "..."
}
