package xsite_test

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// site is one site: its Infinispan servers and caches, its Keycloak, its journals.
type site struct {
	pair      *pair
	name      string
	uid       string
	version   string
	servers   []*server
	caches    map[string]*cache
	keycloaks []*keycloak
	journals  []*stored
	clients   []infinispan.Connection
	lease     xsite.LeaseRecord
	leases    int
	access    []xsite.Access
	// contenders are what else acts on the site; cacheHealth is the health that its servers tell of single caches.
	contenders  xsite.Contenders
	cacheHealth map[string]infinispan.HealthStatus
	health      infinispan.HealthStatus
	// leaky servers ignore the header that keeps a clear at home; leaksThroughFlags even the offline flags, but not for
	// caches of the kind that a probe uses.
	leaky, leaksThroughFlags bool
	// still sites do not rebalance, blind ones do not see their peer.
	still, blind bool
	// podless is for how many coming looks no pod is there.
	podless  int
	mirrored map[string]bool
	watchers []*watcher
	// changing counts the flags that change right now; locked is true once there were two (V66).
	changing atomic.Int32
	locked   atomic.Bool
}

// server is one Infinispan server and its pod.
type server struct {
	pod, uid, name string
	restarts       int32
	ready          bool
	localSite      string
	// state is that of its cache container; RUNNING when empty.
	state infinispan.ContainerStatus
	// deaf servers answer take-offline with success and do nothing.
	deaf bool
	// silent servers answer nothing; what is set through another one reaches them.
	silent bool
	// starting servers are no relay node yet.
	starting bool
}

// stored is one journal record with its version.
type stored struct {
	id      string
	version int
	record  []byte
}

func newFakeSite(p *pair, name string) *site {
	s := &site{
		pair: p, name: name, uid: "uid-" + name, version: "15.0.21.Final", health: infinispan.HealthHealthy,
		caches: map[string]*cache{}, mirrored: map[string]bool{},
		access: []xsite.Access{{Verb: "list", Resource: "pods", Namespace: "keycloak", Allowed: true, Required: true, Why: "to find the servers"}},
	}
	for i := range 2 {
		pod := "infinispan-" + strconv.Itoa(i)
		s.servers = append(s.servers, &server{pod: pod, uid: name + "-" + pod, name: pod + "-10000", ready: true, localSite: name})
	}
	s.caches["___protobuf_metadata"] = newFakeCache(s, "nowhere")
	clear(s.caches["___protobuf_metadata"].config.Backups)
	s.keycloaks = []*keycloak{{ref: keycloakRef, instances: 2, pods: []*keycloakPod{{name: "keycloak-0", ready: true}, {name: "keycloak-1", ready: true}}}}
	return s
}

// peer returns the other site.
func (s *site) peer() *site {
	if s == s.pair.a {
		return s.pair.b
	}
	return s.pair.a
}

// seat is a process's access to one site. It implements xsite.Cluster.
type seat struct {
	*site

	proc *process
}

var _ xsite.Cluster = seat{}

func (s seat) do(ctx context.Context, method, what string, perform func() error) error {
	return s.pair.do(ctx, s.proc, s.name, method, what, perform)
}

func (s seat) Place() xsite.Place {
	return xsite.Place{Context: s.name, Server: "https://" + s.name + ".example", Namespace: "keycloak", Infinispan: "infinispan/infinispan", InfinispanUID: s.uid}
}

func (s seat) Access(ctx context.Context, _ xsite.Role) (answers []xsite.Access, err error) {
	err = s.do(ctx, "Access", "", func() error { answers = slices.Clone(s.access); return nil })
	return answers, err
}

func (s seat) Contenders(ctx context.Context, _ xsite.Role) (found xsite.Contenders, err error) {
	err = s.do(ctx, "Contenders", "", func() error { found = s.contenders; return nil })
	return found, err
}

func (s seat) Pods(ctx context.Context) (pods []xsite.Pod, err error) {
	err = s.do(ctx, "Pods", "", func() error {
		if s.podless > 0 {
			s.podless--
			return nil
		}
		for _, v := range s.servers {
			pods = append(pods, xsite.Pod{Name: v.pod, UID: v.uid, Ready: v.ready, Restarts: v.restarts})
		}
		return nil
	})
	return pods, err
}

