package main

import (
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites"
	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites/internal/control"
)

// place says which pair a command means.
type place struct{ name, dir string }

// folder is the pair's folder, as an absolute path.
func (p *place) folder() (string, error) {
	if p.dir != "" {
		return filepath.Abs(p.dir)
	}
	return sites.StateDir(p.name)
}

func newRoot() *cobra.Command {
	where := &place{}
	root := &cobra.Command{
		Use:   "sites",
		Short: "Two real Infinispan sites on two real Kubernetes control planes, on this machine",
		Long: "Two real Infinispan sites on two real Kubernetes control planes, on this machine.\n\n" +
			"Needs a checkout of the project as current folder, Go, Java 17 or newer and Maven.",
		SilenceUsage: true, SilenceErrors: true,
	}
	flags := root.PersistentFlags()
	flags.StringVar(&where.name, "name", "default", "name of the pair; several can stand side by side")
	flags.StringVar(&where.dir, "dir", "", "folder of the pair instead of the one that belongs to its name")
	root.AddCommand(newUp(where), newDaemon(where), newDown(where), newKubeconfig(where), newFill(where), newDelay(where), newCaches(where),
		newRemove(where), newCompare(where), newKubectl(where))
	for _, c := range []struct {
		verb          control.Verb
		short         string
		wait, site    bool
		podRequired   bool
		podOrAllPods  bool
		siteMandatory bool
	}{
		{verb: control.Status, short: "Show servers, caches, flags and memory of both sites"},
		{verb: control.Cut, short: "Make the link between the sites silent, as a lost route does", wait: true},
		{verb: control.Heal, short: "End a cut and a delay of the link", wait: true},
		{verb: control.Reset, short: "Break every connection between the sites"},
		{verb: control.Kill, short: "Kill the server of a pod, as a crash does", podRequired: true},
		{verb: control.Freeze, short: "Halt the server of a pod, or all servers of a site", podOrAllPods: true},
		{verb: control.Thaw, short: "Let frozen servers go on", podOrAllPods: true},
		{verb: control.Offline, short: "Take the other site offline in SITE, for all caches", siteMandatory: true},
		{verb: control.Online, short: "Bring the other site online in SITE, for all caches", siteMandatory: true},
	} {
		request := control.Request{Verb: c.verb}
		command := &cobra.Command{Use: string(c.verb), Short: c.short, Args: cobra.NoArgs}
		switch {
		case c.podRequired:
			command.Use, command.Args = command.Use+" SITE POD", cobra.ExactArgs(2)
		case c.podOrAllPods:
			command.Use, command.Args = command.Use+" SITE [POD]", cobra.RangeArgs(1, 2)
		case c.siteMandatory:
			command.Use, command.Args = command.Use+" SITE", cobra.ExactArgs(1)
		}
		command.RunE = func(cmd *cobra.Command, args []string) error {
			args = append(args, "", "")
			request.Site, request.Pod = args[0], args[1]
			return send(cmd, where, request)
		}
		if c.wait {
			command.Flags().BoolVar(&request.Wait, "wait", false, "wait until both sites have noticed")
		}
		root.AddCommand(command)
	}
	return root
}

// send asks the pair's daemon and shows what it says.
func send(cmd *cobra.Command, where *place, request control.Request) error {
	dir, err := where.folder()
	if err != nil {
		return err
	}
	return control.Send(cmd.Context(), dir, request, cmd.OutOrStdout())
}

func newFill(where *place) *cobra.Command {
	request := control.Request{Verb: control.Fill}
	command := &cobra.Command{
		Use:   "fill [CACHE...]",
		Short: "Write entries into caches (all of them when none is named)",
		Long: "Write entries into caches (all of them when none is named).\n\n" +
			"Without --site both sites get the same entries. With --site the entries are written as a client of that\n" +
			"site does it: they are backed up to the other site when that is online.",
		Example: "  sites fill --count 10000\n  sites fill sessions --site site-b --prefix stale- --count 50",
		RunE: func(cmd *cobra.Command, args []string) error {
			request.Caches = args
			return send(cmd, where, request)
		},
	}
	flags := command.Flags()
	flags.StringVar(&request.Site, "site", "", "write on this site only")
	flags.IntVar(&request.Count, "count", 1000, "entries for each cache")
	flags.IntVar(&request.First, "first", 0, "number of the first entry")
	flags.StringVar(&request.Prefix, "prefix", "key-", "what the keys begin with")
	flags.IntVar(&request.Size, "size", 200, "length of a value in bytes")
	return command
}

func newDelay(where *place) *cobra.Command {
	request := control.Request{Verb: control.Delay}
	command := &cobra.Command{
		Use: "delay", Short: "Make everything between the sites arrive later, in either direction", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return send(cmd, where, request) },
	}
	command.Flags().DurationVar(&request.Delay, "by", 0, "how much later, one way (20ms)")
	return command
}

func newCaches(where *place) *cobra.Command {
	request := control.Request{Verb: control.Caches}
	command := &cobra.Command{
		Use: "caches", Short: "List the caches, or make them anew on both sites with --reset", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			request.Strategy = strings.ToUpper(request.Strategy)
			return send(cmd, where, request)
		},
	}
	command.Flags().StringVar(&request.Set, "reset", "", "make this set of caches anew and delete all others: eight, four or none")
	command.Flags().StringVar(&request.Strategy, "strategy", string(sites.Sync), "backup strategy of the new caches: SYNC or ASYNC")
	return command
}

func newKubeconfig(where *place) *cobra.Command {
	request := control.Request{Verb: control.User}
	command := &cobra.Command{
		Use:   "kubeconfig",
		Short: "Print the path of the kubeconfig",
		Long: "Print the path of the kubeconfig.\n\n" +
			"With --user it is one of a user of that name, who has no right but what RBAC objects in the sites give him.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return send(cmd, where, request) },
	}
	command.Flags().StringVar(&request.User, "user", "", "user name; the administrator when empty")
	return command
}
