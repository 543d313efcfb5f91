package servers

import (
	"bytes"
	_ "embed"
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"
)

//go:embed templates/infinispan.xml.tmpl
var configTemplate string

//go:embed templates/log4j2.xml
var loggingConfig []byte

// detection is how soon a lost peer site is noticed. Times are milliseconds.
type detection struct {
	Reconnect, HeartbeatInterval, HeartbeatTimeout int
	DetectInterval, DetectTimeout                  int
	FastMerge                                      bool
}

// shortDetection makes a silent cut visible within about ten seconds.
func shortDetection() detection {
	return detection{
		Reconnect: 1000, HeartbeatInterval: 1000, HeartbeatTimeout: 4000,
		DetectInterval: 1000, DetectTimeout: 5000, FastMerge: true,
	}
}

// operatorDetection is what the Infinispan operator sets: a silent cut is seen after some 40 s (V24).
func operatorDetection() detection {
	return detection{
		Reconnect: 10000, HeartbeatInterval: 10000, HeartbeatTimeout: 30000,
		DetectInterval: 8000, DetectTimeout: 40000,
	}
}

// settings is what the configuration template is filled with.
type settings struct {
	detection

	Schema, AdminMechanisms        string
	Cluster, Site, Node            string
	Sites                          []string
	OwnRouter, Routers             string
	LocalPort, DataPort, AdminPort int
	SocketOffset                   int
	TLS                            bool
}

// render fills the configuration of one node. Every text is escaped for XML, since site names are data.
func (s settings) render() ([]byte, error) {
	tmpl, err := template.New("infinispan.xml").Parse(configTemplate)
	if err != nil {
		return nil, fmt.Errorf("parse the configuration template: %w", err)
	}
	for _, text := range []*string{&s.Cluster, &s.Site, &s.Node} {
		*text = escape(*text)
	}
	sites := make([]string, len(s.Sites))
	for i, site := range s.Sites {
		sites[i] = escape(site)
	}
	s.Sites = sites
	var out bytes.Buffer
	if err := tmpl.Execute(&out, s); err != nil {
		return nil, fmt.Errorf("fill the configuration template: %w", err)
	}
	return out.Bytes(), nil
}

func escape(text string) string {
	var out strings.Builder
	// A strings.Builder does not fail.
	_ = xml.EscapeText(&out, []byte(text))
	return out.String()
}

// routerHosts writes host:port addresses in JGroups' own form, host[port].
func routerHosts(addresses ...string) string {
	hosts := make([]string, len(addresses))
	for i, address := range addresses {
		host, port, _ := strings.Cut(address, ":")
		hosts[i] = host + "[" + port + "]"
	}
	return strings.Join(hosts, ",")
}

// layOut makes the server root of one node: conf (written anew), data (kept), log and lib. Files that
// hold a password are for the user alone.
func layOut(root string, s settings, data, admin Credentials, pem []byte) error {
	for _, dir := range []string{"conf", "data", "log", "lib"} {
		// 16 does not start without lib, though it may be empty.
		if err := os.MkdirAll(filepath.Join(root, dir), 0o700); err != nil {
			return fmt.Errorf("make the server root: %w", err)
		}
	}
	config, err := s.render()
	if err != nil {
		return err
	}
	files := map[string][]byte{
		"infinispan.xml":          config,
		"log4j2.xml":              loggingConfig,
		"users.properties":        users("default", data),
		"groups.properties":       groups(data),
		"admin-users.properties":  users("admin", admin),
		"admin-groups.properties": groups(admin),
	}
	if s.TLS {
		files["server.pem"] = pem
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(root, "conf", name), content, 0o600); err != nil {
			return fmt.Errorf("write the server's configuration: %w", err)
		}
	}
	return nil
}

// users writes a properties realm with a plain-text password; the first two lines are how the server
// learns the realm's name and that nothing is hashed.
func users(realm string, c Credentials) []byte {
	return fmt.Appendf(nil, "#$REALM_NAME=%s$\n#$ALGORITHM=clear$\n%s=%s\n", realm, property(c.User), property(c.Password))
}

func groups(c Credentials) []byte {
	return fmt.Appendf(nil, "%s=admin\n", property(c.User))
}

// property escapes what has a meaning in a Java properties file.
func property(text string) string {
	return strings.NewReplacer(`\`, `\\`, "=", `\=`, ":", `\:`, " ", `\ `, "#", `\#`, "!", `\!`).Replace(text)
}
