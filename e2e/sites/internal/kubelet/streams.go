package kubelet

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/cri-streaming/pkg/streaming/portforward"
	"k8s.io/cri-streaming/pkg/streaming/remotecommand"
)

const (
	streamIdle   = 4 * time.Hour
	streamCreate = 30 * time.Second
)

// streams is the part of a kubelet's HTTP interface that an apiserver uses. The pod is looked up by
// name once, at the start of a stream; from there on the stream knows it by UID.
func (k *Kubelet) streams() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/portForward/{namespace}/{pod}", k.withPod(k.servePortForward))
	mux.HandleFunc("/exec/{namespace}/{pod}/{container}", k.withPod(k.serveExec))
	mux.HandleFunc("GET /containerLogs/{namespace}/{pod}/{container}", k.withPod(k.serveLogs))
	return mux
}

func (k *Kubelet) withPod(serve func(http.ResponseWriter, *http.Request, *podWorker)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		worker, ok := k.byName(r.PathValue("namespace"), r.PathValue("pod"))
		if !ok {
			http.Error(w, "pod does not exist", http.StatusNotFound)
			return
		}
		serve(w, r, worker)
	}
}

func (k *Kubelet) servePortForward(w http.ResponseWriter, r *http.Request, worker *podWorker) {
	options, err := portforward.NewV4Options(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	portforward.ServePortForward(w, r, forwarder{k}, worker.pod.Name, string(worker.pod.UID), options,
		streamIdle, streamCreate, portforward.SupportedProtocols)
}

func (k *Kubelet) serveExec(w http.ResponseWriter, r *http.Request, worker *podWorker) {
	options, err := remotecommand.NewOptions(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	workload := worker.current()
	if workload == nil {
		http.Error(w, fmt.Sprintf("container %q does not run", r.PathValue("container")), http.StatusInternalServerError)
		return
	}
	remotecommand.ServeExec(w, r, executor{k, workload}, worker.pod.Name, string(worker.pod.UID), r.PathValue("container"),
		r.URL.Query()["command"], options, streamIdle, streamCreate, remotecommand.SupportedStreamingProtocols)
}

// forwarder connects the streams of one port-forward to the workloads of one pod.
type forwarder struct{ k *Kubelet }

// PortForward copies between stream and the loopback port behind a port of the pod with this UID,
// until one side ends or the workload that it was connected to dies. The context it is given by the
// library is never cancelled, so the node's own one counts.
func (f forwarder) PortForward(_ context.Context, _, uid string, port int32, stream io.ReadWriteCloser) error {
	worker, ok := f.k.byUID(types.UID(uid))
	if !ok || worker.vanished.closed() {
		return fmt.Errorf("pod sandbox %q does not exist any more", uid)
	}
	workload := worker.current()
	refused := fmt.Errorf("dial tcp 127.0.0.1:%d in pod %s: connect: connection refused", port, worker.pod.Name)
	if workload == nil {
		return refused
	}
	host, ok := workload.HostPort(port)
	if !ok {
		return refused
	}
	var dialer net.Dialer
	conn, err := dialer.DialContext(f.k.ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(host))) //nolint:contextcheck // see above
	if err != nil {
		return fmt.Errorf("port %d of pod %s: %w", port, worker.pod.Name, err)
	}
	defer func() { _ = conn.Close() }()
	server, ok := conn.(*net.TCPConn)
	if !ok {
		return fmt.Errorf("port %d of pod %s: %T is no TCP connection", port, worker.pod.Name, conn)
	}
	pipe(f.k.ctx, stream, server, workload.Done()) //nolint:contextcheck // see above
	return nil
}

// pipe copies both ways until the server has ended its side, cut is closed or ctx ends. When only the
// client has ended its side, the server is told so and may still answer.
func pipe(ctx context.Context, client io.ReadWriter, server *net.TCPConn, cut <-chan struct{}) {
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		// How a broken connection ended is nothing the pod could be blamed for; a kubelet ends the
		// stream and says nothing either.
		_, _ = io.Copy(client, server)
	}()
	go func() {
		if _, err := io.Copy(server, client); err != nil {
			// The client broke off: there is nobody left to answer.
			_ = server.Close()
			return
		}
		if err := server.CloseWrite(); err != nil {
			_ = server.Close()
		}
	}()
	select {
	case <-answered:
	case <-cut:
	case <-ctx.Done():
	}
}
