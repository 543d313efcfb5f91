// Package sites brings up a pair of real sites on this machine: for each site a Kubernetes control
// plane and a StatefulSet of real Infinispan servers that back up to the other site, and what the
// Infinispan and Keycloak operators would leave there. The link between the sites can be cut, reset,
// slowed and healed, and each server killed, frozen and thawed.
//
// Everything listens on loopback, at ports chosen free, so several pairs can stand side by side. What
// is real and what is played: etcd, the apiservers, the controller managers, the Infinispan servers and
// the routers between them are real; the nodes, the operators and Keycloak's pods are played.
package sites
