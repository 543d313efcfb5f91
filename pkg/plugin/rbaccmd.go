package plugin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// newRBACCommand makes the command that prints the Roles for the users of both sites.
func newRBACCommand(deps Deps) *cobra.Command {
	own := pflag.NewFlagSet("rbac", pflag.ContinueOnError)
	own.SortFlags = false
	noOptional := own.Bool("no-optional", false, "Leave out what a run can do without.")
	var only string
	own.StringVar(&only, "only", "", "primary or secondary: print the Roles of this site only.")
	cmd := newSideCommand(deps, side{
		use:   "rbac --primary-context NAME --secondary-context NAME",
		short: "Print the least Roles that a recovery needs",
		long: `
			Print for each site the least Role with which a user can run the recovery, as YAML. Where Keycloak
			is in another namespace than Infinispan it is one Role for each.

			Both clusters are read to find the names of the objects, so this is for an administrator. The
			Roles are for the options given: what is named with --infinispan or --keycloak needs no right to
			list, --no-primary-lease none on leases of the primary, and --transport exec one on pods/exec in the
			place of pods/portforward. Nothing is changed.

			The text is YAML for kubectl apply, with a comment above each site and each rule that a run can do
			without; -o yaml and -o wide print the same. Other formats print the Roles as one List, which has no
			comments.`,
		example: `
			# Look at the Roles of both sites
			kubectl ispn-resync rbac --primary-context site-a --secondary-context site-b

			# The Roles of a user who reaches the servers by exec
			kubectl ispn-resync rbac --primary-context site-a --secondary-context site-b --transport exec

			# Make those of the secondary
			kubectl ispn-resync rbac --primary-context site-a --secondary-context site-b --only secondary |
			kubectl --context site-b apply -f -

			# Their names and namespaces
			kubectl ispn-resync rbac --primary-context site-a --secondary-context site-b \
			-o jsonpath='{range .items[*]}{.metadata.namespace}/{.metadata.name}{"\n"}{end}'`,
		shared: []string{"no-primary-lease"},
		usage: map[string]string{
			"no-primary-lease": "Leave out the rights to the Lease of the primary: the Roles are for a recovery with this flag.",
		},
		own: own, writes: true,
		validate: func() error {
			if err := refuseNoName(own, "only"); err != nil {
				return err
			}
			if only != "" && only != string(xsite.Primary) && only != string(xsite.Secondary) {
				return unknownValue("only", only, []string{string(xsite.Primary), string(xsite.Secondary)})
			}
			return nil
		},
		do: func(_ context.Context, o *sideOptions) (string, error) {
			var b strings.Builder
			for _, site := range o.sites {
				if only != "" && only != string(site.role) {
					continue
				}
				text, err := site.Roles(site.role, !*noOptional)
				if err != nil {
					return "", err
				}
				fmt.Fprintf(&b, "# %s, context %s\n%s", site.role, printable(site.context), text)
			}
			return o.output.manifests(b.String())
		},
	})
	withCompletions(cmd, map[string]cobra.CompletionFunc{"only": words(string(xsite.Primary), string(xsite.Secondary))})
	return cmd
}

// manifests gives Kubernetes objects, which come as YAML documents, in the format that was chosen: a v1 List, unless the
// documents themselves are what was asked for.
func (o *outputFlags) manifests(documents string) (string, error) {
	if o.text() || *o.print.OutputFormat == "yaml" {
		return documents, nil
	}
	list, err := listOf(documents)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	if err := o.printer.PrintObj(list, &b); err != nil {
		return "", fmt.Errorf("print as %s: %w", *o.print.OutputFormat, err)
	}
	return b.String(), nil
}

// listOf reads YAML documents into a v1 List; those that hold nothing but comments are left out.
func listOf(documents string) (*unstructured.UnstructuredList, error) {
	list := &unstructured.UnstructuredList{Object: map[string]any{"apiVersion": "v1", "kind": "List"}}
	decoder := yaml.NewYAMLToJSONDecoder(strings.NewReader(documents))
	for {
		var object map[string]any
		switch err := decoder.Decode(&object); {
		case errors.Is(err, io.EOF):
			return list, nil
		case err != nil:
			return nil, fmt.Errorf("read the documents: %w", err)
		case len(object) > 0:
			list.Items = append(list.Items, unstructured.Unstructured{Object: object})
		}
	}
}
