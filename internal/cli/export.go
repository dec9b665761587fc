package cli

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"assay/internal/durable"
	"assay/internal/export"
	"assay/internal/inspector"
)

// exportFlags say how findings are written, and which.
type exportFlags struct {
	format, file string
	options      export.Options
	severities   []string
	packages     []inspector.PackageID
}

// formatFlag is the flag that names a format.
func formatFlag(set *flag.FlagSet, into *string, usual, usage string) {
	set.StringVar(into, "format", usual, usage+": "+strings.Join(export.Formats(), ", "))
}

func productFlag(set *flag.FlagSet, into *string) {
	set.StringVar(into, "product-arn", "", "for asff, the Security Hub product that the findings are imported as, `arn`:aws:securityhub:REGION:ACCOUNT:product/ACCOUNT/default; default Amazon Inspector's")
}

func (f *exportFlags) register(set *flag.FlagSet) {
	formatFlag(set, &f.format, "csv", "the `format`")
	set.StringVar(&f.file, "o", "", "write into this `file`, which appears when it is whole; default the standard output")
	productFlag(set, &f.options.ProductARN)
	set.Func("severity", "only findings of these `severities`: high,medium,low,informational", f.addSeverities)
	set.Func("package", "only findings of these rules `packages`: cve,cis,practices,behavior,reachability", f.addPackages)
}

func (f *exportFlags) addSeverities(list string) error {
	for name := range strings.SplitSeq(list, ",") {
		s, err := parseSeverity(strings.TrimSpace(name))
		if err != nil {
			return err
		}
		f.severities = append(f.severities, string(s))
	}
	return nil
}

func (f *exportFlags) addPackages(list string) error {
	for name := range strings.SplitSeq(list, ",") {
		id := inspector.PackageID(strings.ToLower(strings.TrimSpace(name)))
		if !slices.Contains(inspector.Packages(), id) {
			return fmt.Errorf("%q is no rules package: cve, cis, practices, behavior, reachability", name)
		}
		f.packages = append(f.packages, id)
	}
	return nil
}

// export writes the findings of a run for other tools.
func (c *Command) export(ctx context.Context, set *flag.FlagSet, args []string) error {
	data := dataFlag(set)
	var flags exportFlags
	flags.register(set)
	if err := c.parse(set, args, 0, 1); err != nil {
		return err
	}
	if err := export.Check(flags.format, true, flags.options); err != nil {
		return usageError{err}
	}
	client, err := c.newClient(*data)
	if err != nil {
		return err
	}
	arn, err := client.findRun(ctx, set.Arg(0))
	if err != nil {
		return err
	}
	client.patience = patience // the service is there: it may restart while much is read
	bar := c.progress()
	defer bar.done()
	reader, err := client.exportReader(ctx, arn, flags, bar)
	if err != nil {
		return err
	}
	if err := c.writeRun(reader.run, flags); err != nil {
		return err
	}
	bar.done()
	if flags.file != "" {
		fmt.Fprintf(text{c.Stderr}, "%s written to %s\n", count(reader.written, "finding"), flags.file)
	}
	if !reader.run.Complete {
		fmt.Fprintf(text{c.Stderr}, "the run is incomplete (%s): the findings are not all there could be\n", words(string(reader.run.State)))
		return exitError(ExitIncomplete)
	}
	return nil
}

// writeRun writes a run to a file, wholly or not at all, or to the output.
func (c *Command) writeRun(r export.Run, flags exportFlags) error {
	if flags.file == "" {
		return writeTo(c.Stdout, r, flags)
	}
	// A device or a pipe would be replaced by a file.
	if info, err := os.Stat(flags.file); err == nil && !info.Mode().IsRegular() {
		return usagef("%s is no regular file: leave -o out, and redirect the output", flags.file)
	} else if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("look at the file to write: %w", err)
	}
	err := durable.Replace(flags.file, func(file *os.File) error { return writeTo(file, r, flags) })
	if err != nil {
		return fmt.Errorf("write %s: %w", flags.file, err)
	}
	return nil
}

func writeTo(w io.Writer, r export.Run, flags exportFlags) error {
	buffer := bufio.NewWriterSize(w, 64<<10)
	var out io.Writer = buffer
	if export.JSON(flags.format) {
		out = jsonText{buffer}
	}
	if err := export.Write(out, flags.format, r, flags.options); err != nil {
		return err
	}
	return buffer.Flush()
}
