package servers

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites/internal/proc"
)

// Node is one Infinispan server: one JVM, from its start until it has died. A restarted pod is another
// Node.
type Node struct {
	name, serverName, site string
	data, admin            int
	tls                    bool
	container              string
	process                *proc.Process
}

// Name is the pod's name. ServerName is the name the server has in its cluster's view.
func (n *Node) Name() string { return n.name }

// ServerName is the node's name in Infinispan: the pod's with five digits.
func (n *Node) ServerName() string { return n.serverName }

// Pid is the JVM's process id.
func (n *Node) Pid() int { return n.process.Pid() }

// LogFile holds what the server logged; later nodes of the same name append to it.
func (n *Node) LogFile() string { return n.process.LogFile() }

// Done is closed when the JVM has died.
func (n *Node) Done() <-chan struct{} { return n.process.Done() }

// HostPort is the loopback port behind a container port, [DataPort] or [AdminPort].
func (n *Node) HostPort(containerPort int32) (int, bool) {
	switch containerPort {
	case DataPort:
		return n.data, true
	case AdminPort:
		return n.admin, true
	}
	return 0, false
}

// RestURL is the base address of a container port, without a path: "http://127.0.0.1:20123". It is empty
// for a port the node does not have.
func (n *Node) RestURL(containerPort int32) string {
	port, ok := n.HostPort(containerPort)
	if !ok {
		return ""
	}
	scheme := "http"
	if n.tls && containerPort == DataPort {
		scheme = "https"
	}
	return fmt.Sprintf("%s://127.0.0.1:%d", scheme, port)
}

// Ready asks once what the operator's readiness probe asks: the anonymous health status on the admin
// port. A process that lives is no sign: a server whose
// configuration does not parse stays alive.
func (n *Node) Ready(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, n.RestURL(AdminPort)+"/rest/v2/"+n.container+"/health/status", http.NoBody)
	if err != nil {
		return false
	}
	// No connection is kept: a probe must not outlive the pod it asked.
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(req)
	if err != nil {
		return false
	}
	defer func() { _ = answer.Body.Close() }()
	return answer.StatusCode == http.StatusOK
}

// readyLimit is many times what a start takes; a server that cannot start may stay alive and silent.
const readyLimit = 2 * time.Minute

// WaitReady waits until the node answers. The error of one that died, or that did not answer within two
// minutes or before ctx ended, carries the end of its log.
func (n *Node) WaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyLimit)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for !n.Ready(ctx) {
		select {
		case <-n.Done():
			return fmt.Errorf("%s of %s died while it started:\n%s", n.name, n.site, n.logTail())
		case <-ctx.Done():
			return fmt.Errorf("%s of %s does not answer: %w; the end of its log:\n%s", n.name, n.site, ctx.Err(), n.logTail())
		case <-tick.C:
		}
	}
	return nil
}

// Stop ends the server as a kubelet does: TERM, then KILL after 20 s or when ctx ends.
func (n *Node) Stop(ctx context.Context) error { return n.process.Stop(ctx) }

// Kill ends the server at once (KILL), as a crash does.
func (n *Node) Kill() error { return n.process.Kill() }

// Freeze halts the server (STOP) and returns when it stands still: its connections stay open and nothing
// answers.
func (n *Node) Freeze() error { return n.process.Freeze() }

// Thaw lets a frozen server go on (CONT).
func (n *Node) Thaw() error { return n.process.Thaw() }

func (n *Node) running() bool {
	select {
	case <-n.Done():
		return false
	default:
		return true
	}
}

// logTail is the end of the log, at most 4 KiB; what cannot be read is said in its place.
func (n *Node) logTail() string {
	log, err := os.ReadFile(n.LogFile())
	if err != nil {
		return err.Error()
	}
	const most = 4096
	if len(log) > most {
		log = log[len(log)-most:]
	}
	return string(bytes.TrimSpace(log))
}
