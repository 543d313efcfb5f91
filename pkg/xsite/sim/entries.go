package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// failedWrite is the answer to a write whose backup failed; a transaction that did says nothing of it.
func failedWrite(err error, c *cacheState, status int) reply {
	var failed *BackupError
	switch {
	case err == nil:
		return bare(status)
	case !c.spec.NonTransactional || !errors.As(err, &failed):
		return refused(http.StatusInternalServerError, "null")
	case failed.Elsewhere:
		return refused(http.StatusInternalServerError, "") // the words got lost on their way from the owner
	}
	return refused(http.StatusInternalServerError, fmt.Sprintf(
		"The local cache %s failed to backup data to the remote sites:\n%s: %s: %s", c.spec.Name, c.backup, exception(failed.Err), trouble(failed.Err, c)))
}

func putEntry(q *request, c *cacheState, done func(reply)) {
	e := entry{value: string(q.body)}
	if strings.HasPrefix(q.call.Key, "{") && q.http.Header.Get("Key-Content-Type") == kindJSON {
		c.spec.KeyType = kindJSON // the key is a message, written out
	}
	e.lifespan = seconds(q.http.Header.Get("Timetoliveseconds"))
	e.maxIdle = seconds(q.http.Header.Get("Maxidletimeseconds"))
	q.node.put(c, q.call.Key, e, func(err error) { done(failedWrite(err, c, http.StatusNoContent)) })
}

func seconds(text string) time.Duration {
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0
	}
	return time.Duration(n) * time.Second
}

// getEntry says nothing of a missing key.
func getEntry(q *request, c *cacheState) reply {
	e, alive := c.alive(q.call.Key)
	if !alive {
		return bare(http.StatusNotFound)
	}
	e.used = now()
	return text(http.StatusOK, e.value)
}

func removeEntry(q *request, c *cacheState, done func(reply)) {
	if _, alive := c.alive(q.call.Key); !alive {
		done(bare(http.StatusNotFound))
		return
	}
	q.node.remove(c, q.call.Key, func(err error) { done(failedWrite(err, c, http.StatusNoContent)) })
}

func clearCache(q *request, c *cacheState, done func(reply)) {
	q.node.clear(c, q.call.AtHome, func(err error) { done(failedWrite(err, c, http.StatusNoContent)) })
}

func size(_ *request, c *cacheState) reply {
	return inJSON(strconv.Itoa(len(c.keys())))
}

// stats are this node's counters; -1 where the cache does not count.
func stats(q *request, c *cacheState) reply {
	held, owned := c.counts(q.node)
	stores, removes := c.stores[q.node.index], c.removes[q.node.index]
	if c.spec.NoStatistics {
		held, owned, stores, removes = -1, -1, -1, -1
	}
	zero := int64(0)
	if c.spec.NoStatistics {
		zero = -1
	}
	return inJSON(marshal(map[string]int64{
		"time_since_start": 1, "time_since_reset": 1, "average_read_time_nanos": zero, "average_write_time": zero,
		"average_write_time_nanos": zero, "average_remove_time": zero, "average_remove_time_nanos": zero,
		"approximate_entries": held, "approximate_entries_in_memory": held,
		"approximate_entries_unique": owned, "current_number_of_entries": -1, "current_number_of_entries_in_memory": -1,
		"off_heap_memory_used": 0, "data_memory_used": -1, "stores": stores, "retrievals": zero, "hits": zero, "misses": zero,
		"remove_hits": removes, "remove_misses": zero, "evictions": zero, "average_read_time": zero,
		"required_minimum_number_of_nodes": 1,
	}))
}

// keys lists the keys where they are strings. Where they are messages, newer servers close the connection, and 14 never
// answers (V40, V70).
func keys(q *request, c *cacheState) reply {
	if c.spec.KeyType != "" {
		return reply{drop: !q.node.site.world.release.old(), hang: q.node.site.world.release.old()}
	}
	return inJSON(list(c.keys(), limit(q), func(key string) string { return marshal(key) }))
}

