package fill

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites/internal/servers"
)

//go:embed Stay.java
var stayProgram []byte

// Connection is a Hot Rod client that is connected to a node.
type Connection struct {
	cmd   *exec.Cmd
	stdin io.Closer
	said  *bytes.Buffer
	dir   string
}

// Stay connects to cache over Hot Rod through the data endpoint of node as user, as an application does, and returns once it
// has read from it. It stays connected until Close, or until ctx ends. The endpoint must be without TLS.
func Stay(ctx context.Context, artifacts *servers.Artifacts, node *servers.Node, user servers.Credentials, cache string) (*Connection, error) {
	dir, err := os.MkdirTemp("", "stay-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for the client: %w", err)
	}
	c := &Connection{said: &bytes.Buffer{}, dir: dir}
	if err := c.start(ctx, artifacts, node, user, cache); err != nil {
		return nil, errors.Join(fmt.Errorf("connect to %s of %s over hot rod: %w; the client said:\n%s", cache, node.Name(), err, tail(c.said.Bytes())),
			os.RemoveAll(dir))
	}
	return c, nil
}

// start starts the program and waits for its word.
func (c *Connection) start(ctx context.Context, artifacts *servers.Artifacts, node *servers.Node, user servers.Credentials, cache string) error {
	port, _ := node.HostPort(servers.DataPort)
	var err error
	if c.cmd, err = fromSource(ctx, artifacts, filepath.Join(c.dir, "Stay.java"), stayProgram, "127.0.0.1", strconv.Itoa(port), cache); err != nil {
		return err
	}
	c.cmd.Stderr = c.said
	stdin, err := c.cmd.StdinPipe()
	if err != nil {
		return err
	}
	c.stdin = stdin
	stdout, err := c.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := c.cmd.Start(); err != nil {
		return err
	}
	_, written := io.WriteString(stdin, user.User+"\n"+user.Password+"\n")
	word, read := bufio.NewReader(stdout).ReadString('\n')
	if word == "connected\n" {
		return nil
	}
	return errors.Join(written, read, c.end())
}

// end ends the program and waits until it has ended.
func (c *Connection) end() error {
	return errors.Join(c.stdin.Close(), c.cmd.Wait())
}

// Close disconnects.
func (c *Connection) Close() error {
	return errors.Join(c.end(), os.RemoveAll(c.dir))
}
