package e2e

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites"
)

// TestClustersBehindAProxyAreReached gives the API servers names that only a proxy knows, and takes every way through it.
func TestClustersBehindAProxyAreReached(t *testing.T) {
	fresh(t, sites.Sync)
	truth := makeStale(t, 40)
	tunnels, socks := listen(t, serveConnect), listen(t, serveSOCKS)
	byEnvironment := "HTTPS_PROXY=http://" + tunnels.address
	const noSocket, noExecSocket = "KUBECTL_PORT_FORWARD_WEBSOCKETS=false", "KUBECTL_REMOTE_COMMAND_WEBSOCKETS=false"
	for _, c := range []struct {
		name  string
		proxy string // of the kubeconfig
		env   []string
		by    *proxy
		args  []string
	}{
		{"HTTPS_PROXY", "", []string{byEnvironment}, tunnels, []string{"--transport", "port-forward"}},
		{"HTTPS_PROXY, exec", "", []string{byEnvironment}, tunnels, []string{"--transport", "exec"}},
		{"proxy-url", "http://" + tunnels.address, nil, tunnels, []string{"--transport", "port-forward"}},
		{"proxy-url, exec", "http://" + tunnels.address, nil, tunnels, []string{"--transport", "exec"}},
		{"proxy-url, SPDY", "http://" + tunnels.address, []string{noSocket}, tunnels, []string{"--transport", "port-forward"}},
		{"proxy-url, exec, SPDY", "http://" + tunnels.address, []string{noExecSocket}, tunnels, []string{"--transport", "exec"}},
		{"SOCKS5", "socks5://" + socks.address, nil, socks, []string{"--transport", "port-forward"}},
		{"SOCKS5, exec", "socks5://" + socks.address, nil, socks, []string{"--transport", "exec"}},
		{"SOCKS5, SPDY", "socks5://" + socks.address, []string{noSocket}, socks, []string{"--transport", "port-forward"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := c.by.served.Load()
			kubeconfig := changed(t, func(_ string, cluster *clientcmdapi.Cluster, _ *clientcmdapi.AuthInfo) {
				server, err := url.Parse(cluster.Server)
				must(t, err)
				cluster.Server = "https://api.invalid:" + server.Port()
				cluster.TLSServerName = "localhost"
				cluster.ProxyURL = c.proxy
			})
			env := append([]string{"KUBECONFIG=" + kubeconfig, "NO_PROXY=", "no_proxy="}, c.env...)
			beginIn(t, env, straight(append(c.args, "--dry-run")...)...).wait().mustSucceed(t)
			if c.by.served.Load() == before {
				t.Error("the proxy saw nothing")
			}
		})
	}
	t.Run("a whole recovery", func(t *testing.T) {
		kubeconfig := changed(t, func(_ string, cluster *clientcmdapi.Cluster, _ *clientcmdapi.AuthInfo) {
			cluster.ProxyURL = "http://" + tunnels.address
		})
		beginWith(t, kubeconfig, straight()...).wait().mustSucceed(t)
		mustBeRecovered(t, truth)
	})
}

// changed writes a kubeconfig of the pair's administrator after a change of each site's cluster and user.
func changed(t *testing.T, change func(site string, cluster *clientcmdapi.Cluster, user *clientcmdapi.AuthInfo)) string {
	t.Helper()
	config, err := clientcmd.LoadFromFile(pair.Kubeconfig())
	must(t, err)
	for site, c := range config.Contexts {
		change(site, config.Clusters[c.Cluster], config.AuthInfos[c.AuthInfo])
	}
	path := filepath.Join(t.TempDir(), "kubeconfig")
	must(t, clientcmd.WriteToFile(*config, path))
	return path
}

// proxy is a proxy on loopback. It leads any name to loopback.
type proxy struct {
	address string
	served  atomic.Int64
	// end breaks every connection, and takes no more.
	end context.CancelFunc
}

// listen starts a proxy until the end of the test. serve reads what the client wants, and says that it has it.
func listen(t *testing.T, serve func(client *bufio.ReadWriter) (port string, err error)) *proxy {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	ctx, end := context.WithCancel(t.Context())
	context.AfterFunc(ctx, func() { _ = listener.Close() })
	p := &proxy{address: listener.Addr().String(), end: end}
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go p.pass(ctx, client, serve)
		}
	}()
	return p
}

// pass serves one client.
func (p *proxy) pass(ctx context.Context, client net.Conn, serve func(*bufio.ReadWriter) (string, error)) {
	defer func() { _ = client.Close() }()
	defer context.AfterFunc(ctx, func() { _ = client.Close() })()
	buffered := bufio.NewReadWriter(bufio.NewReader(client), bufio.NewWriter(client))
	port, err := serve(buffered)
	if err != nil {
		return
	}
	var dialer net.Dialer
	server, err := dialer.DialContext(ctx, "tcp", "127.0.0.1:"+port)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	if buffered.Flush() != nil {
		return
	}
	p.served.Add(1)
	done := make(chan struct{}, 2)
	go func() { _, _ = io.Copy(server, buffered); done <- struct{}{} }()
	go func() { _, _ = io.Copy(client, server); done <- struct{}{} }()
	<-done
}

// serveConnect is HTTP's CONNECT.
func serveConnect(client *bufio.ReadWriter) (string, error) {
	request, err := http.ReadRequest(client.Reader)
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(request.Host)
	if err != nil || request.Method != http.MethodConnect {
		return "", errors.New("no CONNECT")
	}
	_, err = client.WriteString("HTTP/1.1 200 Connection established\r\n\r\n")
	return port, err
}

// serveSOCKS is SOCKS5 without authentication, for names.
func serveSOCKS(client *bufio.ReadWriter) (string, error) {
	methods := make([]byte, 2)
	if _, err := io.ReadFull(client, methods); err != nil {
		return "", err
	}
	if _, err := io.CopyN(io.Discard, client, int64(methods[1])); err != nil {
		return "", err
	}
	if _, err := client.Write([]byte{5, 0}); err != nil || client.Flush() != nil {
		return "", errors.New("the client has gone")
	}
	head := make([]byte, 5) // version, command, reserved, kind of address, its length
	if _, err := io.ReadFull(client, head); err != nil {
		return "", err
	}
	if head[1] != 1 || head[3] != 3 {
		return "", errors.New("no connection to a name")
	}
	address := make([]byte, int(head[4])+2)
	if _, err := io.ReadFull(client, address); err != nil {
		return "", err
	}
	if !strings.HasSuffix(string(address[:head[4]]), ".invalid") {
		return "", errors.New("another name")
	}
	_, err := client.Write([]byte{5, 0, 0, 1, 127, 0, 0, 1, 0, 0})
	port := int(address[head[4]])<<8 | int(address[head[4]+1])
	return strconv.Itoa(port), err
}
