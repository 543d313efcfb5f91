// Package runs has the whole procedure run on simulated sites, with faults that real ones have only by chance. It is tests
// only: what they stand on is package sim for Infinispan and a small Kubernetes in memory.
package runs
