package control

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
)

// ErrNotUp says that nothing answers in the pair's folder.
var ErrNotUp = errors.New("no pair of sites is up there")

// ErrUnequal says that the sites were compared and differ. It crosses from a [Handler] to the caller of [Send].
var ErrUnequal = errors.New("the sites hold different data")

// Send asks the pair in dir to do request and copies to out what it says meanwhile. When nothing
// answers it is ErrNotUp; what the pair could not do is an error in its own words.
func Send(ctx context.Context, dir string, request Request, out io.Writer) error {
	socket, err := SocketPath(dir)
	if err != nil {
		return err
	}
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var dialer net.Dialer
			return dialer.DialContext(ctx, "unix", socket)
		},
	}}
	body, err := json.Marshal(request)
	if err != nil {
		return fmt.Errorf("encode the request: %w", err)
	}
	asked, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://sites/", bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("make the request: %w", err)
	}
	answer, err := client.Do(asked)
	if op := (*net.OpError)(nil); errors.As(err, &op) && op.Op == "dial" {
		return fmt.Errorf("%s: %w (start one: sites up)", dir, ErrNotUp)
	}
	if err != nil {
		return fmt.Errorf("ask the sites: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	return read(answer.Body, out)
}

// The lines of an answer begin with what they are: a line of output, or the end. An answer without an
// end was broken off.
const (
	lineOutput  = "> "
	lineFailed  = "! "
	lineUnequal = "~"
	lineDone    = "."
)

func read(body io.Reader, out io.Writer) error {
	lines := bufio.NewScanner(body)
	for lines.Scan() {
		line := lines.Text()
		switch {
		case line == lineDone:
			return nil
		case line == lineUnequal:
			return ErrUnequal
		case strings.HasPrefix(line, lineFailed):
			var message string
			if err := json.Unmarshal([]byte(line[len(lineFailed):]), &message); err != nil {
				return fmt.Errorf("the sites answered %q: %w", line, err)
			}
			return errors.New(message)
		case strings.HasPrefix(line, lineOutput):
			if _, err := fmt.Fprintln(out, line[len(lineOutput):]); err != nil {
				return err
			}
		default:
			return fmt.Errorf("the sites answered %q", line)
		}
	}
	return errors.Join(errors.New("the sites broke off their answer"), lines.Err())
}
