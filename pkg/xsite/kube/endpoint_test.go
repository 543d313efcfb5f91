package kube

import (
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// encrypted makes the data port speak TLS as the operator's resource says it.
func encrypted(f *fakeAPI, more object) {
	f.edit(infinispanCR("infinispan"), func(o object) {
		encryption := object{"type": "Secret", "certSecretName": "certs"}
		merge(encryption, more)
		specOf(o)["security"] = object{"endpointEncryption": encryption}
	})
}

// chart turns the site into one of the Helm chart.
func chart(f *fakeAPI, data map[string]string, more func(podSpec object)) {
	f.remove(infinispanCR("infinispan"))
	f.edit(statefulSet("infinispan", 2, nil), func(o object) {
		if more != nil {
			more(specOf(o)["template"].(object)["spec"].(object))
		}
	})
	f.put(secretOf("infinispan-generated-secret", data))
}

func volume(name, secret string) object {
	return object{"name": name, "secret": object{"secretName": secret}}
}

func TestWhichPortAndUser(t *testing.T) {
	helm := map[string]string{"username": "monitor", "password": canary + "-metrics", "identities-batch": "user create reader -p " + canary + "-reader -g observer\n" +
		"user create developer -p '" + canary + "-dev' -g admin\nuser create monitor -p " + canary + " --users-file metrics-users.properties\n"}
	for name, test := range map[string]struct {
		prepare  func(*fakeAPI)
		options  func(*Options)
		port     int
		scheme   string
		user     string
		password string
		server   string // the server name of TLS
		insecure bool
	}{
		"the operator's own": {port: 11223, scheme: "http", user: "operator", password: "-operator"},
		"the operator's own, whatever the data port wants": {prepare: func(f *fakeAPI) { encrypted(f, object{"clientCert": "Authenticate"}) }, port: 11223, scheme: "http", user: "operator", password: "-operator"},
		"the endpoint's, without the operator's": {
			prepare: func(f *fakeAPI) { f.remove(secretOf("infinispan-generated-operator-secret", nil)) },
			port:    11222, scheme: "http", user: "developer", password: "-developer",
		},
		"the endpoint's, when the operator's is withheld": {
			prepare: func(f *fakeAPI) { f.denied["get secrets/infinispan-generated-operator-secret"] = true },
			port:    11222, scheme: "http", user: "developer", password: "-developer",
		},
		"the endpoint's named in the resource": {
			prepare: func(f *fakeAPI) {
				f.edit(infinispanCR("infinispan"), func(o object) { specOf(o)["security"] = object{"endpointSecretName": "connect-secret"} })
				f.put(secretOf("connect-secret", map[string]string{"identities.yaml": "credentials: [{username: dev, password: " + canary + "-connect}]"}))
			},
			options: func(o *Options) { o.Port = 11222 },
			port:    11222, scheme: "http", user: "dev", password: "-connect",
		},
		"a user that was named": {
			options: func(o *Options) { o.Secret, o.SecretUser = "infinispan-generated-secret", "reader" },
			port:    11222, scheme: "http", user: "reader", password: "-reader",
		},
		"the operator's Secret, named": {
			options: func(o *Options) { o.Secret = "infinispan-generated-operator-secret" },
			port:    11223, scheme: "http", user: "operator", password: "-operator",
		},
		"no authentication at all": {
			prepare: func(f *fakeAPI) {
				f.remove(secretOf("infinispan-generated-operator-secret", nil))
				f.edit(infinispanCR("infinispan"), func(o object) { specOf(o)["security"] = object{"endpointAuthentication": false} })
			},
			port: 11222, scheme: "http",
		},
		"TLS": {
			prepare: func(f *fakeAPI) {
				encrypted(f, nil)
				f.put(secretOf("certs", map[string]string{"tls.crt": testCertificate(f.t)}))
			},
			options: func(o *Options) { o.Port = 11222 },
			port:    11222, scheme: "https", user: "developer", password: "-developer", server: "infinispan.keycloak.svc",
		},
		"TLS without looking": {
			prepare: func(f *fakeAPI) { encrypted(f, nil) },
			options: func(o *Options) { o.Port, o.InsecureSkipTLSVerifyInfinispan = 11222, true },
			port:    11222, scheme: "https", user: "developer", password: "-developer", server: "infinispan.keycloak.svc", insecure: true,
		},
		"scheme and port said": {
			prepare: func(f *fakeAPI) { encrypted(f, nil) },
			options: func(o *Options) { o.Port, o.Scheme = 8080, "http" },
			port:    8080, scheme: "http", user: "developer", password: "-developer",
		},
		"the chart's": {prepare: func(f *fakeAPI) { chart(f, helm, nil) }, port: 11222, scheme: "http", user: "developer", password: "-dev"},
		"the chart's with a Secret of the user's": {
			prepare: func(f *fakeAPI) {
				chart(f, nil, func(s object) { s["volumes"] = []any{volume("identities-volume", "mine")} })
				f.put(secretOf("mine", map[string]string{"username": "me", "password": canary + "-mine\n"}))
			},
			port: 11222, scheme: "http", user: "me", password: "-mine",
		},
		"the chart's with TLS": {
			prepare: func(f *fakeAPI) {
				chart(f, helm, func(s object) {
					s["volumes"] = []any{volume("identities-volume", "infinispan-generated-secret"), volume("ssl", "certs")}
					s["containers"] = []any{object{"name": "infinispan", "readinessProbe": object{"httpGet": object{"path": "/", "port": 11222, "scheme": "HTTPS"}}}}
				})
				f.put(secretOf("certs", map[string]string{"ca.crt": testCertificate(f.t)}))
			},
			port: 11222, scheme: "https", user: "developer", password: "-dev", server: "infinispan.keycloak.svc",
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newSite(t)
			if test.prepare != nil {
				test.prepare(f)
			}
			door := f.mustConnect(test.options).door
			if door.port != test.port || door.scheme != test.scheme || door.credentials.Username != test.user {
				t.Errorf("got %s, port %d, user %q", door.scheme, door.port, door.credentials.Username)
			}
			want := ""
			if test.user != "" {
				want = canary + test.password
			}
			if door.credentials.Password.Reveal() != want {
				t.Error("got the password of somebody else")
			}
			if (door.tls != nil) != (test.scheme == "https") {
				t.Fatalf("TLS: %v", door.tls != nil)
			}
			if door.tls != nil && (door.tls.ServerName != test.server || door.tls.InsecureSkipVerify != test.insecure || (door.tls.RootCAs == nil) != test.insecure) {
				t.Errorf("TLS for %q, insecure %v", door.tls.ServerName, door.tls.InsecureSkipVerify)
			}
		})
	}
}