// entries lists keys and values with their types (V41).
func entries(q *request, c *cacheState) reply {
	withMetadata := q.http.URL.Query().Get("metadata") == "true"
	return inJSON(list(c.keys(), limit(q), func(key string) string {
		e := c.entries[key]
		one := map[string]any{"key": typed("string", key), "value": typed("string", e.value)}
		switch {
		case c.spec.KeyType == kindJSON:
			one["key"] = json.RawMessage(key)
		case c.spec.KeyType != "":
			one["key"] = map[string]string{"_type": c.spec.KeyType, "id": key}
		}
		if withMetadata {
			one["timeToLiveSeconds"], one["maxIdleTimeSeconds"] = whole(e.lifespan), whole(e.maxIdle)
			one["created"], one["lastUsed"], one["expireTime"] = int64(-1), int64(-1), int64(-1)
			if at := e.expires(); !at.IsZero() {
				one["created"], one["lastUsed"], one["expireTime"] = e.created.UnixMilli(), e.used.UnixMilli(), at.UnixMilli()
			}
		}
		return marshal(one)
	}))
}

func typed(kind, value string) map[string]string {
	return map[string]string{"_type": kind, "_value": value}
}

// whole is a time in seconds; -1 for ever.
func whole(d time.Duration) int64 {
	if d == 0 {
		return -1
	}
	return int64(d / time.Second)
}

// limit is the most elements that the caller wants; negative for all.
func limit(q *request) int {
	n, err := strconv.Atoi(q.http.URL.Query().Get("limit"))
	if err != nil {
		return -1
	}
	return n
}

// list writes a JSON array.
func list(keys []string, most int, element func(string) string) string {
	var b strings.Builder
	b.WriteByte('[')
	for i, key := range keys {
		if i == most {
			break
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(element(key))
	}
	b.WriteByte(']')
	return b.String()
}

// trouble puts the reason why the peer did not do something into the server's words.
func trouble(err error, c *cacheState) string {
	switch {
	case errors.Is(err, errTimeout):
		return timedOut(c.backup, c.spec.Timeout)
	case errors.Is(err, errUnreachable) && c.site.world.release.reworded():
		return fmt.Sprintf("ISPN000400: Node site:%s was suspected", c.backup)
	case errors.Is(err, errUnreachable):
		return fmt.Sprintf("ISPN000400: Node SiteAddress{name='%s'} was suspected", c.backup)
	}
	who := c.backup
	if relay := c.site.peer().relay(); relay != nil && !c.site.world.release.reworded() {
		who = relay.name + ":" + c.backup
	}
	return fmt.Sprintf("ISPN000217: Received exception from %s, see cause for remote stack trace", who)
}

// exception is the class of what the server throws then.
func exception(err error) string {
	switch {
	case errors.Is(err, errTimeout):
		return "org.infinispan.commons.TimeoutException"
	case errors.Is(err, errUnreachable):
		return "org.infinispan.remoting.transport.jgroups.SuspectException"
	}
	return "org.infinispan.remoting.RemoteException"
}

// create makes a cache from a configuration in JSON.
func create(q *request) reply {
	s := q.node.site
	if bad, is := badFlag(q); is {
		return bad
	}
	if refused, is := q.lacks(); is {
		return refused
	}
	if s.caches[q.call.Cache] != nil {
		return refused(http.StatusBadRequest, fmt.Sprintf("ISPN000507: Cache %s already exists", q.call.Cache))
	}
	var printed map[string]map[string]any
	if err := json.Unmarshal(q.body, &printed); err != nil || len(printed) != 1 {
		return refused(http.StatusBadRequest, "Invalid JSON token: expected 'null' keyword. at [1,2]")
	}
	spec, err := readSpec(q.call.Cache, printed, s)
	if err != nil {
		return refused(http.StatusBadRequest, err.Error())
	}
	for _, f := range flagsOf(q.http) {
		spec.volatile = spec.volatile || f == "VOLATILE"
	}
	s.addCache(spec)
	return bare(http.StatusOK)
}

// remove deletes a cache in this site. On 14 the flag goes with it; later it stays (V47).
func remove(q *request) reply {
	s := q.node.site
	if refused, is := q.lacks(); is {
		return refused
	}
	if s.caches[q.call.Cache] == nil {
		return bare(http.StatusNotFound)
	}
	delete(s.caches, q.call.Cache)
	for _, n := range s.nodes {
		delete(n.modes, q.call.Cache)
		delete(n.pushes, q.call.Cache)
		delete(n.clears, q.call.Cache)
		if !s.world.release.replicatedFlags() {
			delete(n.flags, q.call.Cache)
		}
	}
	return bare(http.StatusOK)
}
