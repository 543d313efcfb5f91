package report

import (
	"slices"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/api"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/legible"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// mostCounts bounds the numbers that are kept of one cache: a push that takes hours is looked at four times a second.
const mostCounts = 400

// planned takes in the sites and caches of the plan.
func (r *Recorder) planned(plan xsite.Plan) {
	r.fromPlan(plan)
	at := api.SecondsOf(r.now().Sub(r.report.Started))
	for i := range r.report.Caches {
		c := &r.report.Caches[i]
		c.Entries = []api.ReportCount{
			{AtSeconds: at, Site: string(xsite.Primary), Entries: c.Kept},
			{AtSeconds: at, Site: string(xsite.Secondary), Entries: c.Discarded},
		}
	}
}

// fromPlan takes in what a plan says, also one that was not finished.
func (r *Recorder) fromPlan(plan xsite.Plan) {
	if plan.RunID != "" {
		r.report.Metadata.Name = plan.RunID
	}
	r.report.Primary, r.report.Secondary = siteOf(plan.Primary), siteOf(plan.Secondary)
	if len(r.report.Caches) > 0 || len(r.ahead) == 0 { // an abort has caches too, and neither counts nor pushes their entries
		return
	}
	for i := range plan.Caches {
		c := &plan.Caches[i]
		r.report.Caches = append(r.report.Caches, api.ReportCache{
			Name: c.Name, SecondaryName: c.RemoteName, State: "planned", Kept: c.PrimaryEntries, Discarded: c.SecondaryEntries, Entries: []api.ReportCount{},
		})
	}
}

// siteOf translates a site of a plan.
func siteOf(plan xsite.SitePlan) api.ReportSite {
	site := api.ReportSite{
		Name: plan.Name, Context: plan.Place.Context, Server: plan.Place.Server, Namespace: plan.Place.Namespace,
		Infinispan: plan.Place.Infinispan, Version: plan.Version, Entries: plan.Entries, Pods: []string{}, Keycloaks: []api.ReportKeycloak{},
	}
	for i := range plan.Pods {
		site.Pods = append(site.Pods, plan.Pods[i].Name)
	}
	for i := range plan.Keycloaks {
		k := &plan.Keycloaks[i]
		site.Keycloaks = append(site.Keycloaks, api.ReportKeycloak{Ref: k.Ref, Namespace: k.Namespace, Instances: k.Instances, ReadyPods: k.ReadyPods})
	}
	return site
}

// cache takes in the progress of one cache.
func (r *Recorder) cache(e xsite.Event) {
	r.cacheStep(e)
	state := e.Cache
	i := slices.IndexFunc(r.report.Caches, func(c api.ReportCache) bool { return c.Name == state.Cache })
	if i < 0 {
		return
	}
	c := &r.report.Caches[i]
	c.State = state.State
	c.Pushes = max(c.Pushes, state.Attempt)
	c.Cleared = c.Cleared || state.State == "cleared"
	if state.State == "equal" || state.State == "unequal" {
		c.Missing, c.Extra = state.Missing, state.Extra
	}
	for _, role := range []xsite.Role{xsite.Primary, xsite.Secondary} {
		if n, read := state.Counted[role]; read {
			c.Entries = append(c.Entries, api.ReportCount{AtSeconds: api.SecondsOf(e.Time.Sub(r.report.Started)), Site: string(role), Entries: n})
		}
	}
	if len(c.Entries) > mostCounts {
		c.Entries = thinned(c.Entries)
	}
}

// thinned leaves every other number out, but keeps the first and the last.
func thinned(all []api.ReportCount) []api.ReportCount {
	kept := all[:0:0]
	for i, c := range all {
		if i%2 == 0 || i < 2 || i >= len(all)-2 {
			kept = append(kept, c)
		}
	}
	return kept
}

// cacheStep keeps one step for each cache and attempt in a phase.
func (r *Recorder) cacheStep(e xsite.Event) {
	phase, state := r.present(), e.Cache
	var step *api.ReportStep
	for i := range phase.Steps {
		if s := &phase.Steps[i]; s.Kind == KindCache && s.Attempt == state.Attempt && s.Status == api.ReportRunning && cacheOf(s.Text) == state.Cache {
			step = s
		}
	}
	if step == nil {
		step = r.step(e, KindCache)
		step.Attempt, step.Status = state.Attempt, api.ReportRunning
		if state.State == "pushing" || state.State == "comparing" { // it begins with this report, not before it
			step.Started = e.Time.UTC()
		}
	}
	step.Text = state.Cache + ": " + state.State
	switch {
	case state.Total > 0:
		step.Text += ", " + legible.Count(state.Done) + " of " + legible.Count(state.Total)
	case state.Done > 0:
		step.Text += ", " + legible.Count(state.Done)
	}
	step.TookSeconds = api.SecondsOf(e.Time.Sub(step.Started))
	switch state.State {
	case "cleared", "pushed", "equal":
		step.Status = api.ReportPassed
	case "unequal", "failed", "repeating":
		step.Status = api.ReportFailed
	}
	if state.State == "pushed" || state.State == "repeating" {
		r.pushTook(state.Cache, step.TookSeconds)
	}
}

// cacheOf is the name of the cache in the text of its step; a name may hold a colon, the state after it holds none.
func cacheOf(text string) string {
	for i := len(text) - 1; i > 0; i-- {
		if text[i-1] == ':' && text[i] == ' ' {
			return text[:i-1]
		}
	}
	return text
}

// pushTook notes how long the last push of a cache took.
func (r *Recorder) pushTook(name string, took api.Seconds) {
	for i := range r.report.Caches {
		if r.report.Caches[i].Name == name {
			r.report.Caches[i].PushTookSeconds = took
		}
	}
}
