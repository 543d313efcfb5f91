package plugin

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	utilversion "k8s.io/apimachinery/pkg/util/version"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/api"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/version"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// versionLimit bounds how long the sites are asked.
const versionLimit = 20 * time.Second

// newVersionCommand makes the command that says which build this is, and what the sites run.
func newVersionCommand(deps Deps) *cobra.Command {
	own := pflag.NewFlagSet("version", pflag.ContinueOnError)
	client := own.Bool("client", false, "Only this build, as in kubectl; no cluster is contacted.")
	return newSideCommand(deps, side{
		use:   "version [--primary-context NAME] [--secondary-context NAME]",
		short: "Show which build this is, and what both sites run",
		long: `
			Show which build this is. With contexts also the versions of Kubernetes and of the Infinispan servers
			there, and what does not fit together; when no site tells anything the exit code is 1. Without any,
			no cluster is contacted.`,
		example: `
			kubectl ispn-resync version

			# And both sites
			kubectl ispn-resync version --primary-context site-a --secondary-context site-b`,
		own: own, lookOnly: true, writes: true, pairOptional: true,
		act: func(ctx context.Context, o *sideOptions) error {
			v := versionObject(version.Get())
			ctx, cancel := context.WithTimeout(ctx, versionLimit)
			defer cancel()
			if !*client {
				o.siteVersions(ctx, v)
			}
			if err := o.output.write(o.deps.Streams.Out, v, o.outView()); err != nil || !nobodyAnswered(v) {
				return err
			}
			return &verdictError{ExitUnexpected}
		},
	})
}

// siteVersions asks the sites whose contexts were given.
func (o *sideOptions) siteVersions(ctx context.Context, v *api.Version) {
	var primary, secondary xsite.SiteVersions
	ask := func(flags *siteFlags, into **api.SiteVersion, found *xsite.SiteVersions) func() {
		return func() {
			if flags.context() != "" {
				*into, *found = o.siteVersion(ctx, flags)
			}
		}
	}
	asks := []func(){ask(o.pair.primary, &v.Primary, &primary), ask(o.pair.secondary, &v.Secondary, &secondary)}
	var both sync.WaitGroup
	for _, one := range asks {
		if o.pair.mayPrompt() { // nobody can answer two questions at once
			one()
			continue
		}
		both.Go(one)
	}
	both.Wait()
	v.Warnings = append(v.Warnings, skews(v, append(primary.OpenRuns, secondary.OpenRuns...))...)
}

// nobodyAnswered tells that sites were asked, and that none told anything.
func nobodyAnswered(v *api.Version) bool {
	asked := slices.DeleteFunc([]*api.SiteVersion{v.Primary, v.Secondary}, func(site *api.SiteVersion) bool { return site == nil })
	return len(asked) > 0 && !slices.ContainsFunc(asked, func(site *api.SiteVersion) bool { return site.Kubernetes != "" || len(site.Infinispan) > 0 })
}

// siteVersion asks one site. What it does not tell is a problem of its own and no failure.
func (o *sideOptions) siteVersion(ctx context.Context, flags *siteFlags) (*api.SiteVersion, xsite.SiteVersions) {
	v := &api.SiteVersion{Context: flags.context(), Infinispan: []string{}}
	site, err := o.connectOne(ctx, flags)
	if err != nil {
		v.Problem = err.Error()
		// Without Infinispan there is an API server all the same. If that is away too, the problem above says so.
		if found, err := o.deps.Kubernetes(ctx, o.connectOptions(flags)); err == nil {
			v.Kubernetes = found
		}
		return v, xsite.SiteVersions{}
	}
	defer site.Close()
	var problems []string
	if v.Kubernetes, err = site.KubernetesVersion(ctx); err != nil {
		problems = append(problems, err.Error())
	}
	found := o.deps.Versions(ctx, site)
	v.Infinispan = list(found.Infinispan)
	if found.Err != nil {
		problems = append(problems, found.Err.Error())
	}
	v.Problem = strings.Join(problems, "; ")
	return v, found
}

