package xsite

import "time"

// Contenders is what else acts on a site by itself and could fight a run, as its API server tells it at one moment. All of
// it is plain data; what it means for a run is decided in preflight_contenders.go and the files beside it.
type Contenders struct {
	// Operator is what the Infinispan operator says of Infinispan; nil when none runs it.
	Operator *OperatorView
	// Autoscalers are those of the site's Keycloaks; only asked for on the secondary, as the three after it.
	Autoscalers []Autoscaler
	// Managers are what set the count of a Keycloak and may set it again.
	Managers []Manager
	// Work is what the Keycloak operator is doing by itself.
	Work []KeycloakWork
	// OtherKeycloaks are the Keycloak resources in Infinispan's namespace that use it and are none of the run's.
	OtherKeycloaks []OtherKeycloak
	// SiteHealth are the refs of Keycloaks whose own site health is on.
	SiteHealth []string
	// DataRecovered is the pod whose log has ISPN000643, which makes the Infinispan operator push by itself; else empty.
	DataRecovered string
	// Expiry is when this user's credentials for the cluster end; nil when that is not known or never.
	Expiry *Expiry
	// Unseen is what could not be looked at.
	Unseen []Unseen
}

// OperatorView is what the Infinispan operator says of an Infinispan resource.
type OperatorView struct {
	// Conditions are those of the status. Their types are compared without regard to case; absence means False.
	Conditions []Condition
	// Replicas is the wanted number of servers.
	Replicas int
	// Phase is that of the operand, e.g. Running; empty with operators that do not tell it.
	Phase string
}

// Condition is one condition of a resource.
type Condition struct{ Type, Status, Message string }

// AutoscalerKind tells autoscalers apart.
type AutoscalerKind string

// The kinds of autoscalers.
const (
	// AutoscalerHPA is a HorizontalPodAutoscaler. At 0 instances it stops acting when its minimum is at least 1.
	AutoscalerHPA AutoscalerKind = "HorizontalPodAutoscaler"
	// AutoscalerKEDA is a ScaledObject. It undoes a count of 0 unless it is paused.
	AutoscalerKEDA AutoscalerKind = "ScaledObject"
)

// Autoscaler is an autoscaler whose target is a Keycloak or its StatefulSet.
type Autoscaler struct {
	Kind AutoscalerKind
	// Keycloak is the ref of the Keycloak, Ref that of the autoscaler in the same namespace.
	Keycloak, Ref string
	// Min and Max are the counts it keeps to.
	Min, Max int
	// Paused is true for a ScaledObject that leaves the count alone. HeldAt is the count that it is told to keep instead
	// of scaling; nil when it is not told so.
	Paused bool
	HeldAt *int
	// Pause and Unpause are the arguments to kubectl that stop it and let it go on; empty where there are none.
	Pause, Unpause string
}

// Reversion says whether a manager of an object puts a count back that somebody else changed.
type Reversion string

// The reversions.
const (
	// RevertsSoon: by itself, within seconds or minutes.
	RevertsSoon Reversion = "soon"
	// RevertsOnSync: by itself, but only with the next change in its source, e.g. a commit or a release.
	RevertsOnSync Reversion = "on-sync"
	// RevertsByHand: only when somebody tells it to.
	RevertsByHand Reversion = "by-hand"
	// RevertsNot: it is paused for this object, or told to leave the count alone.
	RevertsNot Reversion = "not"
	// RevertsUnknown: that could not be looked at.
	RevertsUnknown Reversion = "unknown"
)

// Manager is a tool that applies a Keycloak from somewhere else: GitOps, Helm, Terraform, kubectl.
type Manager struct {
	// Keycloak is the ref of the Keycloak, Name names tool and source, e.g. "Argo CD (application argocd/login)".
	Keycloak, Name string
	// Field is where the count is, e.g. spec.instances. Owns is false when the tool is known not to set it.
	Field string
	Owns  bool
	// Reverts says what it does about a changed count, Because what that is known from.
	Reverts Reversion
	Because string
	// Pause and Unpause are the arguments to kubectl that stop it and let it go on; empty where there are none.
	Pause, Unpause string
}

// KeycloakWork is something that the Keycloak operator is doing.
type KeycloakWork struct {
	// Keycloak is the ref of the Keycloak, What says what goes on.
	Keycloak, What string
	// Import is true for the import of a realm; else it is an update, in which the operator scales Keycloak itself.
	Import bool
}

// OtherKeycloak is a Keycloak resource that uses the same Infinispan.
type OtherKeycloak struct {
	Ref string
	// Instances is the wanted count.
	Instances int
}

// Expiry is when credentials end.
type Expiry struct {
	// What names them, e.g. "the client certificate of the kubeconfig". It holds nothing of them.
	What string
	At   time.Time
	// Renewed is true when the client asks for new ones by itself.
	Renewed bool
}

// Unseen is something that could not be looked at.
type Unseen struct {
	// What was to be found out, as "whether ...", and Why it could not be.
	What, Why string
}
