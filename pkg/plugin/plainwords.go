package plugin

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
)

// plainError is an error of the network that is told in words for people. It unwraps to that error, so that whoever decides
// something by it still can.
type plainError struct {
	text string
	err  error
}

// Error tells it.
func (e *plainError) Error() string { return e.text }

// Unwrap returns the error itself.
func (e *plainError) Unwrap() error { return e.err }

// inPlainWords tells what ended a call to a server where Go's own texts say it in terms of its library, as in "net/http: request
// canceled (Client.Timeout exceeded while awaiting headers)". What else the error says stays as it is.
func inPlainWords(err error) error {
	text := err.Error()
	for _, call := range failedCalls(err) {
		if ended := endOfCall(call); ended != "" {
			text = strings.ReplaceAll(text, call.Error(), serverOf(call)+" "+ended)
		}
	}
	const body = "unexpected error when reading response body. Please retry. Original error: "
	text = strings.NewReplacer(
		body+context.DeadlineExceeded.Error(), "the answer did not come to its end in time",
		body+io.ErrUnexpectedEOF.Error(), "the answer broke off",
		body, "the answer could not be read: ",
		context.DeadlineExceeded.Error(), "no answer in time",
		context.Canceled.Error(), "it was broken off",
	).Replace(lastAttempt(text))
	if text == err.Error() {
		return err
	}
	return &plainError{text, err}
}

// failedCalls lists the HTTP calls that an error is about.
func failedCalls(err error) []*url.Error {
	for inner := err; inner != nil; inner = errors.Unwrap(inner) {
		joined, ok := inner.(interface{ Unwrap() []error })
		if !ok {
			continue
		}
		var all []*url.Error
		for _, one := range joined.Unwrap() {
			all = append(all, failedCalls(one)...)
		}
		if len(all) > 0 {
			return all
		}
	}
	if call, ok := errors.AsType[*url.Error](err); ok {
		return []*url.Error{call}
	}
	return nil
}

// lastAttempt leaves out what client-go tells of the attempt before, which it joins to the last one.
func lastAttempt(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i], _, _ = strings.Cut(line, " - error from a previous attempt: ")
	}
	return strings.Join(lines, "\n")
}

// endOfCall says what ended a call; empty for what its own words say well.
func endOfCall(call *url.Error) string {
	_, noTLS := errors.AsType[tls.RecordHeaderError](call)
	name, unknown := errors.AsType[*net.DNSError](call)
	switch {
	case call.Timeout():
		return "did not answer in time"
	case unknown && name.IsNotFound:
		return "is not known by this name (no such host)"
	case errors.Is(call, syscall.ECONNREFUSED):
		return "refuses connections"
	case errors.Is(call, syscall.ECONNRESET), errors.Is(call, syscall.EPIPE), errors.Is(call, io.EOF), errors.Is(call, io.ErrUnexpectedEOF):
		return "broke the connection off"
	case noTLS, errors.Is(call, http.ErrSchemeMismatch), strings.Contains(call.Error(), http.ErrSchemeMismatch.Error()):
		return "does not speak TLS; is its address one of https?"
	case strings.Contains(call.Error(), "malformed HTTP"):
		return "does not answer as an API server does"
	case errors.Is(call, context.Canceled), strings.Contains(call.Error(), "net/http: request canceled"):
		return "was asked, and the call was broken off"
	default:
		return ""
	}
}

// serverOf names the server of a call, without what was asked of it.
func serverOf(call *url.Error) string {
	if at, err := url.Parse(call.URL); err == nil && at.Host != "" {
		return at.Scheme + "://" + at.Host
	}
	return "the server"
}
