package plugin

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/completer"
)

// addCompletion adds the command completion, which cobra makes, with what kubectl needs beside it.
func addCompletion(root *cobra.Command, deps Deps) {
	root.InitDefaultCompletionCmd()
	at := slices.IndexFunc(root.Commands(), func(c *cobra.Command) bool { return c.Name() == "completion" })
	cmd := root.Commands()[at]
	cmd.Short = "Have the shell complete command lines of this plugin"
	cmd.Long = templates.LongDesc(`
		Have the shell complete command lines of this plugin: contexts, namespaces, resources, caches, runs and the
		values of flags. What only a cluster knows is asked for, for three seconds at most; nothing is
		offered where it does not answer, and nobody is asked for credentials.

		For kubectl ispn-resync the shell asks kubectl, and kubectl an executable of the name ` + completer.Name + `
		in PATH. The archives of a release have it, install puts it beside the plugin. The completion of kubectl
		itself has to be on (kubectl completion --help).

		The other commands write a script for a shell that completes the plugin when it is called by its own
		name, ` + binaryName + `.`)
	cmd.AddCommand(newInstallCommand(deps))
	// Without this cobra shows the help for any word, and says that all is well.
	cmd.Args = noArguments
	for _, shell := range cmd.Commands() {
		shell.Args = noArguments
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
}

// newInstallCommand makes the command that puts kubectl's completion beside the plugin.
func newInstallCommand(deps Deps) *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "install",
		Short: "Have kubectl complete this plugin's command lines",
		Long: templates.LongDesc(`
			Have kubectl complete this plugin's command lines: write the small program ` + completer.Name + `
			beside the plugin, or to the folder named with --dir, which has to be in PATH. A file of that name
			that is another's is left alone. Removing the file undoes it; krew does not remove it.`),
		Example: templates.Examples(`
			kubectl ispn-resync completion install

			# To another folder in PATH
			kubectl ispn-resync completion install --dir ~/.local/bin`),
		Args:              noArguments,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) error {
			if dir == "" {
				found, err := exec.LookPath(binaryName)
				if err != nil {
					return usagef("the plugin is in no folder of PATH (%w); name one with --dir", err)
				}
				dir = filepath.Dir(found)
			}
			file, err := installCompleter(dir, runtime.GOOS)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(deps.Streams.Out, "%s: kubectl completes %s from now on, in every shell in which the completion of kubectl is on.\n", file, displayName)
			return err
		},
	}
	flags := pflag.NewFlagSet("install", pflag.ContinueOnError)
	flags.StringVar(&dir, "dir", "", "The folder to write to; that of the plugin unless given.")
	cmd.Flags().AddFlagSet(flags)
	setHelp(cmd, []flagGroup{{title: "Options", flags: flags}})
	withCompletions(cmd, map[string]cobra.CompletionFunc{"dir": folders})
	return cmd
}

// folders completes the name of a folder.
func folders(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveFilterDirs
}

// installCompleter writes the program by which kubectl completes to a folder, and gives its path. One of another release is
// replaced; a file that is no such program is not.
func installCompleter(dir, system string) (path string, err error) {
	name, content := completer.File(system)
	path = filepath.Join(dir, name)
	there, err := os.ReadFile(path) //nolint:gosec // the folder is the user's choice
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case errors.Is(err, syscall.ENOTDIR):
		return "", usagef("%s is not a folder; name a folder of PATH with --dir", dir)
	case err != nil:
		return "", err
	case !bytes.Contains(there, []byte(completer.Mark)):
		return "", usagef("%s is there and is not this plugin's; nothing was changed: remove it, or name another folder of PATH with --dir", path)
	}
	// Written beside it first: a shell may complete with it meanwhile.
	temporary, err := os.CreateTemp(dir, name+".*")
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", usagef("there is no folder %s; make it, or name another folder of PATH with --dir", dir)
	case errors.Is(err, fs.ErrPermission):
		return "", usagef("%s cannot be written to by you; name another folder of PATH with --dir", dir)
	case err != nil:
		return "", err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(temporary.Name()))
		}
	}()
	_, err = temporary.WriteString(content)
	if err := errors.Join(err, temporary.Chmod(0o755), temporary.Close()); err != nil {
		return "", err
	}
	return path, os.Rename(temporary.Name(), path)
}
