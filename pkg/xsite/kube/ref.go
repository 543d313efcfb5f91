package kube

import (
	"slices"
	"strings"
)

// groupInfinispan and groupKeycloak are the API groups of the operators in use. The retired operator of Keycloak has the
// group keycloak.org and kinds of the same names; it is another thing.
const (
	groupInfinispan     = "infinispan.org"
	groupKeycloak       = "k8s.keycloak.org"
	groupKeycloakLegacy = "keycloak.org"
	groupApps           = "apps"
	groupCoordination   = "coordination.k8s.io"
)

// kind is a kind of object that can be named on the command line.
type kind struct {
	// name is how refs call it, in the singular.
	name string
	// group and object are its API group and kind.
	group, object string
	// plural is its resource.
	plural string
	// aliases are the other names that kubectl users give it.
	aliases []string
	// count is the field of spec that holds the wanted number of pods.
	count string
}

func infinispanKind() kind {
	return kind{name: "infinispan", group: groupInfinispan, object: "Infinispan", plural: "infinispans", aliases: []string{"infinispans"}}
}

func statefulSetKind() kind {
	return kind{
		name: "statefulset", group: groupApps, object: "StatefulSet", plural: "statefulsets",
		aliases: []string{"statefulsets", "sts"}, count: "replicas",
	}
}

func deploymentKind() kind {
	return kind{
		name: "deployment", group: groupApps, object: "Deployment", plural: "deployments",
		aliases: []string{"deployments", "deploy"}, count: "replicas",
	}
}

func keycloakKind() kind {
	return kind{
		name: "keycloak", group: groupKeycloak, object: "Keycloak", plural: "keycloaks",
		aliases: []string{"keycloaks", "kc"}, count: "instances",
	}
}

// resource is the kind's resource as Access and errors name it, e.g. "keycloaks.k8s.keycloak.org".
func (k kind) resource() string { return k.plural + "." + k.group }

// ref is TYPE/NAME.
func (k kind) ref(name string) string { return k.name + "/" + name }

// reference is an object that the user named.
type reference struct {
	kind      kind
	name      string
	namespace string // empty: the context's
	typed     bool   // false when only the name was given; kind is then the first one allowed
}

// CheckRefs judges what names an Infinispan and Keycloaks by its form alone; nothing is contacted. What cannot be understood is a
// *RefError. An empty name of an Infinispan, and --keycloak none, name nothing.
func CheckRefs(infinispan string, keycloaks []string) error {
	if infinispan != "" {
		if _, err := parseRef(flagInfinispan, infinispan, infinispanKind(), statefulSetKind()); err != nil {
			return err
		}
	}
	for _, one := range keycloaks {
		if one == noKeycloak {
			continue
		}
		if _, err := parseRef(flagKeycloak, one, keycloakKind(), statefulSetKind(), deploymentKind()); err != nil {
			return err
		}
	}
	return nil
}

// parseRef reads [NAMESPACE/][TYPE/]NAME, where TYPE is one of the kinds in any form that kubectl takes: singular,
// plural, short name, TYPE.GROUP or TYPE.VERSION.GROUP.
func parseRef(flag, value string, allowed ...kind) (reference, error) {
	parts := strings.Split(value, "/")
	if slices.Contains(parts, "") || len(parts) > 3 {
		return reference{}, &RefError{Flag: flag, Value: value, Problem: "give it as TYPE/NAME, e.g. " + examples(allowed)}
	}
	r := reference{name: parts[len(parts)-1], kind: allowed[0]}
	if len(parts) == 1 {
		return r, nil
	}
	if len(parts) == 3 {
		r.namespace = parts[0]
	}
	typed := strings.ToLower(parts[len(parts)-2])
	for _, k := range allowed {
		if k.is(typed) {
			r.kind, r.typed = k, true
			return r, nil
		}
	}
	if strings.HasSuffix(typed, "."+groupKeycloakLegacy) && !strings.HasSuffix(typed, "."+groupKeycloak) {
		return reference{}, &RefError{Flag: flag, Value: value, Problem: "resources of the retired operator (group " +
			groupKeycloakLegacy + ") are not supported; name the StatefulSet instead, e.g. statefulset/keycloak"}
	}
	return reference{}, &RefError{Flag: flag, Value: value, Problem: "unknown type; use one of " + examples(allowed)}
}

// is reports whether a lower-case type name means this kind.
func (k kind) is(typed string) bool {
	resource, group, qualified := strings.Cut(typed, ".")
	if resource != k.name && !slices.Contains(k.aliases, resource) {
		return false
	}
	if !qualified || group == k.group {
		return true
	}
	version, ok := strings.CutSuffix(group, "."+k.group)
	return ok && strings.HasPrefix(version, "v") && !strings.Contains(version, ".")
}

// examples lists the forms that are understood.
func examples(kinds []kind) string {
	forms := make([]string, 0, len(kinds))
	for _, k := range kinds {
		forms = append(forms, k.ref("NAME"))
	}
	return strings.Join(forms, ", ")
}
