package plugin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/printers"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/api"
)

// formatWide is the text with more columns.
const formatWide = "wide"

// outputFlags choose how an object is written to standard output.
type outputFlags struct {
	print *genericclioptions.PrintFlags
	flags *pflag.FlagSet
	// printer writes the object, once validated; nil for text.
	printer printers.ResourcePrinter
}

// newOutputFlags makes kubectl's flags for it.
func newOutputFlags() *outputFlags {
	o := &outputFlags{print: genericclioptions.NewPrintFlags(""), flags: pflag.NewFlagSet("output", pflag.ContinueOnError)}
	o.flags.SortFlags = false
	o.flags.StringVarP(o.print.OutputFormat, "output", "o", "",
		"Output format, text otherwise. One of: "+strings.Join(o.formats(), ", ")+".")
	templates := &cobra.Command{} // only to get at its flags
	o.print.TemplatePrinterFlags.AddFlags(templates)
	o.flags.AddFlagSet(templates.Flags())
	o.print.OutputFlagSpecified = func() bool { return o.flags.Changed("output") }
	return o
}

// formats lists the formats.
func (o *outputFlags) formats() []string { return append(o.print.AllowedFormats(), formatWide) }

// wide tells whether text with more columns is wanted.
func (o *outputFlags) wide() bool { return *o.print.OutputFormat == formatWide }

// text tells whether text is wanted.
func (o *outputFlags) text() bool { return o.printer == nil }

// completions are those of the flags.
func (o *outputFlags) completions() map[string]cobra.CompletionFunc {
	return map[string]cobra.CompletionFunc{"output": words(o.formats()...)}
}

// validate reads the format, and a template with it; nothing is contacted.
func (o *outputFlags) validate() error {
	if o.wide() || !o.flags.Changed("output") && !o.flags.Changed("template") {
		return nil
	}
	printer, err := o.print.ToPrinter()
	switch {
	case err == nil:
		o.printer = printer
		return nil
	case !genericclioptions.IsNoCompatiblePrinterError(err):
		return usagef("--output %s: %w", *o.print.OutputFormat, err)
	}
	format := *o.print.OutputFormat
	if near, ok := nearest(format, o.formats()); ok {
		return usagef("--output %q is not an output format; did you mean %s?", format, near)
	}
	return usagef("--output %q is not an output format; there are: %s", format, strings.Join(o.formats(), ", "))
}

// write writes an object to a stream in the format that was chosen. Text is made from what the object's JSON holds, and
// from nothing else.
func (o *outputFlags) write(out io.Writer, object api.Object, v view) error {
	shown, err := api.ThroughJSON(object)
	if err != nil {
		return err
	}
	if o.text() {
		text, err := textOf(shown, v)
		if err != nil {
			return err
		}
		return writeAll(out, text)
	}
	var b bytes.Buffer // whole or not at all
	for _, one := range o.each(shown) {
		printed, err := o.printed(one)
		if err != nil {
			return err
		}
		if err := o.printer.PrintObj(printed, &b); err != nil {
			return fmt.Errorf("print as %s: %w", *o.print.OutputFormat, err)
		}
	}
	return writeAll(out, b.String())
}

// printed gives an object as its printer needs it. That of jsonpath writes the numbers of a struct as 1.2e+06; those of an
// object without a type it writes in full.
func (o *outputFlags) printed(object api.Object) (runtime.Object, error) {
	if !strings.HasPrefix(*o.print.OutputFormat, "jsonpath") {
		return object, nil
	}
	data, err := json.Marshal(object)
	if err != nil {
		return nil, fmt.Errorf("encode a %T: %w", object, err)
	}
	var untyped unstructured.Unstructured
	if err := untyped.UnmarshalJSON(data); err != nil {
		return nil, fmt.Errorf("read a %T: %w", object, err)
	}
	return &untyped, nil
}

// each gives what is printed one by one: names are those of the parts.
func (o *outputFlags) each(object api.Object) []api.Object {
	if list, ok := object.(api.Lister); ok && *o.print.OutputFormat == "name" {
		return list.Each()
	}
	return []api.Object{object}
}

// writeAll writes a text to a stream.
func writeAll(out io.Writer, text string) error {
	if _, err := io.WriteString(out, text); err != nil {
		return fmt.Errorf("writing the result: %w", err)
	}
	return nil
}

// writeFailure tells of a command that did not succeed: text for people on the error stream, and, where the command
// was asked for JSON or YAML, the same as an object on standard output. A stream that cannot be written to leaves nobody
// to tell.
func writeFailure(deps Deps, executed *cobra.Command, err error) {
	if _, over := errors.AsType[*verdictError](err); over {
		return // what there is to say has been written
	}
	writeError(deps.Streams.ErrOut, err)
	flag := executed.Flags().Lookup("output")
	if flag == nil || !slices.Contains([]string{"json", "yaml", "kyaml"}, flag.Value.String()) {
		return
	}
	printer, printErr := (&genericclioptions.JSONYamlPrintFlags{}).ToPrinter(flag.Value.String())
	if printErr == nil {
		printErr = printer.PrintObj(failureObject(err), deps.Streams.Out)
	}
	if printErr != nil {
		_, _ = fmt.Fprintln(deps.Streams.ErrOut, "error:", printable(printErr.Error()))
	}
}
