package xsite_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// contender is something that acts on a site by itself, and what the run does about it.
type contender struct {
	prepare func(p *pair)
	// guard refuses the run, and accept admits it; no guard means that the run passes.
	guard  xsite.Guard
	accept xsite.Sign
	// words is what the refusal, or a warning of the plan, says.
	words []string
}

// operatorSays gives the view of an operator that is content with its two servers, changed.
func operatorSays(change func(v *xsite.OperatorView)) *xsite.OperatorView {
	v := &xsite.OperatorView{Replicas: 2, Phase: "Running", Conditions: []xsite.Condition{{Type: "wellFormed", Status: "True", Message: "View: a,b"}}}
	if change != nil {
		change(v)
	}
	return v
}

// operatorAt is a contender: the operator of a site is not content.
func operatorAt(secondary bool, words string, change func(v *xsite.OperatorView)) contender {
	return contender{func(p *pair) {
		s := p.a
		if secondary {
			s = p.b
		}
		s.contenders.Operator = operatorSays(change)
	}, xsite.GuardChecksFirst, xsite.SignInfinispanUnsettled, []string{words}}
}

// condition adds a condition.
func condition(kind, status string) func(v *xsite.OperatorView) {
	return func(v *xsite.OperatorView) {
		v.Conditions = append(v.Conditions, xsite.Condition{Type: kind, Status: status})
	}
}

// scaledBy is a contender: an autoscaler of the secondary's Keycloak.
func scaledBy(a xsite.Autoscaler, refused bool, words ...string) contender {
	a.Keycloak = keycloakRef
	c := contender{prepare: func(p *pair) { p.b.contenders.Autoscalers = []xsite.Autoscaler{a} }, words: words}
	if refused {
		c.guard, c.accept = xsite.GuardStopped, xsite.SignAutoscaler
	}
	return c
}

// managedBy is a contender: a tool that sets the count of the secondary's Keycloak.
func managedBy(m xsite.Manager, refused bool, words ...string) contender {
	m.Keycloak, m.Name, m.Field = keycloakRef, "Flux (kustomization flux-system/login)", "spec.instances"
	c := contender{prepare: func(p *pair) { p.b.contenders.Managers = []xsite.Manager{m} }, words: words}
	if refused {
		c.guard, c.accept = xsite.GuardStopped, xsite.SignGitOps
	}
	return c
}

