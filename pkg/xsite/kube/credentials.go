package kube

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

const (
	// flagSecret and flagSecretUser are the flags that name credentials.
	flagSecret     = "--infinispan-secret"
	flagSecretUser = "--infinispan-user"
	// adminRole is the role, and in a batch of the CLI the group, with the permission that cross-site calls need.
	adminRole = "admin"
)

// user is one set of credentials in a Secret. It has no String of its own; its password prints as REDACTED.
type user struct {
	name     string
	password infinispan.Secret
	admin    bool
}

// secret reads a Secret. The error is a *SecretError in all cases.
func (s *Site) secret(ctx context.Context, name, use string) (*corev1.Secret, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	namespace := s.place.Namespace
	found, err := s.api.kube.CoreV1().Secrets(namespace).Get(ctx, name, metav1.GetOptions{})
	if err == nil {
		return found, nil
	}
	failure := s.badSecret(name, "cannot be read ("+use+")", "", s.failed(attempt{"get", "secrets", name, namespace}, err))
	switch {
	case apierrors.IsNotFound(err):
		failure.Problem = "does not exist (" + use + ")"
		failure.Next = "check context and namespace"
		failure.Err = err
	case apierrors.IsForbidden(err):
		failure.Next = fmt.Sprintf("grant this user the verb %q on secrets with resourceNames [%q] there", "get", name)
	}
	return nil, failure
}

// badSecret is the error of a Secret that does not give what it should.
func (s *Site) badSecret(name, problem, next string, err error) *SecretError {
	return &SecretError{Secret: name, Namespace: s.place.Namespace, Context: s.place.Context, Problem: problem, Next: next, Err: err}
}

// credentials picks a user from a Secret.
func (s *Site) credentials(ctx context.Context, name, use string) (infinispan.Credentials, error) {
	found, err := s.secret(ctx, name, use)
	if err != nil {
		return infinispan.Credentials{}, err
	}
	users, err := usersIn(found)
	if err != nil {
		return infinispan.Credentials{}, s.badSecret(name, err.Error(), "name another one with "+flagSecret, nil)
	}
	chosen, err := choose(users, s.opts.SecretUser)
	if err != nil {
		return infinispan.Credentials{}, s.badSecret(name, err.Error(), "choose one of its users with "+flagSecretUser, nil)
	}
	return infinispan.Credentials{Username: chosen.name, Password: chosen.password}, nil
}

// choose takes the user of that name; without a name the first one with the role admin, else the first.
func choose(users []user, name string) (user, error) {
	if name != "" {
		names := make([]string, 0, len(users))
		for _, u := range users {
			if u.name == name {
				return u, nil
			}
			names = append(names, u.name)
		}
		return user{}, fmt.Errorf("has no user %q; it has %q", name, names)
	}
	if i := slices.IndexFunc(users, func(u user) bool { return u.admin }); i >= 0 {
		return users[i], nil
	}
	return users[0], nil
}

// usersIn reads the users of a Secret in any of the forms that Infinispan's operator, its Helm chart and people use; at
// least one. Errors never repeat what the Secret holds.
//
// The Helm chart's username and password belong to the metrics port, so its batch counts first; the operator's belong
// to the admin port and are the ones to change there, so they count before its identities.
func usersIn(secret *corev1.Secret) ([]user, error) {
	if batch, ok := secret.Data["identities-batch"]; ok {
		users := usersInBatch(string(batch))
		if len(users) == 0 {
			return nil, errors.New("its key identities-batch creates no user for the REST endpoint")
		}
		return users, nil
	}
	name, password := strings.TrimSpace(string(secret.Data["username"])), string(secret.Data["password"])
	if name != "" && password != "" {
		return []user{{name: name, password: infinispan.NewSecret(strings.TrimRight(password, "\r\n"))}}, nil
	}
	if identities, ok := secret.Data["identities.yaml"]; ok {
		return usersInIdentities(identities)
	}
	return nil, errors.New("holds neither identities.yaml, nor username and password, nor identities-batch")
}

// usersInIdentities reads the operator's identities.yaml.
func usersInIdentities(text []byte) ([]user, error) {
	var identities struct {
		Credentials []struct {
			Username string   `json:"username"`
			Password string   `json:"password"`
			Roles    []string `json:"roles"`
		} `json:"credentials"`
	}
	if err := yaml.Unmarshal(text, &identities); err != nil {
		return nil, errors.New("its key identities.yaml is not the YAML that Infinispan's operator reads") // the cause may repeat the text
	}
	var users []user
	for _, c := range identities.Credentials {
		if c.Username == "" || c.Password == "" {
			continue
		}
		users = append(users, user{name: c.Username, password: infinispan.NewSecret(c.Password), admin: slices.Contains(c.Roles, adminRole)})
	}
	if len(users) == 0 {
		return nil, errors.New("its key identities.yaml has no user with a password")
	}
	return users, nil
}

// usersInBatch reads the lines "user create NAME -p PASSWORD -g GROUPS" of a batch of Infinispan's CLI. Users of a file
// of their own, such as those for metrics, are left out.
func usersInBatch(text string) []user {
	var users []user
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) < 3 || words[0] != "user" || words[1] != "create" {
			continue
		}
		var name, password, groups string
		separate := false
		for i := 2; i < len(words); i++ {
			option, value, joined := strings.Cut(words[i], "=")
			if !strings.HasPrefix(option, "-") {
				name = words[i]
				continue
			}
			if !joined && i+1 < len(words) {
				i++
				value = words[i]
			}
			switch option {
			case "-p", "--password":
				password = unquote(value)
			case "-g", "--groups":
				groups = unquote(value)
			case "-f", "--users-file":
				separate = true
			}
		}
		if name == "" || password == "" || separate {
			continue
		}
		users = append(users, user{
			name: name, password: infinispan.NewSecret(password), admin: slices.Contains(strings.Split(groups, ","), adminRole),
		})
	}
	return users
}

// unquote takes off the quotes that the CLI would take off.
func unquote(text string) string {
	for _, quote := range []string{`"`, `'`} {
		if len(text) >= 2 && strings.HasPrefix(text, quote) && strings.HasSuffix(text, quote) {
			return text[1 : len(text)-1]
		}
	}
	return text
}
