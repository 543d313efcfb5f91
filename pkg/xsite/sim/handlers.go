package sim

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// keepHome is the flag of a request that keeps a write in its own site (V2).
const keepHome = "SKIP_XSITE_BACKUP"

// flagsOf reads the header with the flags of a request.
func flagsOf(r *http.Request) []string {
	header := r.Header.Get("Flags")
	if header == "" {
		return nil
	}
	parts := strings.Split(header, ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return parts
}

// badFlag is the answer to a flag that the server does not know: its name is case-sensitive (V2).
func badFlag(q *request) (reply, bool) {
	for _, f := range flagsOf(q.http) {
		if f != keepHome && f != "VOLATILE" && f != "PERMANENT" {
			return refused(http.StatusBadRequest, "No enum constant org.infinispan.context.Flag."+f), true
		}
	}
	return reply{}, false
}

// cacheHandler is a handler about a cache that exists.
type cacheHandler = func(*request, *cacheState, func(reply))

// now1 makes a handler about a cache of what needs no waiting.
func now1(do func(*request, *cacheState) reply) cacheHandler {
	return func(q *request, c *cacheState, done func(reply)) { done(do(q, c)) }
}

// noCache is the answer where there is no such cache.
func noCache(name string) reply {
	return refused(http.StatusNotFound, fmt.Sprintf("ISPN012010: Cache with name '%s' not found amongst the configured caches", name))
}

// onCache finds the cache of a call.
func onCache(do cacheHandler) handler {
	return func(q *request, done func(reply)) {
		c := q.node.site.caches[q.call.Cache]
		if bad, is := badFlag(q); is {
			done(bad)
			return
		}
		if refused, is := q.lacks(); is {
			done(refused)
			return
		}
		if c == nil {
			done(noCache(q.call.Cache))
			return
		}
		do(q, c, done)
	}
}

// lacks tells whether the user may not do that, and what the server says then.
func (q *request) lacks() (reply, bool) {
	needs := "ADMIN"
	switch q.call.Op {
	case "exists", "names", "info", "health", "managers":
		return reply{}, false
	case "size", "keys", "entries":
		needs = "BULK_READ"
	case "get":
		needs = "READ"
	case "put", "remove":
		needs = "WRITE"
	case "clear":
		needs = "BULK_WRITE"
	case "stats":
		needs = "MONITOR"
	case "create", "delete":
		needs = "CREATE"
	}
	roles := map[string]string{
		"deployer":    "READ WRITE BULK_READ BULK_WRITE EXEC LISTEN MONITOR CREATE",
		"application": "READ WRITE BULK_READ BULK_WRITE EXEC LISTEN MONITOR",
		"observer":    "READ BULK_READ MONITOR",
		"monitor":     "MONITOR",
	}
	if q.user.Role == "admin" || containsWord(roles[q.user.Role], needs) {
		return reply{}, false
	}
	return refused(http.StatusForbidden, fmt.Sprintf(
		"ISPN000287: Unauthorized access: subject 'Subject with principal(s): [%s]' lacks '%s' permission", q.user.Name, needs)), true
}

func containsWord(list, word string) bool {
	for w := range strings.FieldsSeq(list) {
		if w == word {
			return true
		}
	}
	return false
}

// onBackups finds a cache with backups.
func onBackups(do cacheHandler) handler {
	return onCache(func(q *request, c *cacheState, done func(reply)) {
		if c.backup == "" {
			done(noBackups(c))
			return
		}
		do(q, c, done)
	})
}

// noBackups is the answer about a cache that backs up to nobody.
func noBackups(c *cacheState) reply {
	return text(http.StatusNotFound, fmt.Sprintf("Cache '%s' does not have backup sites.", c.spec.Name))
}

// onBackup finds a cache with a backup to the site of the call.
func onBackup(do cacheHandler) handler {
	return onCache(func(q *request, c *cacheState, done func(reply)) {
		switch {
		case c.backup == "":
			done(noBackups(c))
		case c.spec.Third != "" && c.spec.Third == q.call.Target:
			done(onThird(q, c))
		case c.backup != q.call.Target:
			done(text(http.StatusNotFound, fmt.Sprintf("Cache '%s' does not backup to site '%s'", c.spec.Name, q.call.Target)))
		default:
			do(q, c, done)
		}
	})
}

// backups tells the flags of a cache by site.
func backups(q *request, c *cacheState, done func(reply)) {
	n := q.node
	if !n.site.world.release.asksMembers() {
		done(inJSON(marshal(n.statusOf(c, flagWord(n.flags[c.spec.Name])))))
		return
	}
	var online, offline []string
	for _, m := range n.members() {
		if m.frozen {
			n.silentMember(c, m, done)
			return
		}
		if m.flags[c.spec.Name] {
			offline = append(offline, m.name)
		} else {
			online = append(online, m.name)
		}
	}
	switch {
	case len(offline) == 0:
		done(inJSON(marshal(n.statusOf(c, "online"))))
	case len(online) == 0:
		done(inJSON(marshal(n.statusOf(c, "offline"))))
	default:
		done(inJSON(marshal(map[string]any{c.backup: map[string]any{"status": "mixed", "online": online, "offline": offline}})))
	}
}

// statusOf is the status of a cache's backups, the peer's as the word says.
func (n *Node) statusOf(c *cacheState, word string) map[string]map[string]string {
	return bySite(c, map[string]string{"status": word}, map[string]string{"status": flagWord(n.third[c.spec.Name])})
}

func flagWord(offline bool) string {
	if offline {
		return "offline"
	}
	return "online"
}

// nodeFlags tells the flags of a cache by node: newer servers repeat their own for all (F12).
func nodeFlags(q *request, c *cacheState, done func(reply)) {
	n := q.node
	flags := map[string]string{}
	for _, m := range n.members() {
		switch {
		case !n.site.world.release.asksMembers():
			flags[m.name] = flagWord(n.flags[c.spec.Name])
		case m.frozen:
			n.silentMember(c, m, done)
			return
		default:
			flags[m.name] = flagWord(m.flags[c.spec.Name])
		}
	}
	done(inJSON(marshal(flags)))
}

// silentMember is the answer where another node of the cluster does not answer.
func (n *Node) silentMember(c *cacheState, m *Node, done func(reply)) {
	n.site.world.agenda.after(c.spec.RemoteTimeout, func() {
		done(refused(http.StatusInternalServerError, timedOut(m.name, c.spec.RemoteTimeout)+"\n    null"))
	})
}

// timedOut is what a node says of another one, or of a site, that did not answer.
func timedOut(who string, after time.Duration) string {
	return fmt.Sprintf("ISPN000476: Timed out waiting for responses for request 1 from %s after %s seconds", who,
		strconv.FormatFloat(after.Seconds(), 'f', -1, 64))
}

// switchFlag takes the peer offline or brings it online; again is fine (V33).
func switchFlag(offline bool) cacheHandler {
	return func(q *request, c *cacheState, done func(reply)) {
		q.node.setFlag(c.spec.Name, offline, func(deaf []string) {
			if len(deaf) == 0 {
				done(bare(http.StatusOK))
				return
			}
			done(failedOperation(c.backup, fmt.Sprintf("Could not take the site %s on nodes:[%s]", flagWord(offline), strings.Join(deaf, ", "))))
		})
	}
}

// failedOperation is the answer of a node that could not do what it was asked for a backup.
func failedOperation(site, why string) reply {
	return refused(http.StatusInternalServerError, fmt.Sprintf("ISPN012047: Site operation on '%s' failed: '%s'", site, why))
}

// startPush answers when the push runs, or could not begin.
func startPush(q *request, c *cacheState, done func(reply)) {
	q.node.startPush(c, func(err error) {
		if err == nil {
			done(bare(http.StatusOK))
			return
		}
		done(failedOperation(c.backup, fmt.Sprintf("Unable to pushState to '%s'. %s", c.backup, trouble(err, c))))
	})
}

// cancelPush answers when the receiver knows, or cannot be told.
func cancelPush(q *request, c *cacheState, done func(reply)) {
	q.node.cancelPush(c, func(err error) {
		if err == nil {
			done(bare(http.StatusOK))
			return
		}
		done(failedOperation(c.backup, "Unable to perform operation. Error="+exception(err)+": "+trouble(err, c)))
	})
}

// pushStatus tells the merged status by site, or the trouble of finding out, with status 200 all the same (F14).
func pushStatus(q *request, c *cacheState, done func(reply)) {
	n := q.node
	for _, m := range n.members() {
		if m.frozen {
			n.site.world.agenda.after(c.spec.RemoteTimeout, func() {
				done(inJSON(marshal(map[string]string{"ERROR": timedOut(m.name, c.spec.RemoteTimeout)})))
			})
			return
		}
	}
	done(inJSON(marshal(bySite(c, n.site.mergedPush(n, c.spec.Name), infinispan.PushIdle))))
}

func forgetPush(q *request, c *cacheState) reply {
	q.node.site.clearPushStatus(c.spec.Name)
	return inJSON(`"ok"`)
}

func mode(q *request, c *cacheState) reply {
	return inJSON(`"` + string(q.node.mode(c.spec.Name)) + `"`)
}

// setMode answers 304 to a mode that is set already, and refuses any for SYNC (V8, V74).
func setMode(q *request, c *cacheState) reply {
	m := infinispan.Mode(q.http.URL.Query().Get("mode"))
	switch {
	case m != infinispan.ModeAuto && m != infinispan.ModeManual:
		return refused(http.StatusBadRequest, "No enum constant org.infinispan.configuration.cache.XSiteStateTransferMode."+string(m))
	case !c.async():
		return refused(http.StatusBadRequest, "ISPN000634: Cross-site automatic state transfer is not compatible with SYNC backup strategy.")
	case q.node.mode(c.spec.Name) == m:
		return bare(http.StatusNotModified)
	}
	for _, n := range q.node.site.running() {
		n.modes[c.spec.Name] = m
	}
	return bare(http.StatusOK)
}