func contenders() map[string]contender {
	zero, three := 0, 3
	keda := xsite.Autoscaler{Kind: xsite.AutoscalerKEDA, Ref: "scaledobject/login", Max: 5, Pause: "pause it", Unpause: "unpause it"}
	held := func(at *int) xsite.Autoscaler { a := keda; a.HeldAt = at; return a }
	paused := keda
	paused.Paused = true
	return map[string]contender{
		"an upgrade of the secondary's servers": operatorAt(true, "Upgrade is True", condition("Upgrade", "True")),
		"servers of the primary that stop":      operatorAt(false, "stopping is true", condition("stopping", "true")),
		"a graceful shutdown":                   operatorAt(true, "GracefulShutdown is True", condition("GracefulShutdown", "True")),
		"a scale-up":                            operatorAt(true, "ScalingUp is True", condition("ScalingUp", "True")),
		"a scale-down of the primary":           operatorAt(false, "ScalingDown is True", condition("ScalingDown", "True")),
		"a cluster that is not well formed":     operatorAt(true, "wellFormed is Unknown", func(v *xsite.OperatorView) { v.Conditions[0].Status = "Unknown" }),
		"an operator that says nothing of it":   operatorAt(true, "WellFormed is False", func(v *xsite.OperatorView) { v.Conditions = nil }),
		"an operand that is pending":            operatorAt(false, "its operand is Pending", func(v *xsite.OperatorView) { v.Phase = "Pending" }),
		"a secondary that is to shut down":      operatorAt(true, "0 servers are wanted and 2 are there", func(v *xsite.OperatorView) { v.Replicas = 0 }),
		"a content operator, of an old version": {prepare: func(p *pair) {
			p.a.contenders.Operator = operatorSays(nil)
			p.b.contenders.Operator = operatorSays(func(v *xsite.OperatorView) { v.Phase = ""; condition("Upgrade", "False")(v) })
		}},

		"an HPA that may scale up from 0": scaledBy(xsite.Autoscaler{Kind: xsite.AutoscalerHPA, Ref: "horizontalpodautoscaler/login", Max: 5}, true, "minReplicas is 0", "set its minReplicas to 1"),
		"an HPA that rests at 0":          scaledBy(xsite.Autoscaler{Kind: xsite.AutoscalerHPA, Ref: "horizontalpodautoscaler/login", Min: 1, Max: 5}, false),
		"KEDA":                            scaledBy(keda, true, "puts a count of 0 back", "kubectl --context site-b pause it", "kubectl --context site-b unpause it"),
		"KEDA that is paused":             scaledBy(paused, false),
		"KEDA that keeps some":            scaledBy(held(&three), true, "keep 3 instances", "kubectl --context site-b pause it"),
		"KEDA that keeps none":            scaledBy(held(&zero), false, "scaledobject/login holds keycloak/keycloak at 0", "kubectl --context site-b pause it"),

		"GitOps that heals by itself": managedBy(xsite.Manager{Owns: true, Reverts: xsite.RevertsSoon, Because: "it applies it every 10m", Pause: "pause it", Unpause: "unpause it"},
			true, "Flux (kustomization flux-system/login) sets spec.instances", "every 10m", "kubectl --context site-b pause it", "kubectl --context site-b unpause it"),
		"GitOps that heals, but not the count": managedBy(xsite.Manager{Reverts: xsite.RevertsSoon, Because: "it applies it"}, false, "without spec.instances"),
		"GitOps that goes by commits":          managedBy(xsite.Manager{Owns: true, Reverts: xsite.RevertsOnSync, Because: "self-heal is off"}, false, "may put 0 back", "self-heal is off"),
		"GitOps that cannot be looked at":      managedBy(xsite.Manager{Owns: true, Reverts: xsite.RevertsUnknown, Because: "not allowed"}, false, "could not be looked at", "not allowed"),
		"GitOps that is paused":                managedBy(xsite.Manager{Owns: true, Reverts: xsite.RevertsNot, Unpause: "unpause it"}, false),
		"Helm":                                 managedBy(xsite.Manager{Owns: true, Reverts: xsite.RevertsByHand}, false),

		"an update of Keycloak": {func(p *pair) {
			p.b.contenders.Work = []xsite.KeycloakWork{{Keycloak: keycloakRef, What: "RollingUpdate is True"}}
		}, xsite.GuardStopped, xsite.SignKeycloakUpdate, []string{"RollingUpdate is True"}},
		"the import of a realm": {prepare: func(p *pair) {
			p.b.contenders.Work = []xsite.KeycloakWork{{Keycloak: keycloakRef, What: "KeycloakRealmImport customers runs", Import: true}}
		}, words: []string{"KeycloakRealmImport customers runs"}},
		"another Keycloak of the same Infinispan": {func(p *pair) {
			p.b.contenders.OtherKeycloaks = []xsite.OtherKeycloak{{Ref: "keycloak/staff", Instances: 1}, {Ref: "keycloak/off"}}
		}, xsite.GuardQuiet, xsite.SignOtherKeycloaks, []string{"keycloak/staff", "--secondary-keycloak"}},
		"another Keycloak that does not run": {prepare: func(p *pair) { p.b.contenders.OtherKeycloaks = []xsite.OtherKeycloak{{Ref: "keycloak/off"}} }},
		"Keycloak's site health at the primary": {
			prepare: func(p *pair) { p.a.contenders.SiteHealth = []string{keycloakRef} },
			words:   []string{"own site health", "take site site-b offline again"},
		},
		"Keycloak's site health at the secondary": {prepare: func(p *pair) { p.b.contenders.SiteHealth = []string{keycloakRef} }},
		"the operator's own push from the secondary": {
			prepare: func(p *pair) { p.b.contenders.DataRecovered = "infinispan-0" },
			words:   []string{"ISPN000643", "from site site-b to site site-a", "stale entries of site site-b"},
		},
		"the operator's own push from the primary": {
			prepare: func(p *pair) { p.a.contenders.DataRecovered = "infinispan-0" },
			words:   []string{"ISPN000643", "from site site-a to site site-b", "V15"},
		},
		"what may not be looked at": {prepare: func(p *pair) {
			p.b.contenders.Unseen = []xsite.Unseen{{What: "whether an autoscaler starts Keycloak", Why: "no right"}}
		}, words: []string{"whether an autoscaler starts Keycloak could not be looked at: no right"}},
		"a token that ends within the run": {prepare: func(p *pair) {
			p.b.contenders.Expiry = &xsite.Expiry{What: "the bearer token", At: p.now.Add(20 * time.Second)}
		}, words: []string{"the bearer token ends at 2026-03-01T03:00:20Z, in 20s", "log in anew"}},
		"a token that is renewed": {prepare: func(p *pair) {
			p.a.contenders.Expiry = &xsite.Expiry{What: "the bearer token", At: p.now.Add(20 * time.Second), Renewed: true}
		}, words: []string{"asks for new ones"}},
		"a token that lasts": {prepare: func(p *pair) {
			p.b.contenders.Expiry = &xsite.Expiry{What: "the bearer token", At: p.now.Add(time.Hour)}
		}},
		"a primary that does not rebalance":   {prepare: func(p *pair) { p.a.still = true }, words: []string{"rebalancing is switched off on the primary site-a"}},
		"a secondary that does not rebalance": {prepare: func(p *pair) { p.b.still = true }, words: []string{"rebalancing is switched off on the secondary site-b"}},
		"a bounded cache": {prepare: func(p *pair) {
			p.b.caches["work"].config.MaxCount = 1000
		}, words: []string{"cache work of site site-b is bounded"}},
		"a push of many small chunks": {prepare: func(p *pair) {
			p.backups(func(b *infinispan.BackupConfig) { b.ChunkSize = 16 })
			for i := range 130_000 {
				p.a.caches["work"].entries[text(i)] = entry{value: "fresh"}
			}
		}, words: []string{"3 caches are pushed in chunks of 16 entries", "V56"}},
	}
}

