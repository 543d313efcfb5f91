package runs

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/sim"
)

// How long Keycloak's pods take.
const (
	podStops  = 2 * time.Second
	podStarts = 3 * time.Second
)

// cluster is one site's Kubernetes in memory.
type cluster struct {
	stage *stage
	site  *sim.Site

	mu        sync.Mutex
	instances int
	recorded  *int
	pods      []string
	ready     bool
	// came is when the pods came.
	came     time.Time
	journals []*record
	lease    xsite.LeaseRecord
	versions int
	watchers []chan xsite.PodSighting
	away     time.Time
	// asked counts the calls by what they are.
	asked map[string]int
	// mirrored are the Cache resources that the operator made of probe caches.
	mirrored map[string]bool
}

// leave makes the API server away for a while.
func (c *cluster) leave(lasts time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.away = time.Now().Add(lasts)
}

// record is a stored journal.
type record struct {
	id      string
	version int
	text    []byte
}

// scale sets the wanted count; pods follow.
func (c *cluster) scale(instances int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.instances == instances {
		return
	}
	c.instances, c.ready = instances, false
	after := podStarts
	if instances == 0 {
		after = podStops
	}
	time.AfterFunc(after, func() { c.follow(instances) })
}

// follow brings the pods to the wanted count, unless that changed meanwhile.
func (c *cluster) follow(instances int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.instances != instances {
		return
	}
	c.pods, c.came = nil, time.Now()
	for i := range instances {
		name := "keycloak-" + strconv.Itoa(i)
		c.pods = append(c.pods, name)
		for _, w := range c.watchers {
			select {
			case w <- xsite.PodSighting{Pod: name}:
			default:
			}
		}
	}
	c.ready = true
}

// seat is one process's access to a cluster. It implements xsite.Cluster.
type seat struct {
	*cluster

	proc *process
}

var _ xsite.Cluster = seat{}

// call carries out one call of the process to the API server.
func (s seat) call(ctx context.Context, what string, changing bool, perform func() error) error {
	s.proc.awake()
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	if err := s.proc.before(s.site.Name() + " " + what); err != nil {
		return err
	}
	s.mu.Lock()
	away := time.Now().Before(s.away)
	s.mu.Unlock()
	if away {
		return fmt.Errorf("dial tcp: connection refused: %w", xsite.ErrUnavailable)
	}
	fault := s.spoiled(what)
	if fault.before != nil {
		return fault.before
	}
	if changing && !strings.HasSuffix(what, " lease") {
		s.proc.changes(s.site.Name()+" "+what, what == "scale keycloak")
	}
	s.mu.Lock()
	err := perform()
	s.mu.Unlock()
	s.proc.awake()
	return cmp.Or(s.proc.after(), err, fault.after)
}

func (s seat) Place() xsite.Place {
	name := s.site.Name()
	return xsite.Place{Context: name, Server: "https://" + name, Namespace: "keycloak", Infinispan: "infinispan/infinispan", InfinispanUID: "uid-" + name}
}

func (s seat) Access(context.Context, xsite.Role) ([]xsite.Access, error) { return nil, nil }

func (s seat) Contenders(context.Context, xsite.Role) (xsite.Contenders, error) {
	return xsite.Contenders{}, nil
}

func (s seat) Pods(ctx context.Context) (pods []xsite.Pod, err error) {
	err = s.call(ctx, "list pods", false, func() error {
		for _, n := range s.site.Nodes() {
			pods = append(pods, xsite.Pod{Name: podName(n), UID: podName(n), Ready: n.Up(), Restarts: int32(n.Generation())})
		}
		return nil
	})
	return pods, err
}

func podName(n *sim.Node) string { return "infinispan-" + strconv.Itoa(n.Index()) }

func (s seat) Node(_ context.Context, pod xsite.Pod) (xsite.Node, error) {
	for _, n := range s.site.Nodes() {
		if podName(n) == pod.Name {
			return s.proc.client(n)
		}
	}
	return nil, xsite.ErrPodGone
}