// skews says what does not fit together.
func skews(v *api.Version, openRuns []string) []string {
	var warnings []string
	for _, site := range []*api.SiteVersion{v.Primary, v.Secondary} {
		if site == nil {
			continue
		}
		if oldest, newest, fits := fitsKubernetes(site.Kubernetes); !fits {
			warnings = append(warnings, fmt.Sprintf("Kubernetes %s of context %s: this program has the client of %s, which Kubernetes supports with servers of %s to %s",
				site.Kubernetes, site.Context, minor(kubernetesMinor), oldest, newest))
		}
		if len(site.Infinispan) > 1 {
			warnings = append(warnings, fmt.Sprintf("the Infinispan servers of context %s run different versions (%s): an upgrade is under way or stuck; "+
				"recover before or after it", site.Context, strings.Join(site.Infinispan, ", ")))
		}
		for _, server := range site.Infinispan {
			if !slices.Contains(testedOn(), seriesOf(server)) {
				warnings = append(warnings, fmt.Sprintf("Infinispan %s of context %s: this program was tested with %s.x",
					server, site.Context, strings.Join(testedOn(), ".x, ")))
			}
		}
	}
	if v.Primary != nil && v.Secondary != nil && len(v.Primary.Infinispan) > 0 && len(v.Secondary.Infinispan) > 0 &&
		!slices.Equal(v.Primary.Infinispan, v.Secondary.Infinispan) {
		warnings = append(warnings, fmt.Sprintf("the two sites run different versions of Infinispan (%s and %s): "+
			"a push between versions was not tested", strings.Join(v.Primary.Infinispan, ", "), strings.Join(v.Secondary.Infinispan, ", ")))
	}
	slices.Sort(openRuns)
	for _, tool := range slices.Compact(openRuns) {
		if ours := toolOf(v.Client); tool != ours {
			warnings = append(warnings, fmt.Sprintf("a run that did not finish was begun by %s, and this is %s: "+
				"best continue it with the version that began it", tool, ours))
		}
	}
	return warnings
}

// kubernetesMinor is the minor version of Kubernetes whose client library this is, as go.mod has it.
const kubernetesMinor = 37

// minor names a minor version of Kubernetes.
func minor(n uint) string { return fmt.Sprintf("1.%d", n) }

// fitsKubernetes tells whether the client library is supported with an API server of a version, and with which ones it is: as
// kubectl one minor version older or newer. A version that is not told or not understood is not judged.
// https://kubernetes.io/releases/version-skew-policy/#kubectl
func fitsKubernetes(server string) (oldest, newest string, fits bool) {
	const skew = 1
	oldest, newest = minor(kubernetesMinor-skew), minor(kubernetesMinor+skew)
	is, err := utilversion.ParseGeneric(server)
	return oldest, newest, err != nil || is.Major() == 1 && is.Minor() >= kubernetesMinor-skew && is.Minor() <= kubernetesMinor+skew
}

// toolOf is how a build is named in the journal.
func toolOf(c api.ClientVersion) string { return version.Info{Version: c.Version}.Tool() }

// testedOn lists the series of Infinispan that the tests run on.
func testedOn() []string { return []string{"14.0", "15.0", "15.2", "16.0"} }

// seriesOf gives the first two numbers of a version.
func seriesOf(server string) string {
	parts := strings.SplitN(server, ".", 3)
	return strings.Join(parts[:min(2, len(parts))], ".")
}

// versionObject publishes a build.
func versionObject(info version.Info) *api.Version {
	return &api.Version{
		Header:   api.NewHeader(api.KindVersion, info.Version),
		Client:   api.ClientVersion{Version: info.Version, Commit: info.Commit, GoVersion: info.Go, Platform: info.Platform},
		Warnings: []string{},
	}
}

// versionText says which build this is, in a line, and what the sites run.
func versionText(v *api.Version, view view) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (commit %s, %s, %s)\n",
		printable(v.Client.Version), printable(v.Client.Commit), printable(v.Client.GoVersion), printable(v.Client.Platform))
	t := newTable(column{title: "SITE"}, column{title: "CONTEXT"}, column{title: "KUBERNETES"}, column{title: "INFINISPAN"})
	var problems []string
	for _, one := range []struct {
		role xsite.Role
		site *api.SiteVersion
	}{{xsite.Primary, v.Primary}, {xsite.Secondary, v.Secondary}} {
		if one.site == nil {
			continue
		}
		infinispan := printable(strings.Join(one.site.Infinispan, ", "))
		kubernetes := printable(one.site.Kubernetes)
		if infinispan == "" {
			infinispan = unknown
		}
		if kubernetes == "" {
			kubernetes = unknown
		}
		t.row(string(one.role), printable(one.site.Context), kubernetes, infinispan)
		if one.site.Problem != "" {
			problems = append(problems, string(one.role)+": "+printable(one.site.Problem))
		}
	}
	if len(t.rows) > 0 {
		b.WriteString("\n" + t.fit(view))
	}
	for _, problem := range problems {
		writeWrapped(&b, "unknown: ", problem, view.width())
	}
	for _, warning := range v.Warnings {
		writeWrapped(&b, "WARNING: ", printable(warning), view.width())
	}
	return b.String()
}
