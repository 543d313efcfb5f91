package infinispan

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
)

// PushStatus is the state of a cache's push to a site, merged over the nodes of the cluster (F6).
type PushStatus string

// The states of a push.
const (
	// PushIdle: never pushed, or cleared, or the node that knew has gone (V19).
	PushIdle PushStatus = "IDLE"
	// PushSending: running, or stuck (V10, V15).
	PushSending PushStatus = "SENDING"
	// PushOK: ended without a known error, which does not prove that anything arrived (V16, V57).
	PushOK PushStatus = "OK"
	// PushError: ended with an error.
	PushError PushStatus = "ERROR"
	// PushCanceled: ended by CancelPush.
	PushCanceled PushStatus = "CANCELED"
)

func (s PushStatus) known() bool {
	switch s {
	case PushIdle, PushSending, PushOK, PushError, PushCanceled:
		return true
	}
	return false
}

// PushStatus asks for the state of a cache's pushes, by site name. The server reports its own trouble with status 200
// and {"ERROR": "words"}; that is an UnexpectedAnswerError here.
func (c *Client) PushStatus(ctx context.Context, cache string) (map[string]PushStatus, error) {
	p, err := cachePath(cache, "x-site", "backups")
	if err != nil {
		return nil, err
	}
	a, err := c.do(ctx, request{method: http.MethodGet, path: p, query: "action=push-state-status"})
	if err != nil {
		return nil, err
	}
	return parsePushStatus(a)
}

func parsePushStatus(a *answer) (map[string]PushStatus, error) {
	var states map[string]PushStatus
	if err := a.decode(&states); err != nil {
		return nil, err
	}
	if len(states) == 0 {
		return nil, a.unexpected("no site at all")
	}
	for site, state := range states {
		switch {
		case state.known():
		case site == "ERROR":
			return nil, a.unexpected("the server could not collect the push status")
		default:
			return nil, a.unexpected("an unknown push status")
		}
	}
	return states, nil
}

// ClearPushStatus forgets the result of the last push of a cache, on all nodes. A push that runs, or is stuck, keeps
// its status although the server says ok (V11). Any other word than ok is an error, since the server reports trouble
// with status 200.
func (c *Client) ClearPushStatus(ctx context.Context, cache string) error {
	p, err := cachePath(cache, "x-site", "local")
	if err != nil {
		return err
	}
	a, err := c.do(ctx, request{method: http.MethodPost, path: p, query: "action=clear-push-state-status"})
	if err != nil {
		return err
	}
	if word := bytes.TrimSpace(a.body); a.status != http.StatusOK || string(bytes.Trim(word, `"`)) != "ok" {
		return a.unexpected(`anything but "ok"`)
	}
	return nil
}

// Mode says whether a site pushes state by itself when its peer returns (V7).
type Mode string

// The state transfer modes.
const (
	ModeManual Mode = "MANUAL"
	ModeAuto   Mode = "AUTO"
)

func (m Mode) known() bool {
	return m == ModeManual || m == ModeAuto
}

// StateTransferMode asks for the mode of a cache's backup to a site. SYNC backups are always MANUAL.
func (c *Client) StateTransferMode(ctx context.Context, cache, site string) (Mode, error) {
	p, err := sitePath(cache, site, "state-transfer-mode")
	if err != nil {
		return "", err
	}
	a, err := c.do(ctx, request{method: http.MethodGet, path: p})
	if err != nil {
		return "", err
	}
	return parseMode(a)
}

func parseMode(a *answer) (Mode, error) {
	var mode Mode
	if err := a.decode(&mode); err != nil {
		return "", err
	}
	if !mode.known() {
		return "", a.unexpected("an unknown state transfer mode")
	}
	return mode, nil
}

// SetStateTransferMode sets the mode of a cache's backup to a site. A mode that is set already is fine (status 304, V8).
// SYNC backups refuse both modes with status 400 and ISPN000634.
func (c *Client) SetStateTransferMode(ctx context.Context, cache, site string, mode Mode) error {
	if !mode.known() {
		return fmt.Errorf("infinispan client: %q is no state transfer mode", mode)
	}
	p, err := sitePath(cache, site, "state-transfer-mode")
	if err != nil {
		return err
	}
	a, err := c.do(ctx, request{method: http.MethodPost, path: p, query: "action=set&mode=" + string(mode)})
	if err != nil {
		return err
	}
	if a.status == http.StatusNotModified {
		return nil
	}
	return a.done()
}
