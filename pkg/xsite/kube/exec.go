package kube

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/client-go/util/exec"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// tunnelScript makes standard input and output of a command in the pod those of a connection to a port of the pod. It
// needs bash, for /dev/tcp, and cat; Infinispan's images have both. The only argument is the port: what is said over the
// connection, credentials as well, is in no argument list.
//
// The word for "connected" comes first, so that a dial knows. The tunnel ends when the server ends the connection, or
// when standard input ends, which is what becomes of it when this program or the API server goes away; then nothing of it
// is left in the pod. A way up that fails by itself (broken pipe) waits for what the server still has to say. Job control
// makes each way a process group, which can be ended whole; what the shell says of its jobs is not wanted.
const tunnelScript = `type cat >/dev/null || exit ` + exitNoCat + `
exec 3<>"/dev/tcp/127.0.0.1/$1" || exit ` + exitNotConnected + `
exec 4<&0
echo ` + tunnelConnected + `
set -m
cat <&3 4<&- & down=$!
{ cat <&4 >&3 && kill $down; } & up=$!
exec 2>/dev/null
wait $down
kill -- -$up
wait
exit 0`

const (
	// exitNoCat and exitNotConnected are exit codes of the script before it has connected.
	exitNoCat        = "112"
	exitNotConnected = "111"
	// tunnelConnected is the line that the script writes when it has connected.
	tunnelConnected = "ispn-resync-connected"
	// noiseLimit is how many bytes may come before that line, e.g. of a BASH_ENV that greets.
	noiseLimit = 4 << 10
)

// execDialer makes TCP-like connections into one pod, each by a command of its own in the server's container. It proves
// before and after the command's start that the pod still has its UID, before a byte is sent.
type execDialer struct {
	reach *reach
	pod   xsite.Pod
}

// dial connects to a port of the pod. The error wraps xsite.ErrPodGone when the pod is no longer there. A port that
// refuses connections, and a container that cannot run the command, is a *net.OpError with Op "dial" around a
// *ForwardError.
func (d *execDialer) dial(ctx context.Context, port int) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	defer context.AfterFunc(d.reach.life, cancel)()
	found, err := d.reach.find(ctx, d.pod)
	if err != nil {
		return nil, err
	}
	t := d.open(containerOf(found), port)
	select {
	case <-t.connected:
	case <-t.ended:
		if err := t.failure(); err != nil {
			return nil, err
		}
	case <-ctx.Done():
	}
	if ctx.Err() != nil {
		t.abandon()
		return nil, d.reach.ended(ctx, d.pod)
	}
	if gone := d.reach.check(ctx, d.pod); gone != nil {
		t.abandon() // nothing was sent over it
		return nil, gone
	}
	return t.conn, nil
}

// containerOf names the container of the server: the one of that name, else the first.
func containerOf(pod *corev1.Pod) string {
	for _, container := range pod.Spec.Containers {
		if container.Name == containerInfinispan {
			return container.Name
		}
	}
	if len(pod.Spec.Containers) == 0 {
		return ""
	}
	return pod.Spec.Containers[0].Name
}

// tunnel is one connection through a command in the pod.
type tunnel struct {
	dialer *execDialer
	conn   *podConn
	far    net.Conn
	// cut ends the stream without a word to the other side.
	cut context.CancelFunc
	// connected is closed when the script has connected, ended when the stream has ended and conn knows why.
	connected, ended chan struct{}

	mu         sync.Mutex
	noise      []byte // of standard output before the script has connected
	open       bool   // whether it has
	complaints bytes.Buffer
}

// open starts the command.
func (d *execDialer) open(container string, port int) *tunnel {
	near, far := net.Pipe()
	ctx, cut := context.WithCancel(d.reach.life)
	t := &tunnel{
		dialer: d, conn: newPodConn(near, podAddr{way: Exec, pod: d.pod.Name, port: port}), far: far, cut: cut,
		connected: make(chan struct{}), ended: make(chan struct{}),
	}
	go func() {
		defer cut()
		err := d.reach.stream(ctx, d.pod.Name, &corev1.PodExecOptions{
			Container: container, Stdin: true, Stdout: true, Stderr: true,
			Command: []string{"bash", "-c", tunnelScript, "bash", strconv.Itoa(port)},
		}, remotecommand.StreamOptions{
			Stdin:  &lastWords{far, func() { time.AfterFunc(messageGrace, cut) }},
			Stdout: &tunnelOutput{t}, Stderr: &tunnelComplaints{t},
		})
		t.conn.because(t.explain(ctx, err))
		_ = far.Close() // a pipe's Close does not fail
		close(t.ended)
	}()
	return t
}