func (s seat) Node(ctx context.Context, pod xsite.Pod) (found xsite.Node, err error) {
	err = s.do(ctx, "Node", pod.Name, func() error {
		for i, v := range s.servers {
			if v.pod == pod.Name && v.uid == pod.UID {
				found = node{s, i, pod.UID}
				return nil
			}
		}
		return xsite.ErrPodGone
	})
	return found, err
}

func (s seat) Journals(ctx context.Context) (list []xsite.StoredJournal, err error) {
	err = s.do(ctx, "Journals", "", func() error {
		for _, j := range s.journals {
			list = append(list, xsite.StoredJournal{ID: j.id, Version: strconv.Itoa(j.version), Record: j.record})
		}
		return nil
	})
	return list, err
}

func (s seat) PutJournal(ctx context.Context, id, version string, record []byte) (next string, err error) {
	err = s.do(ctx, "PutJournal", "", func() error {
		i := slices.IndexFunc(s.journals, func(j *stored) bool { return j.id == id })
		switch {
		case i < 0 && version == "":
			s.journals = append([]*stored{{id: id, version: 1, record: record}}, s.journals...)
			next = "1"
			return nil
		case i < 0 || strconv.Itoa(s.journals[i].version) != version:
			return fmt.Errorf("put %s: %w", id, xsite.ErrConflict)
		}
		s.journals[i].version++
		s.journals[i].record = record
		next = strconv.Itoa(s.journals[i].version)
		return nil
	})
	return next, err
}

func (s seat) DeleteJournal(ctx context.Context, id string) error {
	return s.do(ctx, "DeleteJournal", "", func() error {
		s.journals = slices.DeleteFunc(s.journals, func(j *stored) bool { return j.id == id })
		return nil
	})
}

func (s seat) Lease(ctx context.Context) (found xsite.LeaseRecord, err error) {
	err = s.do(ctx, "Lease", "", func() error { found = s.lease; return nil })
	return found, err
}

func (s seat) PutLease(ctx context.Context, record xsite.LeaseRecord) (version string, err error) {
	err = s.do(ctx, "PutLease", "", func() error {
		if record.Version != s.lease.Version {
			return fmt.Errorf("put the lease: %w", xsite.ErrConflict)
		}
		s.leases++
		version = strconv.Itoa(s.leases)
		s.lease = record
		s.lease.Version = version
		return nil
	})
	return version, err
}

func (s seat) DeleteLease(ctx context.Context, version string) error {
	return s.do(ctx, "DeleteLease", "", func() error {
		if s.lease.Version != "" && s.lease.Version != version {
			return fmt.Errorf("delete the lease: %w", xsite.ErrConflict)
		}
		s.lease = xsite.LeaseRecord{}
		return nil
	})
}

func (s seat) ForgetCaches(ctx context.Context, prefix string) (removed []string, err error) {
	err = s.do(ctx, "ForgetCaches", prefix, func() error {
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

func (s seat) Keycloaks(ctx context.Context) (list []xsite.Keycloak, err error) {
	err = s.do(ctx, "Keycloaks", "", func() error {
		for _, k := range s.keycloaks {
			list = append(list, k.seen())
		}
		sort.Slice(list, func(i, j int) bool { return list[i].Ref < list[j].Ref })
		return nil
	})
	return list, err
}

func (s seat) keycloak(ref string) (*keycloak, error) {
	for _, k := range s.keycloaks {
		if k.ref == ref {
			return k, nil
		}
	}
	return nil, fmt.Errorf("no Keycloak %s: %w", ref, infinispan.ErrNotFound)
}

func (s seat) ScaleKeycloak(ctx context.Context, ref string, instances int) error {
	return s.do(ctx, "ScaleKeycloak", "", func() error {
		k, err := s.keycloak(ref)
		if err != nil {
			return err
		}
		k.instances = instances
		s.pair.judgeStart(s.site, instances)
		return nil
	})
}

func (s seat) RecordInstances(ctx context.Context, ref string, instances int) error {
	return s.do(ctx, "RecordInstances", "", func() error {
		k, err := s.keycloak(ref)
		if err == nil && k.recorded == nil {
			k.recorded = &instances
		}
		return err
	})
}

func (s seat) ForgetInstances(ctx context.Context, ref string) error {
	return s.do(ctx, "ForgetInstances", "", func() error {
		k, err := s.keycloak(ref)
		if err == nil {
			k.recorded = nil
		}
		return err
	})
}
