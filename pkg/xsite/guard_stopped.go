package xsite

import (
	"context"
	"fmt"
	"sync"
)

// keycloakWatch notes whether any Keycloak pod of the secondary was seen since it began. Looking now and then would
// miss a pod that came and went between two looks.
type keycloakWatch struct {
	cancel context.CancelFunc
	done   chan struct{}

	mu   sync.Mutex
	seen string
	lost error
}

// watchKeycloak begins the watch; it lasts until it is ended, over all phases up to the comparison.
func (r *run) watchKeycloak(ctx context.Context) error {
	r.watch.end()
	ctx, cancel := context.WithCancel(ctx)
	sightings, err := r.secondary.cluster.WatchKeycloak(ctx)
	if err != nil {
		cancel()
		return fmt.Errorf("watch for Keycloak pods on the %s: %w", r.secondary, err)
	}
	w := &keycloakWatch{cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(w.done)
		for s := range sightings {
			w.note(s)
		}
	}()
	r.watch = w
	return nil
}

// note keeps the first sighting and the first loss.
func (w *keycloakWatch) note(s PodSighting) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if s.Lost != nil && w.lost == nil {
		w.lost = s.Lost
	}
	if s.Pod != "" && w.seen == "" {
		w.seen = s.Pod
	}
}

// end stops the watch and waits until it has stopped. A watch that never began is fine.
func (w *keycloakWatch) end() {
	if w == nil {
		return
	}
	w.cancel()
	<-w.done
}

// guardStopped: no Keycloak pod of the secondary exists, and none has existed since it was stopped. One that came up
// wrote stale or partial sessions, which voids everything since.
func (r *run) guardStopped(ctx context.Context) error {
	if len(r.plan.Secondary.Keycloaks) == 0 {
		return nil
	}
	if err := r.guardNoneCame(); err != nil {
		return err
	}
	left, err := runningKeycloak(ctx, r.secondary)
	if err != nil {
		return err
	}
	if len(left) > 0 {
		return r.keycloakCameUp(joined(left))
	}
	return nil
}

// guardNoneCame (of guard stopped) is what the watch has seen by now. It asks nobody, so it stands right before a clear as well: the
// guards between may take seconds.
func (r *run) guardNoneCame() error {
	if r.watch == nil {
		return nil
	}
	r.watch.mu.Lock()
	seen, lost := r.watch.seen, r.watch.lost
	r.watch.mu.Unlock()
	if seen != "" {
		return r.keycloakCameUp("pod " + seen + " came up meanwhile")
	}
	if lost != nil {
		return &Stop{
			Guard: GuardStopped, Found: "Keycloak's pods could not be watched without a gap", Where: r.secondary.String(), Err: lost,
			Because: "a pod that came and went in the gap would have written stale sessions unseen",
			Next:    "run the same command again",
		}
	}
	return nil
}

// keycloakCameUp is the end of a run during which Keycloak of the secondary came up.
func (r *run) keycloakCameUp(found string) error {
	return &Stop{
		Guard: GuardStopped, Found: "Keycloak of the secondary is not down: " + found, Where: r.secondary.String(),
		Because: "it serves and writes stale or partial sessions",
		Next:    "find out who started it (autoscaler, GitOps, a colleague), stop that, then run the same command again",
	}
}
