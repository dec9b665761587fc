package cli

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"assay/internal/durable"
	"assay/internal/inventory"
	"assay/internal/operator"
	"assay/internal/release"
	"assay/internal/sbom"
)

// sbom writes what software a host has, for other tools.
func (c *Command) sbom(ctx context.Context, set *flag.FlagSet, args []string) error {
	data := dataFlag(set)
	format := set.String("format", "cyclonedx", "the `format`: cyclonedx (1.6) or spdx (2.3), both JSON")
	file := set.String("o", "", "write into this `file`, which appears when it is whole; default the standard output")
	snapshot := set.String("snapshot", "", "of this `file` that assay-agent collect has made, without a service")
	if err := c.parse(set, args, 0, 1); err != nil {
		return err
	}
	if err := sbom.Check(*format); err != nil {
		return usageError{err}
	}
	if (set.NArg() == 0) == (*snapshot == "") {
		return usagef("it takes an agent or a host's name, or -snapshot FILE")
	}
	inv, about, err := c.inventoryOf(ctx, *data, set.Arg(0), *snapshot)
	if err != nil {
		return err
	}
	about.Version = release.Version()
	err = c.writeFile(*file, func(w io.Writer) error { return sbom.Write(w, *format, &inv, about) })
	if err != nil {
		return err
	}
	return c.tellGaps(inv.Gaps)
}

// inventoryOf is what a snapshot or the service tells.
func (c *Command) inventoryOf(ctx context.Context, data, name, snapshot string) (inventory.Inventory, sbom.About, error) {
	if snapshot == "" {
		client, err := c.newClient(data)
		if err != nil {
			return inventory.Inventory{}, sbom.About{}, err
		}
		return client.inventory(ctx, name)
	}
	h, err := readSnapshot(snapshot)
	if err != nil {
		return inventory.Inventory{}, sbom.About{}, err
	}
	about := sbom.About{Agent: h.ID}
	if system := h.System(); system.OK() {
		about.Host, about.At = system.Value.Hostname, system.Value.CollectedAt
	}
	return inventory.Of(h), about, nil
}

// inventory reads the inventory of the host with that agent or name, page by page.
func (c *client) inventory(ctx context.Context, name string) (inv inventory.Inventory, about sbom.About, err error) {
	agent, err := c.findAgent(ctx, name)
	if err != nil {
		return inv, about, err
	}
	err = list(func(token string) (string, error) {
		var page operator.InventoryResponse
		err := c.operator(ctx, operator.GetInventory, operator.InventoryRequest{Agent: agent, NextToken: token}, &page)
		inv.Systems, inv.Gaps = page.Inventory.Systems, page.Inventory.Gaps
		inv.Components = append(inv.Components, page.Inventory.Components...)
		about = sbom.About{Agent: agent, Host: page.Hostname, At: page.CollectedAt}
		return page.NextToken, err
	})
	return inv, about, err
}

// findAgent finds an agent by its id, or by the name of its host if only one has it.
func (c *client) findAgent(ctx context.Context, name string) (string, error) {
	var ids []string
	err := c.agents(ctx, func(a operator.Agent) {
		switch {
		case a.ID == name:
			ids = append([]string{a.ID}, ids...)
		case a.Hostname == name && !a.Revoked:
			ids = append(ids, a.ID)
		}
	})
	switch {
	case err != nil:
		return "", err
	case len(ids) == 0:
		return "", fmt.Errorf("no agent and no host is called %q: assay agents list tells them", name)
	case len(ids) > 1 && ids[0] != name:
		return "", fmt.Errorf("%d hosts are called %q: name the agent, one of %s", len(ids), name, strings.Join(ids, ", "))
	}
	return ids[0], nil
}

// writeFile writes a file, wholly or not at all, or to the output where it has no
// name.
func (c *Command) writeFile(name string, write func(io.Writer) error) error {
	buffered := func(w io.Writer) error {
		buffer := bufio.NewWriterSize(w, 64<<10)
		if err := write(jsonText{buffer}); err != nil {
			return err
		}
		return buffer.Flush()
	}
	if name == "" {
		return buffered(c.Stdout)
	}
	// A device or a pipe would be replaced by a file.
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		return usagef("%s is no regular file: leave -o out, and redirect the output", name)
	}
	if err := durable.Replace(name, func(file *os.File) error { return buffered(file) }); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

// tellGaps says what is missing in the document. It is complete as far as it is known
// to be only without gaps.
func (c *Command) tellGaps(gaps []inventory.Gap) error {
	if len(gaps) == 0 {
		return nil
	}
	out := text{c.Stderr}
	fmt.Fprintf(out, "The document is incomplete, and says so: %s.\n", count(len(gaps), "gap"))
	for n, g := range gaps {
		if n == 10 {
			fmt.Fprintf(out, "  ... and %d more\n", len(gaps)-n)
			break
		}
		where := ""
		if g.Container != "" {
			where = "container " + g.Container + ": "
		}
		fmt.Fprintf(out, "  %s%s. %s\n", where, g.Reason, g.Remedy)
	}
	return exitError(ExitIncomplete)
}
