package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"

	"assay/internal/dump"
	"assay/internal/durable"
	"assay/internal/migrate"
	"assay/internal/operator"
	"assay/internal/service"
)

// importDump takes over an account of Amazon Inspector Classic. Where a service
// runs, it does so as its operator; else it writes into the data folder, which, if
// it is new, takes over the account and region of the dump. Both do it batch by
// batch, through the same importer.
func (c *Command) importDump(ctx context.Context, set *flag.FlagSet, args []string) error {
	data := set.String("data", defaultData, "the data `folder` of the service, which need not run; a new one takes over the dump's account and region")
	database := set.String("database", "", "the `database` of a service that does not run, postgres://...; default SQLite in the data folder")
	dry := set.Bool("dry-run", false, "only tell what would be imported")
	asJSON := set.Bool("json", false, "print JSON")
	if err := c.parse(set, args, 1, maxPaths); err != nil {
		return err
	}
	d, err := dump.Open(set.Args(), c.Stdin)
	if err != nil {
		return err
	}
	defer d.Close()
	report := newImportReport(d, *dry)
	if len(d.Counts) > 0 {
		if err := c.importInto(ctx, d, report, *data, *database); err != nil {
			return err
		}
	}
	report.finish(d)
	if *asJSON {
		err = printJSON(c.Stdout, report)
	} else {
		err = report.print(c.Stdout, c.Stderr)
	}
	switch {
	case err != nil:
		return err
	case report.refused() > 0:
		return exitError(ExitIncomplete)
	case len(d.Counts) == 0:
		return errors.New("there is nothing in the dump that can be imported")
	}
	return nil
}

// maxPaths is how many files a command may name; more are in a folder.
const maxPaths = 10_000

func (c *Command) importInto(ctx context.Context, d *dump.Dump, report *importReport, data, database string) (err error) {
	into, done, err := c.importer(ctx, d, report.DryRun, data, database)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	return (&importing{to: into, report: report, known: map[string]bool{}}).all(ctx, d)
}

// importer is where batches go.
type importer interface {
	Import(ctx context.Context, b migrate.Batch) ([]migrate.Outcome, error)
}

// importer chooses between a service that runs and a data folder.
func (c *Command) importer(ctx context.Context, d *dump.Dump, dry bool, data, database string) (importer, func() error, error) {
	running := c.Getenv(envEndpoint) != ""
	if !running {
		var err error
		if running, err = durable.Locked(data); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, nil, err
		}
	}
	if running {
		client, err := c.newClient(data)
		return online{client}, func() error { return nil }, err
	}
	st, done, err := service.OpenStore(ctx, service.Folder(data), database, d.Scope, dry)
	if err != nil {
		return nil, nil, fmt.Errorf("import into %s: %w: a dump of account %s in %s goes into a data folder of its own, which takes them over (-data NEW)",
			data, err, d.Scope.Account, d.Scope.Region)
	}
	return migrate.Importer{Store: st}, done, nil
}

// online imports through a service.
type online struct{ *client }

func (o online) Import(ctx context.Context, b migrate.Batch) ([]migrate.Outcome, error) {
	var answer operator.ImportResponse
	if err := o.operator(ctx, operator.ImportObjects, b, &answer); err != nil {
		return nil, err
	}
	if len(answer.Outcomes) != len(b.Objects) {
		return nil, fmt.Errorf("the service answers with %d outcomes for %d objects", len(answer.Outcomes), len(b.Objects))
	}
	return answer.Outcomes, nil
}
