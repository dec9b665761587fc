package cli

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"assay/internal/operator"
)

func (c *Command) listGroups(ctx context.Context, set *flag.FlagSet, args []string) error {
	data, asJSON := dataFlag(set), jsonFlag(set)
	client, err := c.connect(set, data, args, 0, 0)
	if err != nil {
		return err
	}
	all, err := pages(func(p operator.PageRequest) ([]operator.Group, string, error) {
		var answer operator.GroupsResponse
		err := client.identity(ctx, operator.ListGroups, p, &answer)
		return answer.Groups, answer.NextToken, err
	})
	if err != nil {
		return err
	}
	if *asJSON {
		return printJSON(c.Stdout, all)
	}
	return table(c.Stdout, "GROUP\tUSERS\tPOLICIES", func(row func(...any)) {
		for _, g := range all {
			row(g.Name, strings.Join(g.Members, " "), strings.Join(g.Policies, " "))
		}
	})
}

func (c *Command) listPolicies(ctx context.Context, set *flag.FlagSet, args []string) error {
	data, asJSON := dataFlag(set), jsonFlag(set)
	client, err := c.connect(set, data, args, 0, 0)
	if err != nil {
		return err
	}
	all, err := pages(func(p operator.PageRequest) ([]operator.Policy, string, error) {
		var answer operator.PoliciesResponse
		err := client.identity(ctx, operator.ListPolicies, p, &answer)
		return answer.Policies, answer.NextToken, err
	})
	if err != nil {
		return err
	}
	if *asJSON {
		return printJSON(c.Stdout, all)
	}
	return table(c.Stdout, "POLICY\tARN\tCHANGED", func(row func(...any)) {
		for _, p := range all {
			changed := "managed"
			if !p.Managed {
				changed = p.UpdatedAt.Local().Format(time.DateTime)
			}
			row(p.Name, p.ARN, changed)
		}
	})
}

func (c *Command) showPolicy(ctx context.Context, set *flag.FlagSet, args []string) error {
	data, asJSON := dataFlag(set), jsonFlag(set)
	client, err := c.connect(set, data, args, 1, 1)
	if err != nil {
		return err
	}
	var p operator.Policy
	if err := client.identity(ctx, operator.GetPolicy, operator.PolicyRequest{Name: set.Arg(0)}, &p); err != nil {
		return err
	}
	if *asJSON {
		return printJSON(c.Stdout, p)
	}
	fmt.Fprintln(text{c.Stdout}, strings.TrimRight(p.Document, "\n"))
	return nil
}

func (c *Command) putPolicy(ctx context.Context, set *flag.FlagSet, args []string) error {
	data, asJSON := dataFlag(set), jsonFlag(set)
	client, err := c.connect(set, data, args, 2, 2)
	if err != nil {
		return err
	}
	name, file := set.Arg(0), set.Arg(1)
	var document []byte
	if file == "-" {
		document, err = io.ReadAll(io.LimitReader(c.Stdin, 1<<20))
	} else {
		document, err = os.ReadFile(file)
	}
	if err != nil {
		return fmt.Errorf("read the policy: %w", err)
	}
	if err := client.identity(ctx, operator.PutPolicy, operator.PolicyRequest{Name: name, Document: string(document)}, nil); err != nil {
		return err
	}
	return c.done(*asJSON, "The policy %s is there; who has it is under it from now on.", name)
}

// can tells whether a user may do something. Its exit code is 0 for yes and 1 for no.
func (c *Command) can(ctx context.Context, set *flag.FlagSet, args []string) error {
	data, asJSON := dataFlag(set), jsonFlag(set)
	from := set.String("from", "", "the `address` that the call comes from")
	when := set.String("at", "", "the `time` of the call, 2026-11-26T12:00:00Z; default now")
	client, err := c.connect(set, data, args, 2, 2)
	if err != nil {
		return err
	}
	request := operator.SimulateRequest{User: set.Arg(0), Action: set.Arg(1), SourceIP: *from}
	if *when != "" {
		at, err := time.Parse(time.RFC3339, *when)
		if err != nil {
			return usagef("%q is not a time: 2026-11-26T12:00:00Z", *when)
		}
		request.At = at
	}
	var answer operator.SimulateResponse
	if err := client.identity(ctx, operator.SimulatePrincipalPolicy, request, &answer); err != nil {
		return err
	}
	if *asJSON {
		if err := printJSON(c.Stdout, answer); err != nil {
			return err
		}
	} else {
		yes := map[bool]string{true: "yes", false: "no"}[answer.Decision == "allowed"]
		fmt.Fprintf(text{c.Stdout}, "%s: %s\n", yes, answer.Reason)
	}
	if answer.Decision != "allowed" {
		return exitError(ExitFindings)
	}
	return nil
}
