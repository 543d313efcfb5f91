package kube

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"

	gwebsocket "github.com/gorilla/websocket"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	constants "k8s.io/apimachinery/pkg/util/remotecommand"
	criremotecommand "k8s.io/cri-streaming/pkg/streaming/remotecommand"
	utilexec "k8s.io/utils/exec"
)

// ranCommand is a command that was to be run in a pod.
type ranCommand struct {
	pod, container string
	args           []string
}

// ExecInContainer runs a command on this machine, beside what the pod exposes: its last argument is a port of the pod. It
// returns when nothing of the command runs any more.
func (k *kubelet) ExecInContainer(_ context.Context, pod, _, container string, args []string, in io.Reader, out, errOut io.WriteCloser,
	_ bool, _ <-chan criremotecommand.TerminalSize, _ time.Duration,
) error {
	k.lock.Lock()
	k.commands = append(k.commands, ranCommand{pod, container, args})
	port := "1" // refuses
	if address, ok := k.ports[pod+":"+args[len(args)-1]]; ok {
		_, port, _ = net.SplitHostPort(address)
	}
	instead, env := k.instead, k.env
	k.running++
	k.lock.Unlock()
	defer func() {
		k.lock.Lock()
		defer k.lock.Unlock()
		k.running--
	}()
	if instead != nil {
		return instead(in, out, errOut)
	}
	path, err := exec.LookPath(args[0])
	if err != nil {
		return err
	}
	command := exec.Command(path, append(args[1:len(args)-1:len(args)-1], port)...)
	command.Env = append(os.Environ(), env...)
	command.Stdout, command.Stderr = out, errOut
	stdin, err := command.StdinPipe()
	if err != nil {
		return err
	}
	if err := command.Start(); err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(stdin, in)
		_ = stdin.Close()
	}()
	var exit *exec.ExitError
	if err = command.Wait(); errors.As(err, &exit) {
		return utilexec.CodeExitError{Err: err, Code: exit.ExitCode()}
	}
	return err
}

// leftRunning is how many commands run.
func (k *kubelet) leftRunning() int {
	k.lock.Lock()
	defer k.lock.Unlock()
	return k.running
}

// serveExec answers an exec request over SPDY, or over WebSockets as an API server does.
func (k *kubelet) serveExec(w http.ResponseWriter, r *http.Request, pod string) {
	query := r.URL.Query()
	if strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		k.execOverSocket(w, r, pod, query.Get("container"), query["command"])
		return
	}
	criremotecommand.ServeExec(w, r, k, pod, "", query.Get("container"), query["command"],
		&criremotecommand.Options{Stdin: true, Stdout: true, Stderr: true}, time.Minute, 10*time.Second, criremotecommand.SupportedStreamingProtocols)
}

// execOverSocket speaks the fifth version of the protocol, which can end standard input.
func (k *kubelet) execOverSocket(w http.ResponseWriter, r *http.Request, pod, container string, args []string) {
	upgrader := gwebsocket.Upgrader{Subprotocols: []string{constants.StreamProtocolV5Name}}
	socket, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer func() { _ = socket.Close() }()
	k.track(socket)
	in, input := io.Pipe()
	go func() {
		defer func() { _ = input.Close() }()
		for {
			_, message, err := socket.ReadMessage()
			if err != nil || message[0] == constants.StreamClose {
				return
			}
			_, _ = input.Write(message[1:])
		}
	}()
	var turn sync.Mutex
	channel := func(id byte) io.WriteCloser { return &socketChannel{&turn, socket, id} }
	err = k.ExecInContainer(r.Context(), pod, "", container, args, in, channel(constants.StreamStdOut), channel(constants.StreamStdErr), false, nil, 0)
	_, _ = channel(constants.StreamErr).Write(statusOf(err))
	turn.Lock()
	defer turn.Unlock()
	_ = socket.WriteMessage(gwebsocket.CloseMessage, gwebsocket.FormatCloseMessage(gwebsocket.CloseNormalClosure, ""))
}

// socketChannel is one stream from the command over a WebSocket.
type socketChannel struct {
	turn   *sync.Mutex
	socket *gwebsocket.Conn
	id     byte
}

func (c *socketChannel) Write(p []byte) (int, error) {
	c.turn.Lock()
	defer c.turn.Unlock()
	return len(p), c.socket.WriteMessage(gwebsocket.BinaryMessage, append([]byte{c.id}, p...))
}

func (c *socketChannel) Close() error { return nil }

// statusOf is how the end of a command is said.
func statusOf(err error) []byte {
	status := metav1.Status{Status: metav1.StatusSuccess}
	var exit utilexec.ExitError
	switch {
	case errors.As(err, &exit):
		status = metav1.Status{Status: metav1.StatusFailure, Reason: constants.NonZeroExitCodeReason, Details: &metav1.StatusDetails{
			Causes: []metav1.StatusCause{{Type: constants.ExitCodeCauseType, Message: strconv.Itoa(exit.ExitStatus())}},
		}}
	case err != nil:
		status = metav1.Status{Status: metav1.StatusFailure, Reason: metav1.StatusReasonInternalError, Message: "error executing command in container: " + err.Error()}
	}
	var text bytes.Buffer
	_ = json.NewEncoder(&text).Encode(status)
	return text.Bytes()
}
