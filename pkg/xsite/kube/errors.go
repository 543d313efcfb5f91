package kube

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// NotFoundError says that discovery found nothing, or not what was named.
type NotFoundError struct {
	// What is missing: "Infinispan" or "Keycloak".
	What string
	// Context and Namespace say where it was looked for.
	Context, Namespace string
	// Looked lists what was looked for and what was found instead, one statement each.
	Looked []string
	// Next says which flag names the object.
	Next string
}

// Error names the place, what was looked for and the flag to use.
func (e *NotFoundError) Error() string {
	return fmt.Sprintf("no %s found in context %s, namespace %s: %s; %s",
		e.What, e.Context, e.Namespace, strings.Join(e.Looked, ", "), e.Next)
}

// AmbiguousError says that discovery found several objects and does not choose.
type AmbiguousError struct {
	// What there are several of: "Infinispan" or "Keycloak".
	What string
	// Context and Namespace say where.
	Context, Namespace string
	// Candidates are the refs found, TYPE/NAME, sorted.
	Candidates []string
	// Next says which flag chooses.
	Next string
}

// Error lists the candidates and the flag that chooses.
func (e *AmbiguousError) Error() string {
	return fmt.Sprintf("more than one %s to choose from in context %s, namespace %s: %s; %s",
		e.What, e.Context, e.Namespace, strings.Join(e.Candidates, ", "), e.Next)
}

// RefError says that the value of --infinispan or --keycloak cannot be understood.
type RefError struct {
	// Flag is the flag's name with its dashes, Value what was given.
	Flag, Value string
	// Problem says what is wrong with it and what would be right.
	Problem string
}

// Error names flag, value and problem.
func (e *RefError) Error() string { return fmt.Sprintf("%s %q: %s", e.Flag, e.Value, e.Problem) }

// ForbiddenError says that the user lacks a permission.
type ForbiddenError struct {
	// Verb and Resource are the permission, Resource in the form of xsite.Access.
	Verb, Resource string
	// Name is the object, empty for lists.
	Name string
	// Context and Namespace say where.
	Context, Namespace string
	// Err is the API server's answer.
	Err error
}

// Error names the permission to grant and where.
func (e *ForbiddenError) Error() string {
	object := e.Resource
	if e.Name != "" {
		object += fmt.Sprintf(" %q", e.Name)
	}
	return fmt.Sprintf("not allowed to %s %s in context %s, namespace %s; grant this user the verb %q on %s there: %v",
		e.Verb, object, e.Context, e.Namespace, e.Verb, e.Resource, e.Err)
}

// Unwrap returns the API server's answer.
func (e *ForbiddenError) Unwrap() error { return e.Err }

// SecretError says why a Secret gives no credentials or certificates. It never holds a value of the Secret.
type SecretError struct {
	// Secret, Namespace and Context name the Secret.
	Secret, Namespace, Context string
	// Problem says what is wrong, Next what to do.
	Problem, Next string
	// Err is the API server's answer, when there is one; a *ForbiddenError when permission lacks.
	Err error
}

// Error names the Secret, the problem and what to do.
func (e *SecretError) Error() string {
	text := fmt.Sprintf("secret %s (context %s, namespace %s): %s", e.Secret, e.Context, e.Namespace, e.Problem)
	if e.Next != "" {
		text += "; " + e.Next
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns the API server's answer.
func (e *SecretError) Unwrap() error { return e.Err }

// ForwardError is what the far end said about one connection to a port of a pod, for instance that the pod refuses
// connections on it. As the Err of a *net.OpError with Op "dial" nothing was sent to the server.
type ForwardError struct {
	// Pod and Port are the pod's name and the port in it.
	Pod  string
	Port int
	// Message is the text of the error stream of a port-forward, or of standard error of a command, raw.
	Message string
}

// Error names pod and port and quotes the message.
func (e *ForwardError) Error() string {
	return fmt.Sprintf("port %d of pod %s: %s", e.Port, e.Pod, strconv.Quote(e.Message))
}

// LostError says that the connection to a pod broke.
type LostError struct {
	// Pod is the pod's name.
	Pod string
	// Way is how it was reached.
	Way Transport
	// Err is what the library said; nil for nothing.
	Err error
}

// Error names pod and way.
func (e *LostError) Error() string {
	text := "the " + string(e.Way) + " connection to pod " + e.Pod + " was lost"
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap tells that it was the way that was lost, and that the pod may be reached again.
func (e *LostError) Unwrap() []error { return []error{xsite.ErrUnavailable, infinispan.ErrWayLost} }

// ReplacedError says that an object is not the one that discovery found: it was deleted and made again meanwhile.
type ReplacedError struct {
	// Ref is TYPE/NAME.
	Ref string
	// Was and Is are the two UIDs.
	Was, Is string
}

// Error names the object and both UIDs.
func (e *ReplacedError) Error() string {
	return fmt.Sprintf("%s is another object than at the start (UID %s, now %s); start over", e.Ref, e.Was, e.Is)
}

// AnswerError is something in an object that this package does not understand and does not guess at.
type AnswerError struct {
	// Ref is TYPE/NAME, Problem what is wrong with it and what to do.
	Ref, Problem string
}

// Error names the object and the problem.
func (e *AnswerError) Error() string { return e.Ref + ": " + e.Problem }

// away reports whether a call failed in a way that says nothing of what was asked for: no answer, or one of a server that
// cannot serve for now. Credentials that were taken before count as well (401): they may have expired, and be renewed.
func away(err error) bool {
	var answered apierrors.APIStatus
	if !errors.As(err, &answered) {
		return !errors.Is(err, context.Canceled)
	}
	return apierrors.IsUnauthorized(err) || apierrors.IsTimeout(err) || apierrors.IsServerTimeout(err) ||
		apierrors.IsTooManyRequests(err) || apierrors.IsServiceUnavailable(err) || apierrors.IsInternalError(err) ||
		answered.Status().Code >= http.StatusInternalServerError
}

// attempt is one call to the API server, for the errors it may end with.
type attempt struct {
	verb, resource, name, namespace string
}

// failed gives the error of a call its place and turns refusals and lost races into their types.
func (s *Site) failed(a attempt, err error) error {
	switch {
	case err == nil:
		return nil
	case apierrors.IsForbidden(err):
		return &ForbiddenError{
			Verb: a.verb, Resource: a.resource, Name: a.name,
			Context: s.place.Context, Namespace: a.namespace, Err: err,
		}
	case apierrors.IsConflict(err), apierrors.IsAlreadyExists(err):
		err = fmt.Errorf("%w: %w", xsite.ErrConflict, err)
	case away(err):
		err = fmt.Errorf("%w: %w", xsite.ErrUnavailable, err)
	}
	object := a.resource
	if a.name != "" {
		object += fmt.Sprintf(" %q", a.name)
	}
	return fmt.Errorf("%s %s in context %s, namespace %s: %w", a.verb, object, s.place.Context, a.namespace, err)
}
