package kubelet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"k8s.io/cri-streaming/pkg/streaming/remotecommand"
	utilexec "k8s.io/utils/exec"
)

// executor runs the commands of one exec stream.
//
// There is no container here: a command runs on the machine itself, beside the pod's workload, with
// the machine's files and programs. So that it finds the right workload all the same, the ports the
// workload has on loopback are in its environment (ISPN_PORT_11222=31017), and a container port in an
// argument is replaced by that port where it can only mean the pod's own: in
// /dev/tcp/127.0.0.1/PORT, in 127.0.0.1:PORT, the same with localhost, and as an argument of its own.
// A terminal is not offered.
type executor struct {
	k        *Kubelet
	workload Workload
}

// containerPorts are the ports an exec may mean: Infinispan's data and admin endpoint.
func containerPorts() []int32 { return []int32{11222, 11223} }

// ExecInContainer runs cmd and returns its exit code as an ExitError. It is killed when the workload
// dies, as everything in a container is.
//
//nolint:contextcheck // the given context never ends; the node's does
func (e executor) ExecInContainer(_ context.Context, name, uid, container string, cmd []string, in io.Reader,
	out, errOut io.WriteCloser, tty bool, _ <-chan remotecommand.TerminalSize, _ time.Duration,
) error {
	if tty {
		return errors.New("the harness's pods have no terminal; leave out -t")
	}
	if len(cmd) == 0 {
		return errors.New("no command was given")
	}
	ctx, cancel := context.WithCancel(e.k.ctx)
	defer cancel()
	go func() {
		select {
		case <-e.workload.Done():
			cancel()
		case <-ctx.Done():
		}
	}()
	args, env := e.localise(cmd)
	local := exec.CommandContext(ctx, args[0], args[1:]...)
	local.Env = append(os.Environ(), env...)
	// Whoever inherited the output of a killed command may keep it open.
	local.WaitDelay = time.Second
	if out != nil {
		local.Stdout = out
	}
	if errOut != nil {
		local.Stderr = errOut
	}
	if in != nil {
		// Not cmd.Stdin: Wait would wait for a client that never ends its side.
		stdin, err := local.StdinPipe()
		if err != nil {
			return fmt.Errorf("open the command's input: %w", err)
		}
		go func() {
			defer func() { _ = stdin.Close() }()
			if _, err := io.Copy(stdin, in); err != nil {
				return // either side is gone; the command learns it from its end of input
			}
		}()
	}
	process, err := e.k.o.Group.Adopt("exec-"+uid[:8]+"-"+filepath.Base(args[0]), local)
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, os.ErrNotExist) {
		return utilexec.CodeExitError{Err: fmt.Errorf("pod %s, container %s: %w", name, container, err), Code: 127}
	}
	if err != nil {
		return err
	}
	<-process.Done()
	var exit *exec.ExitError
	if err := process.Err(); errors.As(err, &exit) {
		code := exit.ExitCode()
		if code < 0 {
			code = 137
		}
		return utilexec.CodeExitError{Err: exit, Code: code}
	} else if err != nil && !errors.Is(err, exec.ErrWaitDelay) {
		return fmt.Errorf("run a command for pod %s: %w", name, err)
	}
	return nil
}

// localise maps the container ports that cmd speaks of to the workload's own.
func (e executor) localise(cmd []string) (args, env []string) {
	mapped := map[string]string{}
	for _, port := range containerPorts() {
		if host, ok := e.workload.HostPort(port); ok {
			mapped[strconv.Itoa(int(port))] = strconv.Itoa(host)
			env = append(env, fmt.Sprintf("ISPN_PORT_%d=%d", port, host))
		}
	}
	own := regexp.MustCompile(`^(\d+)$|((?:/dev/tcp/(?:127\.0\.0\.1|localhost)/)|(?:(?:127\.0\.0\.1|localhost):))(\d+)\b`)
	for _, arg := range cmd {
		args = append(args, own.ReplaceAllStringFunc(arg, func(found string) string {
			parts := own.FindStringSubmatch(found)
			if host, ok := mapped[parts[1]+parts[3]]; ok {
				return parts[2] + host
			}
			return found
		}))
	}
	return args, env
}