func TestWhatFightsTheRunIsFoundBeforeAnyChange(t *testing.T) {
	for name, c := range contenders() {
		t.Run(name, func(t *testing.T) {
			p := newPair(t)
			c.prepare(p)
			before := p.image()
			result, err := p.recover(t, func(o *xsite.Options) { o.DryRun = true })
			told := strings.Join(result.Plan.Warnings, "\n")
			switch {
			case c.guard != "":
				p.wantRefused(t, err, c.guard, before)
				if err != nil {
					told = err.Error()
				}
				if !strings.Contains(told, "--accept "+string(c.accept)) {
					t.Errorf("there is no way to go on: %s", told)
				}
			case err != nil:
				t.Fatal(err)
			case len(c.words) == 0 && told != "":
				t.Errorf("warned without need: %s", told)
			}
			for _, words := range c.words {
				if !strings.Contains(told, words) {
					t.Errorf("does not say %q: %s", words, told)
				}
			}
		})
	}
}

func TestAContenderIsAcceptedByItsNameAndByNoOther(t *testing.T) {
	for name, c := range contenders() {
		if c.accept == "" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			p := newPair(t)
			c.prepare(p)
			before := p.image()
			others := slices.DeleteFunc(xsite.Signs(), func(s xsite.Sign) bool { return s == c.accept })
			_, err := p.recover(t, func(o *xsite.Options) { o.DryRun, o.Accept = true, others })
			p.wantRefused(t, err, c.guard, before)
			result, err := p.recover(t, func(o *xsite.Options) { o.Accept = []xsite.Sign{c.accept} })
			if err != nil {
				t.Fatal(err)
			}
			p.wantRecovered(t)
			if told := strings.Join(result.Plan.Warnings, "\n"); !strings.Contains(told, "(accepted)") {
				t.Errorf("the plan does not say what was accepted: %s", told)
			}
		})
	}
}

func TestWhatBeginsToFightWhileTheQuestionStandsIsFound(t *testing.T) {
	for name, c := range contenders() {
		if c.guard == "" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			p := newPair(t)
			before := ""
			_, err := p.recover(t, func(o *xsite.Options) {
				o.Confirm = func(context.Context, xsite.Plan) error {
					p.mu.Lock()
					defer p.mu.Unlock()
					p.now = p.now.Add(3 * time.Second)
					c.prepare(p)
					before = p.image()
					return nil
				}
			})
			p.wantRefused(t, err, c.guard, before)
		})
	}
}

