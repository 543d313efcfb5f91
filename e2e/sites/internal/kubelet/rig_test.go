package kubelet_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/transport/spdy"
	"k8s.io/streaming/pkg/httpstream"

	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites/internal/controlplane"
	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites/internal/kubelet"
	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites/internal/operators"
	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites/internal/proc"
)

// rig is one site on a real control plane whose Infinispan pods are echo servers.
type rig struct {
	plane  *controlplane.Plane
	config *rest.Config
	kube   kubernetes.Interface
	dyn    dynamic.Interface
	echoes *echoes
}

const namespace = controlplane.Namespace

func newRig(t *testing.T) *rig {
	t.Helper()
	dir := t.TempDir()
	group, err := proc.NewGroup(filepath.Join(dir, "pids"))
	if err != nil {
		t.Fatal(err)
	}
	module, err := controlplane.FindModule(".")
	if err != nil {
		t.Fatal(err)
	}
	cache, err := controlplane.CacheDir()
	if err != nil {
		t.Fatal(err)
	}
	bin, err := controlplane.Build(t.Context(), module, cache, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	// A log that outlives the test would be a panic.
	var logs sync.Mutex
	open := true
	logf := func(format string, args ...any) {
		logs.Lock()
		defer logs.Unlock()
		if open {
			t.Logf(format, args...)
		}
	}
	life, end := context.WithCancel(context.WithoutCancel(t.Context()))
	t.Cleanup(func() {
		end()
		if err := group.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
		logs.Lock()
		defer logs.Unlock()
		open = false
	})
	r := &rig{echoes: &echoes{}}
	if r.plane, err = controlplane.Start(life, controlplane.Options{
		Group: group, Binaries: bin, Dir: filepath.Join(dir, "plane"), Sites: []string{"site-a", "site-b"}, Log: logf,
	}); err != nil {
		t.Fatal(err)
	}
	if r.config, err = r.plane.RESTConfig("site-a"); err != nil {
		t.Fatal(err)
	}
	if r.kube, err = kubernetes.NewForConfig(r.config); err != nil {
		t.Fatal(err)
	}
	if r.dyn, err = dynamic.NewForConfig(r.config); err != nil {
		t.Fatal(err)
	}
	tls, err := r.plane.KubeletTLS("node-a")
	if err != nil {
		t.Fatal(err)
	}
	node, err := kubelet.Start(life, kubelet.Options{
		Node: "node-a", Client: r.kube, TLS: tls, Group: group, Log: logf, ProbeEvery: 20 * time.Millisecond,
		Runtime: kubelet.ByLabel{"infinispan-pod": r.echoes, "keycloak": kubelet.Idle{}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := node.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	ops, err := operators.Start(life, operators.Options{
		Config: r.config, Namespace: namespace, Node: "node-a", Site: "site-a", Peer: "site-b", Nodes: 2, KeycloakInstances: 2,
		Version: "15.0.21.Final", OperatorPassword: "op:word", DeveloperPassword: "dev-word", Log: logf,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := ops.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// echoes is a Runtime of TCP servers that say their name and then echo.
type echoes struct {
	mu      sync.Mutex
	started int
	running map[types.UID]*echo
}

func (e *echoes) Start(ctx context.Context, pod *corev1.Pod) (kubelet.Workload, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.started++
	w := &echo{name: fmt.Sprintf("%s#%d", pod.Name, e.started), listener: listener, done: make(chan struct{})}
	go w.serve()
	if e.running == nil {
		e.running = map[types.UID]*echo{}
	}
	e.running[pod.UID] = w
	return w, nil
}

func (e *echoes) of(pod *corev1.Pod) *echo {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.running[pod.UID]
}

type echo struct {
	name     string
	listener net.Listener
	once     sync.Once
	done     chan struct{}
}

func (w *echo) serve() {
	for {
		conn, err := w.listener.Accept()
		if err != nil {
			return
		}
		// Open connections stay open when the workload "dies": that they end is the kubelet's part.
		go func() {
			_, err := fmt.Fprintln(conn, w.name)
			if err == nil {
				_, err = io.Copy(conn, conn)
			}
			// A client that broke off is no failure of the server's.
			_ = errors.Join(err, conn.Close())
		}()
	}
}

func (w *echo) die() {
	w.once.Do(func() {
		_ = w.listener.Close()
		close(w.done)
	})
}
func (w *echo) Ready(context.Context) bool { return true }
func (w *echo) HostPort(port int32) (int, bool) {
	return w.listener.Addr().(*net.TCPAddr).Port, port == 11222
}
func (w *echo) LogFile() string            { return "" }
func (w *echo) Done() <-chan struct{}      { return w.done }
func (w *echo) Stop(context.Context) error { w.die(); return nil }

// wait polls a condition of the site.
func wait(t *testing.T, what string, condition func(ctx context.Context) (bool, error)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, err := condition(ctx)
		if ok {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("waited in vain until %s (last error: %v)", what, err)
		case <-tick.C:
		}
	}
}

func (r *rig) readyPod(t *testing.T, name string, not ...types.UID) *corev1.Pod {
	t.Helper()
	var found *corev1.Pod
	wait(t, name+" is ready", func(ctx context.Context) (bool, error) {
		pod, err := r.kube.CoreV1().Pods(namespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return false, err
		}
		if slices.Contains(not, pod.UID) {
			return false, nil
		}
		for _, c := range pod.Status.Conditions {
			if c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue {
				found = pod
				return true, nil
			}
		}
		return false, nil
	})
	return found
}

// forward opens a port-forward to a pod's data port and returns its local address.
func (r *rig) forward(t *testing.T, pod, way string) string {
	t.Helper()
	url := r.kube.CoreV1().RESTClient().Post().Resource("pods").Namespace(namespace).Name(pod).SubResource("portforward").URL()
	roundTripper, upgrader, err := spdy.RoundTripperFor(r.config)
	if err != nil {
		t.Fatal(err)
	}
	dialer := spdy.NewDialer(upgrader, &http.Client{Transport: roundTripper}, http.MethodPost, url)
	if way != "SPDY" {
		websocket, err := portforward.NewSPDYOverWebsocketDialer(url, r.config)
		if err != nil {
			t.Fatal(err)
		}
		fallback := dialer
		dialer = portforward.NewFallbackDialer(websocket, fallback, httpstream.IsUpgradeFailure)
	}
	stop, ready := make(chan struct{}), make(chan struct{})
	f, err := portforward.NewOnAddresses(dialer, []string{"127.0.0.1"}, []string{"0:11222"}, stop, ready, io.Discard, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- f.ForwardPorts() }()
	t.Cleanup(func() { close(stop) })
	select {
	case <-ready:
	case err := <-ended:
		t.Fatalf("port-forward over %s: %v", way, err)
	}
	ports, err := f.GetPorts()
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("127.0.0.1:%d", ports[0].Local)
}

// talk connects, reads the greeting and proves the echo.
func talk(t *testing.T, address string) (net.Conn, string) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	greeting := readLine(t, conn)
	if _, err := fmt.Fprintln(conn, "hello"); err != nil {
		t.Fatal(err)
	}
	if answer := readLine(t, conn); answer != "hello" {
		t.Fatalf("the echo of hello is %q", answer)
	}
	return conn, greeting
}

func readLine(t *testing.T, conn io.Reader) string {
	t.Helper()
	var line []byte
	for b := make([]byte, 1); ; line = append(line, b[0]) {
		if _, err := io.ReadFull(conn, b); err != nil {
			t.Fatalf("read a line: %v", err)
		}
		if b[0] == '\n' {
			return string(line)
		}
	}
}
