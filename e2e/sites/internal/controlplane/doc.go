// Package controlplane runs the Kubernetes control planes of the sites on loopback: one etcd and, for
// each site, a real kube-apiserver (RBAC on, an etcd prefix of its own) and a kube-controller-manager.
// There is no scheduler (pod templates carry a nodeName) and no node-lifecycle controller (the nodes
// are played by package kubelet and need no Lease).
//
// The programs are built from the Go modules that e2e/kube pins, once, and kept in the user's cache.
package controlplane
