package control

import (
	"fmt"
	"path/filepath"
	"time"
)

// Verb names what a request asks for.
type Verb string

// The verbs. Those with a site act on both sites when it is empty.
const (
	Status Verb = "status" // prints the state of the sites
	Fill   Verb = "fill"   // writes Count entries into Caches
	Remove Verb = "remove" // removes Count entries from Caches of Site
	// Compare compares Caches of both sites; where they differ the end is ErrUnequal.
	Compare Verb = "compare"
	Cut     Verb = "cut"
	Reset   Verb = "reset"
	Delay   Verb = "delay" // by Delay
	Heal    Verb = "heal"
	Kill    Verb = "kill"   // the server of Pod of Site
	Freeze  Verb = "freeze" // Pod of Site, or all its servers
	Thaw    Verb = "thaw"   // Pod of Site, or all its servers
	// Offline and Online take the peer offline or bring it online in Site, for all its caches.
	Offline Verb = "offline"
	Online  Verb = "online"
	Caches  Verb = "caches"  // lists the caches, or makes those of Set anew
	User    Verb = "user"    // writes a kubeconfig for User
	Kubectl Verb = "kubectl" // prints the path of a kubectl
	Down    Verb = "down"    // ends the pair and its daemon
)

// Request is one thing to do. Fields that a verb does not name are ignored.
type Request struct {
	Verb   Verb          `json:"verb"`
	Site   string        `json:"site,omitempty"`
	Pod    string        `json:"pod,omitempty"`
	Caches []string      `json:"caches,omitempty"`
	Prefix string        `json:"prefix,omitempty"`
	First  int           `json:"first,omitempty"`
	Count  int           `json:"count,omitempty"`
	Size   int           `json:"size,omitempty"`
	Delay  time.Duration `json:"delay,omitempty"`
	// Set and Strategy are those of sites.Pair.ResetCaches.
	Set      string `json:"set,omitempty"`
	Strategy string `json:"strategy,omitempty"`
	User     string `json:"user,omitempty"`
	// Wait makes cut and heal wait until the sites have noticed.
	Wait bool `json:"wait,omitempty"`
}

// SocketPath is the socket of the pair in dir. A path that is too long for a socket (107 bytes on
// Linux, 103 elsewhere) is an error.
func SocketPath(dir string) (string, error) {
	path := filepath.Join(dir, "control.sock")
	const longest = 103
	if len(path) > longest {
		return "", fmt.Errorf("the folder %s is too deep for a socket: use one whose path has at most %d characters", dir, longest-len("/control.sock"))
	}
	return path, nil
}
