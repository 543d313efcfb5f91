// Package fill writes many entries into a cache: over Hot Rod into both sites at a time ([Both]: 100,000 in
// some ten seconds) or one by one into one of them ([HotRod]), or over REST for a few ([Put]). It also has a client that
// stays connected ([Stay]).
package fill

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites/internal/servers"
)

//go:embed Fill.java
var program []byte

// Entries are what is written: the keys Prefix+First ... Prefix+(First+Count-1), all of them strings.
type Entries struct {
	Prefix       string
	First, Count int
	// ValueSize is the least length of a value, in bytes; a value is never shorter than its own text.
	ValueSize int
	// Lifespan is rounded to seconds; zero is for ever.
	Lifespan time.Duration
}

// Key is the key of entry number i.
func (e Entries) Key(i int) string { return e.Prefix + strconv.Itoa(i) }

// Value is the value of entry number i, the same whichever way it was written.
func (e Entries) Value(i int) string {
	value := "value-" + strconv.Itoa(i)
	return value + strings.Repeat(".", max(0, e.ValueSize-len(value)))
}

func (e Entries) seconds() string {
	return strconv.Itoa(int(e.Lifespan.Round(time.Second) / time.Second))
}

// Many is the number of entries from which Hot Rod, which has a JVM to start first, is quicker than REST.
const Many = 3000

// Quick is the batch size that fills a cache soonest. It is for writes that stay in their site, see [HotRod].
const Quick = 500

// HotRod writes entries into cache through the data endpoint of node as user, batch entries at a time. The
// endpoint must be without TLS.
//
// A batch of more than one entry must not be backed up to the other site while it is written: a transactional
// cache replays a large transaction there in many pieces at once, and now and then an entry of it is lost
// without an error (seen on 15.0.21 on a busy machine: 1 of 160,000). [Both] sees to that.
func HotRod(ctx context.Context, artifacts *servers.Artifacts, node *servers.Node, user servers.Credentials, cache string, entries Entries, batch int) error {
	threads := 4
	if batch == 1 {
		threads = 16
	}
	port, _ := node.HostPort(servers.DataPort)
	dir, err := os.MkdirTemp("", "fill-")
	if err != nil {
		return fmt.Errorf("make a folder for the filler: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }() // in the system's folder for such things
	cmd, err := fromSource(ctx, artifacts, filepath.Join(dir, "Fill.java"), program,
		"127.0.0.1", strconv.Itoa(port), cache, strconv.Itoa(entries.First), strconv.Itoa(entries.Count),
		entries.Prefix, strconv.Itoa(entries.ValueSize), entries.seconds(), strconv.Itoa(threads), strconv.Itoa(batch))
	if err != nil {
		return err
	}
	cmd.Stdin = strings.NewReader(user.User + "\n" + user.Password + "\n")
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("fill %s of %s with %d entries over hot rod: %w; the filler said:\n%s",
			cache, node.Name(), entries.Count, errors.Join(err, ctx.Err()), tail(said.Bytes()))
	}
	return nil
}

// fromSource prepares the run of a Java program with Infinispan's clients on its class path; source is written to path, which
// must be there until the program has ended.
func fromSource(ctx context.Context, artifacts *servers.Artifacts, path string, source []byte, args ...string) (*exec.Cmd, error) {
	if err := os.WriteFile(path, source, 0o600); err != nil {
		return nil, fmt.Errorf("write the program %s: %w", filepath.Base(path), err)
	}
	options := []string{"-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-Xmx256m", "-cp", artifacts.ClassPath, path}
	return exec.CommandContext(ctx, artifacts.Java, append(options, args...)...), nil
}

func tail(said []byte) []byte {
	const most = 4096
	return said[max(0, len(said)-most):]
}
