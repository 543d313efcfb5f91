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

// failedWrite is the answer to a write whose backup failed.
func failedWrite(err error, status int) reply {
	if err == nil {
		return bare(status)
	}
	return text(http.StatusInternalServerError, err.Error())
}

func putEntry(q *request, c *cacheState, done func(reply)) {
	e := entry{value: string(q.body)}
	e.lifespan = seconds(q.http.Header.Get("Timetoliveseconds"))
	e.maxIdle = seconds(q.http.Header.Get("Maxidletimeseconds"))
	q.node.put(c, q.call.Key, e, func(err error) { done(failedWrite(err, http.StatusNoContent)) })
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
	q.node.remove(c, q.call.Key, func(err error) { done(failedWrite(err, http.StatusNoContent)) })
}

func clearCache(q *request, c *cacheState, done func(reply)) {
	q.node.clear(c, q.call.AtHome, func(err error) { done(failedWrite(err, http.StatusNoContent)) })
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
		"time_since_start": 1, "time_since_reset": 1, "approximate_entries": held, "approximate_entries_in_memory": held,
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
		if c.spec.KeyType != "" {
			one["key"] = map[string]string{"_type": c.spec.KeyType, "userSessionId": key, "clientId": "client"}
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

// pushTrouble puts the reason why a push did not begin into the server's words.
func pushTrouble(err error, c *cacheState) string {
	peer := c.backup
	switch {
	case errors.Is(err, errTimeout):
		return fmt.Sprintf("ISPN000476: Timed out waiting for responses for request 1 from %s after %d milliseconds", peer, c.spec.Timeout.Milliseconds())
	case errors.Is(err, errReceiving):
		return "Already receiving state from " + c.site.name
	case errors.Is(err, errUnreachable):
		return fmt.Sprintf("Site '%s' is unreachable", peer)
	case errors.Is(err, errNoCache):
		return fmt.Sprintf("ISPN000603: Cannot handle cross-site request from site '%s'. Cache '%s' not found.", c.site.name, c.spec.Name)
	}
	return err.Error()
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
		return text(http.StatusBadRequest, fmt.Sprintf("ISPN000507: Cache %s already exists", q.call.Cache))
	}
	var printed map[string]map[string]any
	if err := json.Unmarshal(q.body, &printed); err != nil || len(printed) != 1 {
		return text(http.StatusBadRequest, "ISPN000327: Cannot find a parser for element in namespace")
	}
	spec, err := readSpec(q.call.Cache, printed, s)
	if err != nil {
		return text(http.StatusBadRequest, err.Error())
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
		return noCache(q.call.Cache)
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
	return bare(http.StatusNoContent)
}
