// Package infinispan is the REST client of one Infinispan node.
//
// A Client speaks to exactly one node, since the answers that matter in a cross-site recovery are a node's own: its
// offline flags (V6a), its push state (V15), its view of the sites (V50). It knows the dialects of Infinispan 14
// (cache-managers) and of 15 and later (container), authenticates with whatever the server asks for, and never
// guesses: an answer with a word it does not know is an [UnexpectedAnswerError].
//
// The package knows nothing of Kubernetes. How the node is reached is the DialContext of its [Options].
package infinispan