// The status of an Infinispan resource is written a moment after its pods are ready.
func TestAnOperatorThatIsAboutToSettleIsWaitedFor(t *testing.T) {
	p := newPair(t)
	p.b.contenders.Operator = operatorSays(func(v *xsite.OperatorView) { v.Conditions[0].Status = "False" })
	p.after(occasion{site: siteB, method: "Contenders", nth: 4}, happens(func() { p.b.contenders.Operator = operatorSays(nil) }))
	if _, err := p.recover(t); err != nil {
		t.Fatal(err)
	}
	p.wantRecovered(t)
}

// The count that an autoscaler would change at once is not the one to wait for.
func TestTheCountToStartWithIsOneThatTheAutoscalerKeeps(t *testing.T) {
	p := newPair(t)
	p.b.contenders.Autoscalers = []xsite.Autoscaler{{Kind: xsite.AutoscalerHPA, Keycloak: keycloakRef, Ref: "horizontalpodautoscaler/login", Min: 3, Max: 4}}
	result, err := p.recover(t)
	if err != nil {
		t.Fatal(err)
	}
	if got := p.b.keycloaks[0].instances; got != 3 {
		t.Errorf("started with %d instances, which the autoscaler makes 3", got)
	}
	if told := strings.Join(result.Plan.Warnings, "\n"); !strings.Contains(told, "started with 3 instead of 2") {
		t.Errorf("the plan does not say so: %s", told)
	}
}

func TestAnAutoscalerThatGoesOnAfterTheStartDoesNotKeepTheRunWaiting(t *testing.T) {
	p := newPair(t)
	p.b.contenders.Autoscalers = []xsite.Autoscaler{{Kind: xsite.AutoscalerHPA, Keycloak: keycloakRef, Ref: "horizontalpodautoscaler/login", Min: 1, Max: 4}}
	p.after(occasion{site: siteB, method: "ScaleKeycloak", nth: 2}, happens(func() { p.b.keycloaks[0].instances = 4 }))
	if _, err := p.recover(t); err != nil {
		t.Fatal(err)
	}
	if ready := p.b.keycloaks[0].seen().ReadyPods; ready != 4 {
		t.Errorf("%d pods are ready, want the 4 of the autoscaler", ready)
	}
}

// An update of Keycloak, or an autoscaler that was let go on again, is what one may meet when only the start is left.
func TestARunThatOnlyStartsKeycloakIsNotRefusedForWhatStartsIt(t *testing.T) {
	p := newPair(t)
	p.b.keycloaks[0].broken = true
	_, err := p.recover(t)
	p.wantOutcome(t, err, xsite.NotReady)
	p.b.keycloaks[0].broken = false
	for name, c := range contenders() {
		if c.guard == xsite.GuardStopped && c.accept != xsite.SignAutoscaler {
			t.Log(name)
			c.prepare(p)
		}
	}
	p.continues(t)
}

func TestACacheThatIsNotHealthyIsNamed(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(p *pair)
		words   []string
	}{
		"one of a cluster that is": {func(p *pair) {
			p.b.cacheHealth = map[string]infinispan.HealthStatus{"work": infinispan.HealthDegraded}
		}, []string{"cache work is DEGRADED", "a part of the data"}},
		"a rebalance": {func(p *pair) {
			p.a.health = infinispan.HealthRebalancing
			p.a.cacheHealth = map[string]infinispan.HealthStatus{"work": infinispan.HealthRebalancing, "respCache": infinispan.HealthFailed}
		}, []string{"HEALTHY_REBALANCING", "entries are moving", "(work)", "a push waits for its rebalance"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t)
			c.prepare(p)
			before := p.image()
			_, err := p.recover(t)
			p.wantRefused(t, err, xsite.GuardChecksFirst, before)
			for _, words := range c.words {
				if err != nil && !strings.Contains(err.Error(), words) {
					t.Errorf("does not say %q: %v", words, err)
				}
			}
		})
	}
	p := newPair(t) // 16.0.7 says FAILED of caches of its own that are not in use
	p.a.cacheHealth = map[string]infinispan.HealthStatus{"respCache": infinispan.HealthFailed, "work": infinispan.HealthHealthy}
	if _, err := p.recover(t); err != nil {
		t.Error(err)
	}
}
