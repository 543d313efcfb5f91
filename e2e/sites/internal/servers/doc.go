// Package servers runs real Infinispan servers and the routers between the sites, laid out as the
// Infinispan operator lays them out: RELAY2 with one site master, a TUNNEL over one GossipRouter per
// site, a data endpoint with Digest authentication and an admin endpoint with a realm of its own.
//
// The servers come from Maven artifacts ([Resolve]). A [Router] per site carries the bridge between the
// sites; a [Cluster] is one site's servers; a [Node] is one JVM, which stands for one pod.
package servers
