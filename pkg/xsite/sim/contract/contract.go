package contract

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"
)

// Pair is two sites of two nodes each, "site-a" and "site-b", without caches, that a script can drive.
type Pair interface {
	// Send sends one request to a node. An answer that does not come, or breaks off, is no error.
	Send(ctx context.Context, site string, node int, r Request) (Answer, error)
	// NodeNames are the names of the site's nodes now, by index.
	NodeNames(site string) []string
	// Freeze and Thaw stop all nodes of a site with a signal, and let them go on; FreezeNode and ThawNode one of them.
	Freeze(site string) error
	Thaw(site string) error
	FreezeNode(site string, node int) error
	ThawNode(site string, node int) error
	// RestartNode kills a node and returns when its successor is a member of the cluster.
	RestartNode(ctx context.Context, site string, node int) error
	// Cut, Delay and Heal are about the link between the sites. Linked waits until both see each other.
	Cut()
	Delay(d time.Duration)
	Heal()
	Linked(ctx context.Context) error
	// Wait lets time pass.
	Wait(ctx context.Context, d time.Duration) error
}

// Request is what is sent.
type Request struct {
	Method string `json:"method"`
	Path   string `json:"path"`
	// Flags is the header of that name, which says how a write is to be done.
	Flags string `json:"flags,omitempty"`
	// Accept and ContentType are the headers of these names; empty means application/json and none.
	Accept      string `json:"accept,omitempty"`
	ContentType string `json:"contentType,omitempty"`
	// KeyType is the media type of the key in the path.
	KeyType string `json:"keyType,omitempty"`
	Body    string `json:"body,omitempty"`
	// Auth is how the user is named: "" is Digest with the right password, and see the constants.
	Auth Auth `json:"auth,omitempty"`
	// Admin sends to the operator's port.
	Admin bool `json:"admin,omitempty"`
	// Patience is how long to wait for an answer.
	Patience time.Duration `json:"-"`
}

// Auth is a way to name the user.
type Auth string

// The ways to name the user.
const (
	AuthDigest Auth = ""
	AuthNone   Auth = "none"
	AuthBasic  Auth = "basic"
	AuthWrong  Auth = "wrong password"
)

// Answer is what came back.
type Answer struct {
	Status      int      `json:"status,omitempty"`
	ContentType string   `json:"contentType,omitempty"`
	Body        string   `json:"body,omitempty"`
	Challenges  []string `json:"challenges,omitempty"`
	// Dropped connections were closed without an answer; silent ones gave none in time.
	Dropped bool `json:"dropped,omitempty"`
	Silent  bool `json:"silent,omitempty"`
}

// Exchange is one request with its answer, in its state.
type Exchange struct {
	// State says what had happened before.
	State string `json:"state"`
	// Site and Node are who was asked.
	Site string `json:"site"`
	Node int    `json:"node"`

	Request Request `json:"request"`
	Answer  Answer  `json:"answer"`
	// Varies says why the body, or the way in which no answer comes, is not always the same; it is not compared then.
	Varies string `json:"varies,omitempty"`
}

// Name names the exchange in the output of tests.
func (e Exchange) Name() string {
	flags := ""
	if e.Request.Flags != "" {
		flags = " flags=" + e.Request.Flags
	}
	if e.Request.Auth != "" {
		flags += " auth=" + string(e.Request.Auth)
	}
	if e.Request.Admin {
		flags += " admin port"
	}
	return fmt.Sprintf("%s: %s/%d %s %s%s", e.State, e.Site, e.Node, e.Request.Method, e.Request.Path, flags)
}

// Record is what servers of one version answered.
type Record struct {
	// Version is the servers' Maven version.
	Version string `json:"version"`
	// NotReplayed lists what real servers do that this record does not show, each with the reason.
	NotReplayed []Omission `json:"notReplayed"`
	Exchanges   []Exchange `json:"exchanges"`
}

// Omission is something that the record does not show.
type Omission struct {
	What    string `json:"what"`
	Because string `json:"because"`
}

// Load reads a record.
func Load(file string) (Record, error) {
	var r Record
	raw, err := os.ReadFile(file) //nolint:gosec // the file is the caller's own
	if err != nil {
		return r, fmt.Errorf("read the record: %w", err)
	}
	if err := json.Unmarshal(raw, &r); err != nil {
		return r, fmt.Errorf("parse the record %s: %w", file, err)
	}
	return r, nil
}

// Save writes a record.
func (r Record) Save(file string) error {
	raw, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return fmt.Errorf("write the record: %w", err)
	}
	if err := os.WriteFile(file, append(raw, '\n'), 0o600); err != nil {
		return fmt.Errorf("write the record: %w", err)
	}
	return nil
}
