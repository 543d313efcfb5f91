// Package sim is two Infinispan sites in memory, each of some nodes that answer REST calls over real HTTP, with the
// semantics that real servers of versions 14.0, 15.0, 15.2 and 16.0 were seen to have (docs/facts.md; docs/simulator.md
// says which of them are simulated, and how each is judged).
//
// # Time
//
// The simulator lives in the time of package time: a SYNC write to a frozen peer really waits for its backup timeout.
// Tests therefore run it inside a bubble of testing/synctest, where waiting costs nothing and is exact, with everything
// that waits: the clients' call timeouts, leases, the engine on [github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite.WallClock].
//
//	synctest.Test(t, func(t *testing.T) {
//		world, err := sim.New(sim.Options{Version: "15.0.21", Caches: sim.Caches("sessions", "work")})
//		...
//		defer world.Close()
//		client, err := world.Site("site-a").Node(0).Client()
//		...
//	})
//
// In a bubble, nodes are reached through [Node.DialContext] (which [Node.Client] uses): connections in memory, HTTP on
// both ends. A socket would stop the bubble's clock, so [Node.URL], which listens on loopback, is for use outside of one.
// All goroutines of a world end with [World.Close].
//
// # Driving it
//
// A [World] holds two [Site]s joined by a link that can be cut silently, reset, slowed and healed. [Node]s can be killed,
// started, restarted, frozen and thawed. What a site's clients do is [Site.Put], [Site.Remove], [Site.Get]; ledgers read
// [Site.Entries]. [World.Before] and [World.After] see every REST call and may answer it with a [Fault], or do to the
// world whatever the test wants to happen just then. What no client of this project should ask is answered by 404 and
// listed by [World.Unknown].
package sim
