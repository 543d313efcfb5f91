// Package kube is one kubeconfig context as the recovery needs it: it finds Infinispan and Keycloak, reads credentials,
// connects to single Infinispan nodes, scales and watches Keycloak, and keeps the journal.
//
// [Connect] does the discovery; the [Site] it returns implements xsite.Cluster. Nodes are reached through the
// port-forward subresource of their pod, without a listener on this machine, and each connection is bound to the pod's
// UID: a successor of the same name is never reached (V55).
//
// Everything that comes from a cluster is data. Names and messages in errors are quoted where they are free text; no
// error and no formatted Site holds a password, a token or a key.
//
// Programs that use exec or cloud authentication import client-go's auth plugins themselves.
package kube
