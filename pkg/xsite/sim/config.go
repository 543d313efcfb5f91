package sim

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// config is a cache's configuration as the server prints it.
func config(q *request) reply {
	s := q.node.site
	if refused, is := q.lacks(); is {
		return refused
	}
	c := s.caches[q.call.Cache]
	switch {
	case c == nil && !s.world.release.old() && !s.world.release.reworded():
		return refused(http.StatusInternalServerError,
			`Cannot invoke "org.infinispan.configuration.cache.Configuration.clustering()" because "config" is null`) // V73
	case c == nil && s.world.release.reworded():
		return bare(http.StatusNotFound)
	case c == nil:
		return noCache(q.call.Cache)
	}
	return inJSON(marshal(map[string]any{c.spec.Name: c.printed()}))
}

// printed is the configuration below the cache's name: only what differs from the server's defaults.
func (c *cacheState) printed() map[string]any {
	s := c.spec
	if s.printed != nil {
		return s.printed
	}
	body := map[string]any{
		"mode": "SYNC", "statistics": !s.NoStatistics, "remote-timeout": "5000",
		"encoding": map[string]any{"media-type": "application/x-protostream"},
		"locking":  map[string]any{"acquire-timeout": "4000"}, "state-transfer": map[string]any{"chunk-size": "16"},
	}
	if s.Kind == infinispan.KindDistributed {
		body["owners"] = "2"
	}
	if !s.NonTransactional {
		body["transaction"] = map[string]any{"mode": "NON_DURABLE_XA", "locking": "PESSIMISTIC"}
	}
	if c.backup != "" {
		transfer := map[string]any{"chunk-size": strconv.Itoa(s.ChunkSize)}
		if s.Mode == infinispan.ModeAuto {
			transfer["mode"] = "AUTO"
		}
		body["backups"] = bySite(c, map[string]any{"backup": map[string]any{
			"strategy": s.Strategy, "timeout": strconv.FormatInt(s.Timeout.Milliseconds(), 10),
			"failure-policy": s.FailurePolicy, "state-transfer": transfer,
		}}, map[string]any{"backup": map[string]any{"strategy": infinispan.StrategyAsync, "timeout": "15000"}})
	}
	if f := s.BackupFor; f != nil {
		body["backup-for"] = map[string]any{"remote-cache": f.Cache, "remote-site": f.Site}
	}
	maps.Copy(body, s.Extra)
	return map[string]any{string(s.Kind) + "-cache": body}
}

// readSpec reads a configuration that a client sends: its kind and its backup; the rest is kept for printing.
func readSpec(name string, printed map[string]map[string]any, s *Site) (CacheSpec, error) {
	spec := CacheSpec{
		Name: name, NoBackup: true, Timeout: 15 * time.Second, ChunkSize: 512, RemoteTimeout: 15 * time.Second,
		Strategy: infinispan.StrategyAsync, FailurePolicy: infinispan.FailureWarn,
	}
	for element, body := range printed {
		kind, ok := strings.CutSuffix(element, "-cache")
		spec.Kind = infinispan.CacheKind(kind)
		switch spec.Kind {
		case infinispan.KindLocal, infinispan.KindReplicated, infinispan.KindDistributed, infinispan.KindInvalidation, infinispan.KindScattered:
		default:
			ok = false
		}
		if !ok {
			return spec, fmt.Errorf("ISPN000327: Cannot find a parser for element '%s' in namespace '' at [1,3]. Check that your configuration "+
				"is up-to-date for Infinispan '%s' and you have the proper dependency in the classpath", element, s.world.fullVersion())
		}
		spec.printed, _ = asPrinted(map[string]any{element: body}).(map[string]any)
		statistics, _ := body["statistics"].(bool)
		spec.NoStatistics = !statistics
		_, transactional := body["transaction"]
		spec.NonTransactional = !transactional
		if err := readBackup(&spec, body, s); err != nil {
			return spec, err
		}
	}
	return spec.complete(s.world.o)
}

// readBackup reads the backup to the peer; a backup to the own site is dropped, as the server does.
func readBackup(c *CacheSpec, body map[string]any, s *Site) error {
	raw, err := json.Marshal(body["backups"])
	if err != nil {
		return err
	}
	var backups map[string]struct {
		Backup struct {
			Strategy infinispan.Strategy      `json:"strategy"`
			Policy   infinispan.FailurePolicy `json:"failure-policy"`
			Timeout  any                      `json:"timeout"`
			Transfer struct {
				Chunk   any             `json:"chunk-size"`
				Timeout any             `json:"timeout"`
				Retries any             `json:"max-retries"`
				Wait    any             `json:"wait-time"`
				Mode    infinispan.Mode `json:"mode"`
			} `json:"state-transfer"`
		} `json:"backup"`
	}
	if err := json.Unmarshal(raw, &backups); err != nil {
		return fmt.Errorf("ISPN000327: the backups are not understood: %w", err)
	}
	b, there := backups[s.peer().name]
	if !there {
		return nil
	}
	c.NoBackup = false
	if b.Backup.Strategy != "" {
		c.Strategy = b.Backup.Strategy
	}
	if b.Backup.Policy != "" {
		c.FailurePolicy = b.Backup.Policy
	}
	milliseconds(&c.Timeout, b.Backup.Timeout)
	milliseconds(&c.RemoteTimeout, body["remote-timeout"])
	milliseconds(&c.ChunkTimeout, b.Backup.Transfer.Timeout)
	milliseconds(&c.ChunkWait, b.Backup.Transfer.Wait)
	if chunk := number(b.Backup.Transfer.Chunk); chunk > 0 {
		c.ChunkSize = chunk
	}
	c.ChunkRetries = number(b.Backup.Transfer.Retries)
	c.Mode = b.Backup.Transfer.Mode
	if c.Strategy == infinispan.StrategyAsync && c.FailurePolicy == infinispan.FailureFail {
		return serverError(fmt.Sprintf("ISPN000656: The backup '%s' configuration 'failure-policy=FAIL' is not valid with an ASYNC backup strategy.", s.peer().name))
	}
	return nil
}

// serverError is an error in the server's own words.
type serverError string

func (e serverError) Error() string { return string(e) }

// milliseconds sets a time where one is given.
func milliseconds(d *time.Duration, v any) {
	if ms := number(v); ms > 0 {
		*d = time.Duration(ms) * time.Millisecond
	}
}

// asPrinted writes numbers as strings, as the server does.
func asPrinted(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for key, value := range v {
			out[key] = asPrinted(value)
		}
		return out
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return v
}

// number reads a number that may be written as a string.
func number(v any) int {
	if f, ok := v.(float64); ok {
		return int(f)
	}
	n, err := strconv.Atoi(fmt.Sprint(v))
	if err != nil {
		return 0
	}
	return n
}
