package runs

import (
	"errors"
	"fmt"
	"hash/fnv"
	"strings"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// errNotAllowed is a 403 of an API server; nothing in it tells the engine more.
var errNotAllowed = errors.New("is forbidden: User cannot do that (403)")

// kubeFault is how an API server spoils a call: before it has an effect, or by an answer that is lost behind it.
type kubeFault struct{ before, after error }

// strikeKube decides by the seed and the call alone what becomes of a call to Kubernetes, so that a seed can be repeated.
func (f *faults) strikeKube(site, what string, seen int) kubeFault {
	if f.rate == 0 || f.quiet.Load() {
		return kubeFault{}
	}
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "%d kubernetes %s %s %d", f.seed, site, what, seen)
	sum := h.Sum64()
	if int(sum%2_000) >= f.rate { // a run makes fewer of these calls than of the others
		return kubeFault{}
	}
	var fault kubeFault
	switch sum / 2_000 % 5 {
	case 0:
		fault.before = fmt.Errorf("an error on the server (500): %w", xsite.ErrUnavailable)
	case 1:
		fault.before = errNotAllowed
	case 2:
		fault.after = fmt.Errorf("the answer was lost: %w", xsite.ErrUnavailable)
	case 3:
		if !strings.HasPrefix(what, "put ") && !strings.HasPrefix(what, "scale ") {
			return kubeFault{} // nothing else is refused for its version
		}
		fault.before = fmt.Errorf("the object has been modified (409): %w", xsite.ErrConflict)
	case 4:
		fault.before = fmt.Errorf("etcdserver: request timed out: %w", xsite.ErrUnavailable)
	}
	f.tell("%s %s of %s: before %v, after %v", f.at(), what, site, fault.before, fault.after)
	f.stage.disturb(0)
	return fault
}

// spoiled is what becomes of the next call of this kind to a cluster.
func (c *cluster) spoiled(what string) kubeFault {
	c.mu.Lock()
	c.asked[what]++
	seen := c.asked[what]
	c.mu.Unlock()
	if c.stage.strike == nil {
		return kubeFault{}
	}
	return c.stage.strike(c.site.Name(), what, seen)
}
