package controlplane

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// keyFiles are the paths of the keys that the programs read.
type keyFiles struct {
	ca                         string
	serverCert, serverKey      string
	kubeletCert, kubeletKey    string
	accountPublic, accountSign string
}

func (p *Plane) writeKeys() (keyFiles, error) {
	var f keyFiles
	var err error
	if p.ca, err = newAuthority(); err != nil {
		return f, err
	}
	dir := filepath.Join(p.dir, "pki")
	f.ca = filepath.Join(dir, "ca.crt")
	if err := os.WriteFile(f.ca, p.ca.pem, 0o600); err != nil {
		return f, fmt.Errorf("write the certificate authority: %w", err)
	}
	server, err := p.ca.server("kube-apiserver")
	if err != nil {
		return f, err
	}
	if f.serverCert, f.serverKey, err = server.write(dir, "apiserver"); err != nil {
		return f, err
	}
	kubelet, err := p.ca.client(kubeletClientUser)
	if err != nil {
		return f, err
	}
	if f.kubeletCert, f.kubeletKey, err = kubelet.write(dir, "kubelet-client"); err != nil {
		return f, err
	}
	account, err := serviceAccountKey()
	if err != nil {
		return f, err
	}
	f.accountPublic, f.accountSign, err = account.write(dir, "service-account")
	return f, err
}

func etcdArgs(data, clientURL string, peerPort int) []string {
	peer := fmt.Sprintf("http://127.0.0.1:%d", peerPort)
	return []string{
		"--name=sites", "--data-dir=" + data,
		"--listen-client-urls=" + clientURL, "--advertise-client-urls=" + clientURL,
		"--listen-peer-urls=" + peer, "--initial-advertise-peer-urls=" + peer, "--initial-cluster=sites=" + peer,
		// The data need not outlive the machine.
		"--unsafe-no-fsync", "--log-level=warn",
	}
}

func apiServerArgs(site, etcdURL string, port int, f keyFiles) []string {
	return []string{
		"--etcd-servers=" + etcdURL, "--etcd-prefix=/" + site,
		"--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", port),
		"--endpoint-reconciler-type=none", "--service-cluster-ip-range=10.96.0.0/24",
		"--tls-cert-file=" + f.serverCert, "--tls-private-key-file=" + f.serverKey,
		"--client-ca-file=" + f.ca, "--authorization-mode=Node,RBAC",
		"--kubelet-certificate-authority=" + f.ca, "--kubelet-preferred-address-types=InternalIP",
		"--kubelet-client-certificate=" + f.kubeletCert, "--kubelet-client-key=" + f.kubeletKey,
		"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
		"--service-account-key-file=" + f.accountPublic, "--service-account-signing-key-file=" + f.accountSign,
		"--profiling=false", "--shutdown-watch-termination-grace-period=0s",
	}
}

func controllerManagerArgs(kubeconfig string, f keyFiles) []string {
	controllers := []string{
		"statefulset-controller", "deployment-controller", "replicaset-controller", "job-controller",
		"garbage-collector-controller", "namespace-controller", "serviceaccount-controller",
		// Fills the built-in roles view, edit and admin.
		"clusterrole-aggregation-controller",
	}
	return []string{
		"--kubeconfig=" + kubeconfig, "--controllers=" + strings.Join(controllers, ","),
		"--leader-elect=false", "--secure-port=0", "--root-ca-file=" + f.ca,
		"--kube-api-qps=200", "--kube-api-burst=400", "--profiling=false",
	}
}
