package controlplane

import (
	"fmt"
	"path/filepath"
	"regexp"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// Kubeconfig is the path of a kubeconfig with one context per site, named after it, that
// authenticates as cluster administrator. The first site is the current context.
func (p *Plane) Kubeconfig() string { return filepath.Join(p.dir, "kubeconfig") }

// UserKubeconfig writes a kubeconfig with the same contexts that authenticates at every site as user
// name (and in groups), by a client certificate of the harness's authority, and returns its path. The
// user has no right but what RBAC objects of a site give to that name or group.
func (p *Plane) UserKubeconfig(name string, groups ...string) (string, error) {
	if !regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`).MatchString(name) {
		return "", fmt.Errorf("user name %q: only letters, digits, dot, dash and underscore can be used", name)
	}
	identity, err := p.ca.client(name, groups...)
	if err != nil {
		return "", err
	}
	path := filepath.Join(p.dir, "users", name+".kubeconfig")
	return path, p.writeKubeconfig(path, name, identity, p.names)
}

// siteKubeconfig is the administrator's kubeconfig of one site alone, for programs that cannot be
// told a context.
func (p *Plane) siteKubeconfig(site string) string {
	return filepath.Join(p.dir, "pki", site+".kubeconfig")
}

func (p *Plane) writeKubeconfigs() error {
	identity, err := p.ca.client(adminUser, adminGroup)
	if err != nil {
		return err
	}
	for _, site := range p.names {
		if err := p.writeKubeconfig(p.siteKubeconfig(site), adminUser, identity, []string{site}); err != nil {
			return err
		}
		p.configs[site] = &rest.Config{
			Host:            p.servers[site],
			TLSClientConfig: rest.TLSClientConfig{CAData: p.ca.pem, CertData: identity.cert, KeyData: identity.key},
			QPS:             -1,
		}
	}
	return p.writeKubeconfig(p.Kubeconfig(), adminUser, identity, p.names)
}

func (p *Plane) writeKubeconfig(path, user string, identity pair, sites []string) error {
	config := clientcmdapi.NewConfig()
	config.CurrentContext = sites[0]
	for _, site := range sites {
		entry := user + "@" + site
		config.Clusters[site] = &clientcmdapi.Cluster{Server: p.servers[site], CertificateAuthorityData: p.ca.pem}
		config.AuthInfos[entry] = &clientcmdapi.AuthInfo{ClientCertificateData: identity.cert, ClientKeyData: identity.key}
		config.Contexts[site] = &clientcmdapi.Context{Cluster: site, AuthInfo: entry, Namespace: Namespace}
	}
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		return fmt.Errorf("write the kubeconfig of %s: %w", user, err)
	}
	return nil
}
