// Package operators plays the Infinispan operator and the Keycloak operator of one site, as far as a
// client of theirs can tell: the types they serve, the objects and Secrets they leave, and how the
// status of a custom resource follows the pods.
//
// The CRDs are the harness's own minimal ones. The Keycloak part behaves as the real operator does
// where a recovery tool is easily misled: instances is written as 1 when absent, Ready is True with
// no instance at all, and status.instances is absent at 0.
package operators
