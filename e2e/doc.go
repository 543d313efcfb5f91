// Package e2e drives the built plugin against two real sites: real API servers and controllers, real Infinispan
// servers, joined as the operators join them. What a test knows of the sites it reads with a client of its own, never
// through the code under test.
package e2e
