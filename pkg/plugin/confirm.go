package plugin

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/api"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// longestAnswer bounds what is read of an answer.
const longestAnswer = 1024

// confirmation is the question that stands before the first change.
type confirmation struct {
	in  io.Reader
	out io.Writer
	// interactive says that a person sees out and types into in.
	interactive bool
	view        view
	// verify is how contents will be compared.
	verify xsite.Verification
	// given is the site name of --confirm, empty without it.
	given string
	// again is the command that was called, to be repeated with --confirm.
	again string
	// only are the phases that are done; empty for all of the plan.
	only []xsite.Phase
}

// ask shows the plan and gets the name of the site whose data is discarded: from --confirm, or typed. Anything else is
// an error that wraps xsite.ErrNotConfirmed.
func (c confirmation) ask(ctx context.Context, plan xsite.Plan) error {
	name := plan.Secondary.Name
	object, err := api.ThroughJSON(planObject(plan, "", c.verify))
	shown, ok := object.(*api.Plan)
	if err != nil || !ok {
		return fmt.Errorf("%w: the plan could not be shown: %w", xsite.ErrNotConfirmed, err)
	}
	return c.agree(ctx, question{
		text: planText(shown.PlanContent, c.view) + onlyText(c.only, c.view) + "\n",
		name: name, purpose: "discard the data of", subject: "the site whose data would be discarded",
		prompt: "Type the name of the site whose data is discarded (" + printable(name) + ") to go on: ",
	})
}

// question is what stands before a change: a text to read, and the name of a site to give.
type question struct {
	text, name, prompt string
	// purpose and subject say what the name is for: to PURPOSE NAME; SUBJECT is NAME.
	purpose, subject string
}

// agree asks a question: the name comes from --confirm, or is typed at the prompt.
func (c confirmation) agree(ctx context.Context, q question) error {
	name := q.name
	if _, err := io.WriteString(c.out, q.text); err != nil {
		return fmt.Errorf("%w: the plan could not be shown: %w", xsite.ErrNotConfirmed, err)
	}
	switch {
	case name == "":
		return fmt.Errorf("%w: the secondary's servers gave no site name", xsite.ErrNotConfirmed)
	case c.given == name:
		return nil
	case c.given != "":
		return fmt.Errorf("%w: --confirm names %q, but %s is %q", xsite.ErrNotConfirmed, c.given, q.subject, name)
	case !c.interactive:
		return fmt.Errorf("%w: there is no terminal to ask on; to %s %s, call\n%s --confirm %s",
			xsite.ErrNotConfirmed, q.purpose, name, c.again, shellQuote(name))
	}
	if _, err := io.WriteString(c.out, q.prompt); err != nil {
		return fmt.Errorf("%w: the question could not be shown: %w", xsite.ErrNotConfirmed, err)
	}
	answer, err := readLine(ctx, c.in)
	if err != nil {
		_, _ = io.WriteString(c.out, "\n") // the cursor stands behind the question
		return fmt.Errorf("%w: %w", xsite.ErrNotConfirmed, err)
	}
	if answer != name {
		return fmt.Errorf("%w: %q was typed, %s is %q", xsite.ErrNotConfirmed, answer, q.subject, name)
	}
	return nil
}

// readLine reads one line, without blanks around it; a line that does not end is an error. When the context ends first
// the read goes on in the background until the stream does: there is no way to take it back.
func readLine(ctx context.Context, in io.Reader) (string, error) {
	type read struct {
		line string
		err  error
	}
	done := make(chan read, 1)
	go func() {
		line, err := bufio.NewReader(io.LimitReader(in, longestAnswer)).ReadString('\n')
		done <- read{line, err}
	}()
	select {
	case <-ctx.Done():
		return "", context.Cause(ctx)
	case got := <-done:
		if errors.Is(got.err, io.EOF) {
			return "", errors.New("the input ended without an answer")
		}
		return strings.TrimSpace(got.line), got.err
	}
}
