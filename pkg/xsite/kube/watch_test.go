package kube

import (
	"context"
	"errors"
	"testing"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// until reads sightings until one of that pod.
func until(t *testing.T, sightings <-chan xsite.PodSighting, pod string) {
	t.Helper()
	for s := range sightings {
		if s.Lost != nil {
			t.Fatalf("lost while waiting for %s: %v", pod, s.Lost)
		}
		if s.Pod == pod {
			return
		}
	}
	t.Fatalf("the channel was closed before %s was seen", pod)
}

// lostWith reads sightings until the watch is lost, and proves that nothing comes after that.
func lostWith(t *testing.T, sightings <-chan xsite.PodSighting) error {
	t.Helper()
	var lost error
	for s := range sightings {
		if lost != nil {
			t.Errorf("%+v after the loss", s)
		}
		lost = s.Lost
	}
	if lost == nil {
		t.Fatal("closed without a reason")
	}
	return lost
}

func TestEveryPodThatExistsOrAppearsIsSeen(t *testing.T) {
	f := newSite(t)
	ctx, cancel := context.WithCancel(t.Context())
	sightings, err := f.mustConnect(nil).WatchKeycloak(ctx)
	if err != nil {
		t.Fatal(err)
	}
	until(t, sightings, "keycloak-0")
	until(t, sightings, "keycloak-1")
	f.put(infinispanPod("infinispan-2"), keycloakPod("keycloak-2"))
	until(t, sightings, "keycloak-2")
	cancel()
	for s := range sightings {
		if s.Lost != nil {
			t.Errorf("an end that was asked for is no loss: %v", s.Lost)
		}
	}
}

func TestABrokenWatchIsResumedWithAFreshList(t *testing.T) {
	f := newSite(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	sightings, err := f.mustConnect(nil).WatchKeycloak(ctx)
	if err != nil {
		t.Fatal(err)
	}
	until(t, sightings, "keycloak-1")
	f.awaitWatch()
	f.mu.Lock()
	f.broken["list pods"] = 3
	f.mu.Unlock()
	f.breakWatches()
	f.put(keycloakPod("keycloak-7"))
	until(t, sightings, "keycloak-7")
}

func TestAWatchThatCannotBeResumedSaysSoLast(t *testing.T) {
	for name, breakIt := range map[string]func(*fakeAPI){
		"refused": func(f *fakeAPI) { f.denied["list pods"] = true },
		"broken":  func(f *fakeAPI) { f.broken["list pods"] = 100 },
	} {
		t.Run(name, func(t *testing.T) {
			f := newSite(t)
			site := f.mustConnect(nil)
			site.watchTries = 10
			sightings, err := site.WatchKeycloak(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			until(t, sightings, "keycloak-1")
			f.awaitWatch()
			f.mu.Lock()
			breakIt(f)
			f.mu.Unlock()
			f.breakWatches()
			err = lostWith(t, sightings)
			if name == "refused" {
				as[*ForbiddenError](t, err)
			}
		})
	}
}

// A pod that came and went while nobody watched leaves no trace but in the generation of what wanted it.
func TestAKeycloakThatWasChangedWhileNobodyWatchedIsALoss(t *testing.T) {
	for name, change := range map[string]func(f *fakeAPI){
		"the Keycloak resource": func(f *fakeAPI) {
			f.edit(keycloakCR("keycloak", 2, ""), func(o object) { o["metadata"].(object)["generation"] = int64(77) })
		},
		"its StatefulSet": func(f *fakeAPI) {
			f.edit(statefulSet("keycloak", 2, nil), func(o object) { o["metadata"].(object)["generation"] = int64(77) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newSite(t)
			sightings, err := f.mustConnect(nil).WatchKeycloak(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			until(t, sightings, "keycloak-1")
			f.awaitWatch()
			f.mu.Lock()
			f.broken["list pods"] = 3
			f.mu.Unlock()
			change(f)
			f.breakWatches()
			if err := lostWith(t, sightings); !errors.Is(err, errChanged) {
				t.Errorf("lost with %v", err)
			}
		})
	}
}

func TestWithoutKeycloakTheWatchSeesNothingUntilItsEnd(t *testing.T) {
	f := newSite(t)
	ctx, cancel := context.WithCancel(t.Context())
	sightings, err := f.mustConnect(func(o *Options) { o.Keycloaks = []string{"none"} }).WatchKeycloak(ctx)
	if err != nil {
		t.Fatal(err)
	}
	select {
	case s, open := <-sightings:
		t.Errorf("got %+v, open %v", s, open)
	default:
	}
	cancel()
	if s, open := <-sightings; open {
		t.Errorf("got %+v", s)
	}
}

func TestAKeycloakWhosePodsCannotBeToldIsNotWatched(t *testing.T) {
	f := newSite(t)
	site := f.mustConnect(nil)
	f.remove(statefulSet("keycloak", 2, nil))
	f.edit(keycloakCR("keycloak", 2, ""), func(o object) { o["status"] = object{} })
	_, err := site.WatchKeycloak(t.Context())
	as[*AnswerError](t, err)
}