func (s seat) Keycloaks(ctx context.Context) (list []xsite.Keycloak, err error) {
	err = s.call(ctx, "get keycloak", false, func() error {
		k := xsite.Keycloak{
			Ref: "keycloak/keycloak", Namespace: "keycloak", UID: "uid", Instances: s.instances, Pods: slices.Clone(s.pods),
			Settled: len(s.pods) == s.instances, Recorded: s.recorded,
		}
		if s.ready {
			k.ReadyPods = len(s.pods)
		}
		list = []xsite.Keycloak{k}
		return nil
	})
	return list, err
}

func (s seat) ScaleKeycloak(ctx context.Context, _ string, instances int) error {
	scaled := false
	err := s.call(ctx, "scale keycloak", true, func() error { scaled = true; return nil })
	if scaled && instances > 0 {
		s.stage.judgeStart(s.site)
	}
	if scaled {
		s.scale(instances)
	}
	return err
}

func (s seat) RecordInstances(ctx context.Context, _ string, instances int) error {
	return s.call(ctx, "annotate keycloak", true, func() error {
		if s.recorded == nil {
			s.recorded = &instances
		}
		return nil
	})
}

func (s seat) ForgetInstances(ctx context.Context, _ string) error {
	return s.call(ctx, "annotate keycloak", true, func() error { s.recorded = nil; return nil })
}

func (s seat) WatchKeycloak(ctx context.Context) (<-chan xsite.PodSighting, error) {
	own := make(chan xsite.PodSighting, 8)
	err := s.call(ctx, "watch pods", false, func() error {
		for _, name := range s.pods {
			own <- xsite.PodSighting{Pod: name}
		}
		s.watchers = append(s.watchers, own)
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := make(chan xsite.PodSighting)
	go func() {
		defer close(out)
		for {
			select {
			case <-ctx.Done():
				return
			case seen := <-own:
				select {
				case out <- seen:
				case <-ctx.Done():
					return
				}
			}
		}
	}()
	return out, nil
}

func (s seat) Journals(ctx context.Context) (list []xsite.StoredJournal, err error) {
	err = s.call(ctx, "list configmaps", false, func() error {
		for _, j := range s.journals {
			list = append(list, xsite.StoredJournal{ID: j.id, Version: strconv.Itoa(j.version), Record: j.text})
		}
		return nil
	})
	return list, err
}

func (s seat) PutJournal(ctx context.Context, id, version string, text []byte) (next string, err error) {
	err = s.call(ctx, "put configmap", true, func() error {
		i := slices.IndexFunc(s.journals, func(j *record) bool { return j.id == id })
		s.versions++
		switch {
		case i < 0 && version == "":
			s.journals = append([]*record{{id: id, version: s.versions, text: text}}, s.journals...)
		case i < 0 || strconv.Itoa(s.journals[i].version) != version:
			return xsite.ErrConflict
		default:
			s.journals[i].version, s.journals[i].text = s.versions, text
		}
		next = strconv.Itoa(s.versions)
		return nil
	})
	return next, err
}

func (s seat) DeleteJournal(ctx context.Context, id string) error {
	return s.call(ctx, "delete configmap", true, func() error {
		s.journals = slices.DeleteFunc(s.journals, func(j *record) bool { return j.id == id })
		return nil
	})
}

func (s seat) Lease(ctx context.Context) (found xsite.LeaseRecord, err error) {
	err = s.call(ctx, "get lease", false, func() error { found = s.lease; return nil })
	return found, err
}

func (s seat) PutLease(ctx context.Context, lease xsite.LeaseRecord) (version string, err error) {
	err = s.call(ctx, "put lease", true, func() error {
		if lease.Version != s.lease.Version {
			return xsite.ErrConflict
		}
		s.versions++
		version = strconv.Itoa(s.versions)
		s.lease = lease
		s.lease.Version = version
		return nil
	})
	return version, err
}

func (s seat) DeleteLease(ctx context.Context, version string) error {
	return s.call(ctx, "delete lease", true, func() error {
		if s.lease.Version != "" && s.lease.Version != version {
			return xsite.ErrConflict
		}
		s.lease = xsite.LeaseRecord{}
		return nil
	})
}

func (s seat) ForgetCaches(ctx context.Context, prefix string) (removed []string, err error) {
	err = s.call(ctx, "delete cache resources", true, func() error {
		for name := range s.mirrored {
			if strings.HasPrefix(name, prefix) {
				delete(s.mirrored, name)
				removed = append(removed, name)
			}
		}
		return nil
	})
	return removed, err
}