// stream runs a command in a pod: over a WebSocket, and over SPDY where the server or a proxy on the way does not know
// it, as kubectl does.
func (r *reach) stream(ctx context.Context, pod string, command *corev1.PodExecOptions, options remotecommand.StreamOptions) error {
	target := r.site.api.kube.CoreV1().RESTClient().Post().
		Namespace(r.site.place.Namespace).Resource("pods").Name(pod).SubResource("exec").
		VersionedParams(command, scheme.ParameterCodec).URL()
	overOldWay := func() error {
		executor, err := remotecommand.NewSPDYExecutor(r.site.api.config, "POST", target)
		if err != nil {
			return fmt.Errorf("prepare SPDY: %w", err)
		}
		return executor.StreamWithContext(ctx, options)
	}
	if r.site.opts.SPDYForExec {
		return overOldWay()
	}
	executor, err := remotecommand.NewWebSocketExecutor(r.site.api.config, "GET", target.String())
	if err != nil {
		return fmt.Errorf("prepare a WebSocket: %w", err)
	}
	err = executor.StreamWithContext(ctx, options)
	if isUpgradeFailure(err) {
		err = overSPDY(overOldWay(), err)
	}
	return err
}

// abandon ends a tunnel that nobody got: it is told so, and has a moment to end. An end without a word while the library
// begins leaves goroutines of it behind.
func (t *tunnel) abandon() {
	_ = t.conn.Close() // a pipe's Close does not fail
	time.AfterFunc(messageGrace, t.cut)
}

// failure tells why the stream ended before the script had connected; nil when it has, or when the dial was given up.
func (t *tunnel) failure() error {
	select {
	case <-t.connected:
		return nil
	default:
	}
	if err := t.conn.explained(io.EOF); !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// explain makes an error of how the command ended, nil when the server ended the connection or this side did.
func (t *tunnel) explain(ctx context.Context, err error) error {
	t.mu.Lock()
	open, complaints := t.open, strings.TrimSpace(t.complaints.String())
	t.mu.Unlock()
	pod, remote := t.dialer.pod, t.conn.remote
	said := func(message string) error {
		return &ForwardError{Pod: pod.Name, Port: remote.port, Message: message}
	}
	var exit exec.ExitError
	exited := errors.As(err, &exit)
	switch {
	case ctx.Err() != nil && !open:
		return nil // the dial was given up
	case ctx.Err() != nil:
		return &LostError{Pod: pod.Name, Way: Exec}
	case open && err == nil && complaints == "":
		return nil
	case open && err == nil:
		return t.dialer.reach.broke("read", remote, pod, said(complaints))
	case open:
		return t.dialer.reach.broke("read", remote, pod, &LostError{Pod: pod.Name, Way: Exec, Err: err})
	case exited && strconv.Itoa(exit.ExitStatus()) == exitNotConnected:
		return t.dialer.reach.broke("dial", remote, pod, said(complaints))
	case exited || err == nil:
		return t.dialer.reach.broke("dial", remote, pod, said(cannotRun+": "+complaints))
	}
	return t.refused(err)
}

// cannotRun is the hint of a container in which the script does not run.
const cannotRun = "exec needs bash and cat in the container"

// refused explains a command that was not started: by the API server, or by the node behind it.
func (t *tunnel) refused(err error) error {
	pod, remote := t.dialer.pod, t.conn.remote
	message := err.Error()
	if strings.Contains(message, "executable file not found") || strings.Contains(message, "no such file or directory") {
		return t.dialer.reach.broke("dial", remote, pod, &ForwardError{Pod: pod.Name, Port: remote.port, Message: cannotRun + ": " + message})
	}
	ctx, cancel := context.WithTimeout(t.dialer.reach.life, dialTimeout)
	defer cancel()
	err = t.dialer.reach.refused(err, pod.Name, "exec")
	if gone := t.dialer.reach.check(ctx, pod); errors.Is(gone, xsite.ErrPodGone) {
		err = fmt.Errorf("%w: %w", gone, err)
	}
	return err
}

// lastWords is the input of a tunnel: when the near end is closed the command is told so, and has a moment to end.
type lastWords struct {
	far net.Conn
	// over is called at the end.
	over func()
}

// Read reads what is to be sent.
func (w *lastWords) Read(p []byte) (int, error) {
	n, err := w.far.Read(p)
	if err != nil {
		w.over()
		return n, io.EOF // whatever it was, there is no more to send
	}
	return n, nil
}

// tunnelOutput takes the command's standard output: first the word that it has connected, then what the server sends.
type tunnelOutput struct{ *tunnel }

// Write passes on. It never fails: what nobody wants any more is dropped.
func (t *tunnelOutput) Write(p []byte) (int, error) {
	rest := p
	t.mu.Lock()
	open := t.open
	if !open {
		t.noise = append(t.noise, p...)
		var found bool
		if _, rest, found = bytes.Cut(t.noise, []byte(tunnelConnected+"\n")); found {
			t.open, t.noise, open = true, nil, true
			close(t.connected)
		} else if len(t.noise) > noiseLimit {
			t.noise = t.noise[len(t.noise)-noiseLimit:]
		}
	}
	t.mu.Unlock()
	if open && len(rest) > 0 {
		_, _ = t.far.Write(rest) // fails when the near end is closed
	}
	return len(p), nil
}

// tunnelComplaints takes the command's standard error.
type tunnelComplaints struct{ *tunnel }

// Write keeps the first of it.
func (t *tunnelComplaints) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.complaints.Write(p[:min(len(p), messageLimit-min(messageLimit, t.complaints.Len()))])
	return len(p), nil
}
