package kube

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	gwebsocket "github.com/gorilla/websocket"
	constants "k8s.io/apimachinery/pkg/util/portforward"
	"k8s.io/client-go/tools/portforward"
	criportforward "k8s.io/cri-streaming/pkg/streaming/portforward"
)

// kubelet is the far end of port-forwards: the kubelet's own handler over SPDY, and in front of it the API server's
// tunnel for WebSockets.
type kubelet struct {
	address string

	lock     sync.Mutex
	ports    map[string]string // "POD:PORT" -> address on loopback
	open     map[io.Closer]struct{}
	opened   int
	noSocket bool // the server does not know WebSockets
	spdy     int

	commands []ranCommand
	running  int
	instead  func(in io.Reader, out, errOut io.Writer) error // what a command does, in the place of a real one
	env      []string
}

func (k *kubelet) init(address string) {
	k.address, k.ports, k.open = address, map[string]string{}, map[io.Closer]struct{}{}
}

// expose makes a port of a pod lead to an address.
func (k *kubelet) expose(pod string, port int, address string) {
	k.lock.Lock()
	defer k.lock.Unlock()
	k.ports[fmt.Sprintf("%s:%d", pod, port)] = address
}

// cut breaks all port-forward connections.
func (k *kubelet) cut() {
	k.lock.Lock()
	defer k.lock.Unlock()
	for c := range k.open {
		_ = c.Close()
	}
	clear(k.open)
}

func (k *kubelet) track(c io.Closer) {
	k.lock.Lock()
	defer k.lock.Unlock()
	k.open[c] = struct{}{}
}

func (k *kubelet) forwards() int {
	k.lock.Lock()
	defer k.lock.Unlock()
	return k.opened
}

// PortForward copies between a stream and the port's address.
func (k *kubelet) PortForward(ctx context.Context, pod, _ string, port int32, stream io.ReadWriteCloser) error {
	k.lock.Lock()
	address, ok := k.ports[fmt.Sprintf("%s:%d", pod, port)]
	k.lock.Unlock()
	if !ok {
		return fmt.Errorf("failed to connect to localhost:%d inside namespace, IPv4: dial tcp4 127.0.0.1:%d: connect: connection refused", port, port)
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	k.track(conn)
	go func() {
		_, _ = io.Copy(conn, stream)
		_ = conn.(*net.TCPConn).CloseWrite()
	}()
	_, err = io.Copy(stream, conn)
	return err
}

// serve answers one upgrade request.
func (k *kubelet) serve(w http.ResponseWriter, r *http.Request, f *fakeAPI, c call) {
	f.mu.Lock()
	_, exists := f.objects[fmt.Sprintf("/v1/namespaces/%s/pods/%s", c.namespace, c.name)]
	f.mu.Unlock()
	if !exists {
		f.fail(w, c, http.StatusNotFound, "NotFound", "not found")
		return
	}
	socket := strings.EqualFold(r.Header.Get("Upgrade"), "websocket")
	k.lock.Lock()
	refuse := socket && k.noSocket
	if !refuse && r.Header.Get("X-Inner") == "" {
		k.opened++
		if !socket {
			k.spdy++
		}
	}
	k.lock.Unlock()
	switch {
	case refuse:
		http.Error(w, "unable to upgrade", http.StatusBadRequest)
	case c.sub == "exec":
		k.serveExec(w, r, c.name)
	case socket:
		k.tunnel(w, r)
	default:
		criportforward.ServePortForward(w, r, k, c.name, "", nil, time.Minute, 10*time.Second, []string{constants.PortForwardV1Name})
	}
}

// tunnel carries SPDY inside the WebSocket on to this server's own SPDY handler, as an API server does.
func (k *kubelet) tunnel(w http.ResponseWriter, r *http.Request) {
	upgrader := gwebsocket.Upgrader{Subprotocols: []string{constants.WebsocketsSPDYTunnelingPortForwardV1}}
	socket, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	front := portforward.NewTunnelingConnection("test", socket)
	defer func() { _ = front.Close() }()
	back, err := (&net.Dialer{}).DialContext(r.Context(), "tcp", k.address)
	if err != nil {
		return
	}
	defer func() { _ = back.Close() }()
	k.track(socket)
	k.track(back)
	request, _ := http.NewRequestWithContext(r.Context(), http.MethodPost, "http://"+k.address+r.URL.Path, http.NoBody)
	request.Header.Set("Connection", "Upgrade")
	request.Header.Set("Upgrade", "SPDY/3.1")
	request.Header.Set("X-Stream-Protocol-Version", constants.PortForwardV1Name)
	request.Header.Set("X-Inner", "yes")
	if err := request.Write(back); err != nil {
		return
	}
	reader := bufio.NewReader(back)
	response, err := http.ReadResponse(reader, request)
	if err != nil {
		return
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusSwitchingProtocols {
		return
	}
	done := make(chan struct{}, 2)
	go func() { _, _ = io.Copy(back, front); done <- struct{}{} }()
	go func() { _, _ = io.Copy(front, reader); done <- struct{}{} }()
	<-done
	_ = front.Close()
	_ = back.Close()
	<-done
}
