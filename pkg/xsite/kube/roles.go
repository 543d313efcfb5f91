package kube

import (
	"fmt"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/yaml"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// Roles gives the least Role with which a user can do what a run does to this site in the given role, as YAML documents:
// one for each namespace, that of Infinispan first. It is made of the list that Access asks for. What a run can do
// without stands under a comment, and is left out without optional.
func (s *Site) Roles(role xsite.Role, optional bool) (string, error) {
	namespaces := []string{s.place.Namespace}
	var needed []permission
	for _, p := range s.permissions(role) {
		if p.unused || p.optional && !optional {
			continue
		}
		needed = append(needed, p)
		if !slices.Contains(namespaces, p.namespace) {
			namespaces = append(namespaces, p.namespace)
		}
	}
	slices.Sort(namespaces[1:])
	var b strings.Builder
	for _, namespace := range namespaces {
		fmt.Fprintf(&b, "---\napiVersion: %s\nkind: Role\nmetadata:\n  name: ispn-resync-%s\n  namespace: %s\nrules:\n", rbacv1.SchemeGroupVersion, role, namespace)
		for _, r := range rulesOf(namespace, needed) {
			text, err := yaml.Marshal([]rbacv1.PolicyRule{r.PolicyRule})
			if err != nil {
				return "", fmt.Errorf("write a Role for namespace %s: %w", namespace, err)
			}
			if r.optional {
				fmt.Fprintf(&b, "# optional: %s\n", r.why)
			}
			b.Write(text)
		}
	}
	return b.String(), nil
}

// rule is one rule of a Role.
type rule struct {
	rbacv1.PolicyRule

	optional bool
	why      string // of the first permission in it
}

// rulesOf writes the permissions in a namespace with as few rules as grant no more than them.
func rulesOf(namespace string, needed []permission) []rule {
	var rules []rule
	for _, r := range byObject(namespace, needed) {
		same := func(o rule) bool {
			return r.optional == o.optional && len(r.ResourceNames) > 0 && len(o.ResourceNames) > 0 &&
				slices.Equal(r.APIGroups, o.APIGroups) && slices.Equal(r.Resources, o.Resources) && slices.Equal(r.Verbs, o.Verbs)
		}
		if i := slices.IndexFunc(rules, same); i >= 0 {
			rules[i].ResourceNames = append(rules[i].ResourceNames, r.ResourceNames...)
			continue
		}
		rules = append(rules, r)
	}
	return rules
}

// byObject gives one rule for each object or kind of object in the namespace, with all of its verbs.
func byObject(namespace string, needed []permission) []rule {
	var rules []rule
	for _, p := range needed {
		if p.namespace != namespace {
			continue
		}
		next := rule{optional: p.optional, why: p.why, PolicyRule: rbacv1.PolicyRule{
			APIGroups: []string{p.group}, Resources: []string{p.path()}, Verbs: []string{p.verb},
		}}
		if p.name != "" {
			next.ResourceNames = []string{p.name}
		}
		same := func(o rule) bool {
			return next.optional == o.optional && slices.Equal(next.APIGroups, o.APIGroups) &&
				slices.Equal(next.Resources, o.Resources) && slices.Equal(next.ResourceNames, o.ResourceNames)
		}
		if i := slices.IndexFunc(rules, same); i >= 0 {
			rules[i].Verbs = append(rules[i].Verbs, p.verb)
			continue
		}
		rules = append(rules, next)
	}
	return rules
}
