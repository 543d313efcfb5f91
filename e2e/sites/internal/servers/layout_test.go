package servers

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheConfigurationIsOneDocumentForEveryRelease(t *testing.T) {
	for _, version := range Versions() {
		t.Run(version.Name, func(t *testing.T) {
			s := settings{
				detection: operatorDetection(), Schema: version.Schema, AdminMechanisms: version.Admin,
				Cluster: "infinispan", Site: `A & "B"`, Sites: []string{`A & "B"`, "DC_1"}, Node: "infinispan-0-00001",
				OwnRouter: routerHosts("127.0.0.1:1"), Routers: routerHosts("127.0.0.1:1", "127.0.0.1:2"), TLS: true,
			}
			config, err := s.render()
			if err != nil {
				t.Fatal(err)
			}
			found := attributes(t, string(config))
			for attribute, want := range map[string]string{
				"RELAY2 site":                 `A & "B"`,
				"RELAY2 max_site_masters":     "1",
				"TUNNEL gossip_router_hosts":  "127.0.0.1[1],127.0.0.1[2]",
				"TCPGOSSIP initial_hosts":     "127.0.0.1[1]",
				"FD_ALL3 timeout":             "40000",
				"authentication mechanisms":   version.Admin,
				"transport node-name":         "infinispan-0-00001",
				"cache-container statistics":  "true",
				"keystore path":               "server.pem",
				"remote-sites default-stack":  "bridge",
				"socket-bindings port-offset": "0",
			} {
				if found[attribute] != want {
					t.Errorf("%s is %q, want %q", attribute, found[attribute], want)
				}
			}
			if !strings.Contains(string(config), "urn:infinispan:server:"+version.Schema+`"`) {
				t.Errorf("the schema is not %s", version.Schema)
			}
		})
	}
}

func TestASilentCutIsSeenSoonUnlessTheOperatorsTimesAreWanted(t *testing.T) {
	if short, slow := shortDetection(), operatorDetection(); short.DetectTimeout > 10000 || slow.DetectTimeout != 40000 || slow.HeartbeatTimeout != 30000 {
		t.Errorf("short %+v, operator's %+v", short, slow)
	}
}

func TestFilesWithPasswordsAreForTheUserAlone(t *testing.T) {
	root := t.TempDir()
	user := Credentials{User: "a:b", Password: `p=w d\#`}
	if err := layOut(root, settings{}, user, user, nil); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"users.properties", "admin-users.properties"} {
		file := filepath.Join(root, "conf", name)
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", name, info.Mode())
		}
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(string(content), "\n"+`a\:b=p\=w\ d\\\#`+"\n") {
			t.Errorf("%s: %q", name, content)
		}
	}
}

func TestNoPasswordIsInTheArgumentsOfAServer(t *testing.T) {
	a := Artifacts{Dir: t.TempDir(), ClassPath: "x.jar"}
	args := strings.Join(a.serverArgs("/root-of-server", 384, ""), " ")
	if !strings.Contains(args, "-Xmx384m") || strings.Contains(args, "SharedArchiveFile") || strings.Contains(args, "assword") {
		t.Errorf("arguments: %s", args)
	}
	if err := os.WriteFile(a.archiveFile(), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if args := strings.Join(a.serverArgs("/root-of-server", 384, ""), " "); !strings.Contains(args, "-XX:SharedArchiveFile="+a.archiveFile()) {
		t.Errorf("the archive is not used: %s", args)
	}
}

func TestAReleaseIsFoundByItsNameAndAnUnknownOneNamesThem(t *testing.T) {
	for name, want := range map[string]string{"": DefaultVersion, "14.0.28": "14.0.28.Final", "14.0.28.Final": "14.0.28.Final", "16.0.7": "16.0.7"} {
		if v, err := ParseVersion(name); err != nil || v.Name != want {
			t.Errorf("%q is %+v, %v, want %s", name, v, err, want)
		}
	}
	if _, err := ParseVersion("13.0.0.Final"); err == nil || !strings.Contains(err.Error(), "14.0.28.Final") || !strings.Contains(err.Error(), "16.0.7") {
		t.Errorf("got %v", err)
	}
}

func TestTheReleaseOfJavaIsReadFromEitherForm(t *testing.T) {
	for answer, want := range map[string]int{
		`openjdk version "17.0.15" 2025-04-15`: 17,
		`openjdk version "21" 2023-09-19`:      21,
		`java version "1.8.0_392"`:             8,
	} {
		if got, err := javaMajor(answer); err != nil || got != want {
			t.Errorf("%s: %d, %v", answer, got, err)
		}
	}
	if _, err := javaMajor("command not found"); err == nil {
		t.Error("no version is no error")
	}
}

func TestAJavaThatIsNotThereSaysHowToGetIt(t *testing.T) {
	t.Setenv("JAVA_HOME", "")
	t.Setenv("PATH", t.TempDir())
	if _, err := Resolve(t.Context(), Source{CacheDir: t.TempDir()}); err == nil || !strings.Contains(err.Error(), "apt-get install openjdk") {
		t.Errorf("got %v", err)
	}
}

func TestAMavenThatIsNotThereSaysHowToGetIt(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	a := Artifacts{Dir: t.TempDir()}
	if _, err := a.classPath(t.Context(), io.Discard); err == nil || !strings.Contains(err.Error(), "apt-get install maven") {
		t.Errorf("got %v", err)
	}
}

func TestACachedClassPathCountsOnlyWhileItsJarsAreThere(t *testing.T) {
	jar := filepath.Join(t.TempDir(), "a.jar")
	if err := os.WriteFile(jar, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{"": false, jar: true, jar + string(os.PathListSeparator) + jar + "x": false} {
		if allExist(path) != want {
			t.Errorf("allExist(%q) is not %v", path, want)
		}
	}
}

func TestTheCertificateIsGoodForTheServiceAndForLoopback(t *testing.T) {
	c, err := newCertificate("infinispan", "localhost", "infinispan.keycloak.svc")
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(c.server, c.key)
	if err != nil {
		t.Fatal(err)
	}
	authorities := x509.NewCertPool()
	authorities.AppendCertsFromPEM(c.ca)
	for _, name := range []string{"localhost", "127.0.0.1", "infinispan.keycloak.svc"} {
		if _, err := pair.Leaf.Verify(x509.VerifyOptions{DNSName: name, Roots: authorities}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// attributes reads every attribute of a document as "element attribute" (the last of each).
func attributes(t *testing.T, document string) map[string]string {
	t.Helper()
	found := map[string]string{}
	decoder := xml.NewDecoder(strings.NewReader(document))
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
		if start, ok := token.(xml.StartElement); ok {
			name := start.Name.Local[strings.LastIndex(start.Name.Local, ".")+1:]
			for _, attribute := range start.Attr {
				found[name+" "+attribute.Name.Local] = attribute.Value
			}
		}
	}
}
