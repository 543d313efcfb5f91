package sim

import (
	"errors"
	"fmt"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// BackupError is a write that failed because its SYNC backup did (V10, V51).
type BackupError struct {
	Site, Cache string
	// Elsewhere is true where another node than the asked one made the backup.
	Elsewhere bool
	Err       error
}

// Error names the cache and the reason.
func (e *BackupError) Error() string {
	return fmt.Sprintf("backup of cache %s of %s failed: %v", e.Cache, e.Site, e.Err)
}

// Unwrap returns Err.
func (e *BackupError) Unwrap() error { return e.Err }

// put writes an entry through this node.
func (n *Node) put(c *cacheState, key string, e entry, done func(error)) {
	v := c.nextVersion(key)
	n.write(c, key, func(on *cacheState) { on.store(key, e, v) }, done)
}

// remove removes an entry through this node.
func (n *Node) remove(c *cacheState, key string, done func(error)) {
	v := c.nextVersion(key)
	n.write(c, key, func(on *cacheState) { on.erase(key, v) }, done)
}

// write carries out a change at home and at the peer. A SYNC change is at home only when the backup took it, or was let
// fail.
func (n *Node) write(c *cacheState, key string, change func(*cacheState), done func(error)) {
	offline := n.sender(c, key).flags[c.spec.Name]
	switch {
	case c.backup == "" || (offline && !c.async()):
		change(c)
		done(nil)
	case c.async():
		change(c)
		c.queue.add(key)
		done(nil)
	default:
		if c.spec.NonTransactional {
			change(c)
		}
		c.site.send(c.spec.Timeout, func() error {
			twin := c.twin()
			if twin == nil {
				return errNoCache
			}
			change(twin)
			return nil
		}, func(err error) {
			sender := n.sender(c, key)
			failed := c.backupFailed(sender, err)
			if failed, is := errors.AsType[*BackupError](failed); is {
				failed.Elsewhere = sender != n
			}
			if failed == nil && !c.spec.NonTransactional {
				change(c)
			}
			done(failed)
		})
	}
}

// sender is the node that backs a write up, by its own flag: the one that was asked where a transaction does it, the one
// that owns the key otherwise.
func (n *Node) sender(c *cacheState, key string) *Node {
	if o := c.owner(key); o != nil && c.spec.NonTransactional {
		return o
	}
	return n
}

// backupFailed judges the outcome of a SYNC backup by the failure policy. A peer that has no such cache is taken offline
// (V47).
func (c *cacheState) backupFailed(sender *Node, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, errNoCache) {
		c.site.markMissing(sender, c.spec.Name)
	}
	if c.spec.FailurePolicy == infinispan.FailureFail {
		return &BackupError{Site: c.site.name, Cache: c.spec.Name, Err: err}
	}
	return nil
}

// accepts tells whether an ASYNC change of the peer is taken: one that is newer, or that wins a conflict, which the site
// whose name comes first does.
func (c *cacheState) accepts(key string, v version) bool {
	have := c.lastVersion(key)
	switch {
	case have.within(v):
		return true
	case v.within(have):
		return false
	}
	return c.site.peer().name < c.site.name
}

// clear empties the cache of this site, and of the peer unless the header or the flag keeps it at home (V1, V2). ASYNC
// ones are sent later, and whether the peer is offline is looked at then (V3, F1).
func (n *Node) clear(c *cacheState, atHome bool, done func(error)) {
	c.wipe()
	switch {
	case c.backup == "" || atHome:
		done(nil)
	case c.async():
		c.queue.clear(n)
		done(nil)
	case n.flags[c.spec.Name]:
		done(nil)
	default:
		c.site.send(c.spec.Timeout, c.wipeTwin, func(err error) { done(c.backupFailed(n, err)) })
	}
}

// wipeTwin is what a clear does at the peer, which does not send it on.
func (c *cacheState) wipeTwin() error {
	twin := c.twin()
	if twin == nil {
		return errNoCache
	}
	twin.wipe()
	return nil
}