func TestCredentialsThatCannotBeHad(t *testing.T) {
	for name, test := range map[string]struct {
		prepare func(*fakeAPI)
		options func(*Options)
		wants   []string
		refused bool
	}{
		"neither Secret may be read": {
			prepare: func(f *fakeAPI) { f.denied["get secrets"] = true },
			wants: []string{
				"secret infinispan-generated-operator-secret (context site-b, namespace keycloak)", "secret infinispan-generated-secret",
				`grant this user the verb "get" on secrets with resourceNames ["infinispan-generated-operator-secret"]`,
			},
			refused: true,
		},
		"the named one does not exist": {
			options: func(o *Options) { o.Secret = "nowhere" },
			wants:   []string{"secret nowhere (context site-b, namespace keycloak): does not exist"},
		},
		"a broken one is not passed over": {
			prepare: func(f *fakeAPI) {
				f.put(secretOf("infinispan-generated-operator-secret", map[string]string{"identities.yaml": canary + ": ["}))
			},
			wants: []string{"its key identities.yaml is not the YAML", "--infinispan-secret"},
		},
		"one with other keys": {
			prepare: func(f *fakeAPI) {
				f.put(secretOf("infinispan-generated-operator-secret", map[string]string{"token": canary}))
			},
			wants: []string{"holds neither identities.yaml, nor username and password, nor identities-batch"},
		},
		"no user of that name": {
			options: func(o *Options) { o.Secret, o.SecretUser = "infinispan-generated-secret", "nobody" },
			wants:   []string{`has no user "nobody"; it has ["reader" "developer"]`, "--infinispan-user"},
		},
		"a client certificate is asked for": {
			prepare: func(f *fakeAPI) { encrypted(f, object{"clientCert": "Validate"}) },
			options: func(o *Options) { o.Port = 11222 },
			wants:   []string{"asks for a client certificate", "infinispan-generated-operator-secret"},
		},
		"no certificate": {
			prepare: func(f *fakeAPI) {
				encrypted(f, nil)
				f.put(secretOf("certs", map[string]string{"tls.key": canary}))
			},
			options: func(o *Options) { o.Port = 11222 },
			wants:   []string{"secret certs", "no certificate in PEM form", "--insecure-skip-tls-verify-infinispan"},
		},
		"no such scheme": {options: func(o *Options) { o.Scheme = "ftp" }, wants: []string{"use http or https"}},
		"https by flag, and nowhere a CA": {
			prepare: func(f *fakeAPI) { chart(f, map[string]string{"username": "u", "password": canary}, nil) },
			options: func(o *Options) { o.Scheme = "https" },
			wants:   []string{"it is not known which Secret holds its CA"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newSite(t)
			if test.prepare != nil {
				test.prepare(f)
			}
			_, err := f.connect(test.options)
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range test.wants {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is not in: %v", want, err)
				}
			}
			if apierrors.IsForbidden(err) != test.refused {
				t.Errorf("forbidden: %v", !test.refused)
			}
			if strings.Contains(err.Error(), canary) {
				t.Errorf("a secret is in: %v", err)
			}
		})
	}
}
