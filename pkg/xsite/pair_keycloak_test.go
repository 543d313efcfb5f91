package xsite_test

import (
	"context"
	"slices"
	"strconv"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// keycloak is one Keycloak workload.
type keycloak struct {
	ref       string
	instances int
	pods      []*keycloakPod
	recorded  *int
	addresses []string
	// broken pods never become ready.
	broken bool
}

// keycloakPod is one of its pods.
type keycloakPod struct {
	name               string
	ready, terminating bool
}

// seen is the workload as the API server shows it.
func (k *keycloak) seen() xsite.Keycloak {
	v := xsite.Keycloak{
		Ref: k.ref, Namespace: "keycloak", UID: "uid-" + k.ref, Instances: k.instances, Settled: len(k.pods) == k.instances, Recorded: k.recorded,
		Addresses: k.addresses,
	}
	for _, p := range k.pods {
		v.Pods = append(v.Pods, p.name)
		if p.ready && !p.terminating {
			v.ReadyPods++
		}
	}
	return v
}

// settle does one step of the controllers: a pod terminates, is gone, comes, or becomes ready.
func (s *site) settle(k *keycloak) {
	switch last := len(k.pods) - 1; {
	case len(k.pods) > k.instances && k.pods[last].terminating:
		k.pods = k.pods[:last]
	case len(k.pods) > k.instances:
		k.pods[last].terminating = true
	case last >= 0 && !k.pods[last].ready:
		k.pods[last].ready = !k.broken
	case len(k.pods) < k.instances:
		s.startPod(k)
	}
}

// startPod makes one more pod and tells those who watch.
func (s *site) startPod(k *keycloak) {
	p := &keycloakPod{name: "keycloak-" + strconv.Itoa(len(k.pods))}
	k.pods = append(k.pods, p)
	for _, w := range s.watchers {
		w.tell(xsite.PodSighting{Pod: p.name})
	}
}

// flicker is a Keycloak pod that comes and is gone before anybody looks.
func (s *site) flicker() {
	k := s.keycloaks[0]
	s.startPod(k)
	k.pods = k.pods[:len(k.pods)-1]
}

// loseWatches breaks every watch for good.
func (s *site) loseWatches() {
	for _, w := range s.watchers {
		w.tell(xsite.PodSighting{Lost: errNobody})
	}
}

// watcher is one open watch for pods.
type watcher struct {
	ctx  context.Context //nolint:containedctx // it is the watch's own end
	sent chan xsite.PodSighting
}

// tell sends one message and returns once it has been taken note of: the next, empty one is received only after that.
func (w *watcher) tell(s xsite.PodSighting) {
	for _, message := range []xsite.PodSighting{s, {}} {
		select {
		case w.sent <- message:
		case <-w.ctx.Done():
		}
	}
}

// WatchKeycloak reports the pods there are and those that come.
func (s seat) WatchKeycloak(ctx context.Context) (<-chan xsite.PodSighting, error) {
	w := &watcher{ctx: ctx, sent: make(chan xsite.PodSighting)}
	var there []string
	err := s.do(ctx, "WatchKeycloak", "", func() error {
		s.watchers = append(s.watchers, w)
		for _, k := range s.keycloaks {
			there = append(there, k.seen().Pods...)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	go func() {
		for _, pod := range there {
			w.tell(xsite.PodSighting{Pod: pod})
		}
		<-ctx.Done()
		s.pair.mu.Lock()
		defer s.pair.mu.Unlock()
		s.watchers = slices.DeleteFunc(s.watchers, func(o *watcher) bool { return o == w })
		close(w.sent)
	}()
	return w.sent, nil
}
