package xsite

// Role is the part a site plays in a run.
type Role string

// The two roles of a run.
const (
	// Primary is the site that holds the truth: its data is kept.
	Primary Role = "primary"
	// Secondary is the site that fell out of sync: its cache data is discarded and replaced.
	Secondary Role = "secondary"
)

// Other returns the opposite role.
func (r Role) Other() Role {
	if r == Primary {
		return Secondary
	}
	return Primary
}

// Place says where a site lives, for messages, the confirmation and the journal. It holds no secret.
type Place struct {
	// Context is the kubeconfig context as the user named it.
	Context string `json:"context"`
	// Server is the URL of the Kubernetes API server.
	Server string `json:"server"`
	// Namespace is the namespace of the Infinispan resource.
	Namespace string `json:"namespace"`
	// Infinispan names the resource as TYPE/NAME, e.g. "infinispan/infinispan" or "statefulset/infinispan".
	Infinispan string `json:"infinispan"`
	// InfinispanUID is the UID of that resource; two places with the same UID are the same Infinispan.
	InfinispanUID string `json:"infinispanUID"`
}

// String gives the place as error messages show it: context "a", namespace keycloak, infinispan/infinispan.
func (p Place) String() string {
	return "context " + p.Context + ", namespace " + p.Namespace + ", " + p.Infinispan
}

// Pod is one Infinispan server pod, as it was listed. The UID tells it from a later pod of the same name (V55).
type Pod struct {
	Name     string `json:"name"`
	UID      string `json:"uid"`
	Ready    bool   `json:"ready"`
	Restarts int32  `json:"restarts"`
}

// Keycloak is one Keycloak workload that uses the site's Infinispan.
type Keycloak struct {
	// Ref is TYPE/NAME, e.g. "keycloak/keycloak", "statefulset/keycloak", "deployment/kc".
	Ref string `json:"ref"`
	// Namespace is where it lives; it may differ from Infinispan's.
	Namespace string `json:"namespace"`
	// UID is the UID of the scaled object.
	UID string `json:"uid"`
	// Instances is the wanted count (spec); an absent value is reported as the default of its kind, 1.
	Instances int `json:"instances"`
	// Pods names every existing pod of it, terminating ones included; a terminating pod still holds connections.
	Pods []string `json:"pods,omitempty"`
	// Addresses are those of its pods, as far as they have any.
	Addresses []string `json:"-"`
	// ReadyPods counts the pods that are Ready and not terminating.
	ReadyPods int `json:"readyPods"`
	// Settled is true when the controllers have acted on the present spec: observedGeneration is current and the
	// StatefulSet or Deployment reports exactly the wanted number of replicas.
	Settled bool `json:"settled"`
	// Recorded is the original count that an earlier run left as an annotation on the object; nil when there is none.
	Recorded *int `json:"recorded,omitempty"`
}

// Access is one permission that a run needs in a site, as the API server answered it for this user.
type Access struct {
	Verb, Resource, Name, Namespace string
	Allowed                         bool
	// Required is false for what a run can do without; then only a warning follows.
	Required bool
	// Why says what a run uses it for.
	Why string
	// Reason is what the authorizer said when it refused; may be empty.
	Reason string
}
