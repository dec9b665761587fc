package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"assay/internal/operator"
	"assay/internal/service"
)

// userAction is one of the actions of `assay users`.
type userAction struct {
	name, arguments, summary string
	count                    int // of arguments
	operation                string
	request                  func(args []string) any
	done                     string // printed with the arguments when it is done
}

// userActions are those that call one operation and print nothing but that they did;
// the others are in userViews.
func userActions() []userAction {
	user := func(a []string) any { return operator.UserRequest{User: a[0]} }
	member := func(a []string) any { return operator.MemberRequest{User: a[0], Group: a[1]} }
	group := func(a []string) any { return operator.GroupRequest{Group: a[0]} }
	status := func(s string) func([]string) any {
		return func(a []string) any { return operator.KeyRequest{ID: a[0], Status: s} }
	}
	userPolicy := func(a []string) any { return operator.AttachRequest{User: a[0], Policy: a[1]} }
	groupPolicy := func(a []string) any { return operator.AttachRequest{Group: a[0], Policy: a[1]} }
	return []userAction{
		{"remove", "USER", "remove a user with its keys", 1, operator.DeleteUser, user, "The user %s is removed, and its keys with it.\n"},
		{"disable-key", "KEY", "disable an access key", 1, operator.UpdateAccessKey, status("Inactive"), "The key %s is disabled.\n"},
		{"enable-key", "KEY", "enable it again", 1, operator.UpdateAccessKey, status("Active"), "The key %s is enabled.\n"},
		{"remove-key", "KEY", "remove an access key", 1, operator.DeleteAccessKey, func(a []string) any { return operator.KeyRequest{ID: a[0]} }, "The key %s is removed.\n"},
		{"add-group", "GROUP", "add a group", 1, operator.CreateGroup, group, "The group %s is there.\n"},
		{"remove-group", "GROUP", "remove a group; its members stay", 1, operator.DeleteGroup, group, "The group %s is removed.\n"},
		{"join", "USER GROUP", "put a user into a group", 2, operator.AddUserToGroup, member, "%s is in the group %s.\n"},
		{"leave", "USER GROUP", "take a user out of a group", 2, operator.RemoveUserFromGroup, member, "%s is not in the group %s any more.\n"},
		{"attach", "USER POLICY", "give a user a policy", 2, operator.AttachUserPolicy, userPolicy, "%s has the policy %s.\n"},
		{"detach", "USER POLICY", "take it away", 2, operator.DetachUserPolicy, userPolicy, "%s has not the policy %s any more.\n"},
		{"attach-group", "GROUP POLICY", "give a group a policy", 2, operator.AttachGroupPolicy, groupPolicy, "The group %s has the policy %s.\n"},
		{"detach-group", "GROUP POLICY", "take it away", 2, operator.DetachGroupPolicy, groupPolicy, "The group %s has not the policy %s any more.\n"},
		{"remove-policy", "POLICY", "remove a policy that nobody has", 1, operator.DeletePolicy, func(a []string) any { return operator.PolicyRequest{Name: a[0]} }, "The policy %s is removed.\n"},
	}
}

// userViews are the other actions.
func userViews() []userAction {
	return []userAction{
		{name: "list", summary: "list users"},
		{name: "show", arguments: "USER", summary: "show a user as JSON"},
		{name: "add", arguments: "USER", summary: "add a user, with -policy and -group what it gets; its access key is printed, unless -no-key"},
		{name: "add-key", arguments: "USER", summary: "make another access key (a user has at most two)"},
		{name: "groups", summary: "list groups"},
		{name: "policies", summary: "list policies"},
		{name: "policy", arguments: "POLICY", summary: "print a policy"},
		{name: "put-policy", arguments: "POLICY FILE", summary: "add a policy, or replace its text; - reads standard input"},
		{name: "can", arguments: "USER ACTION", summary: "tell whether a user may do something, with -from ADDRESS and -at TIME, and what decides it"},
		{name: "recover", summary: "on the service's machine: make a new key for the administrator, who then has nothing but AdministratorAccess"},
	}
}

// usersFlags are the flags of all actions.
type usersFlags struct {
	set      *flag.FlagSet
	data     *string
	json     *bool
	policies listFlag
	groups   listFlag
	noKey    *bool
	from, at *string
	database *string
	keyring  *string
}

func (c *Command) usersFlags(v verb) *usersFlags {
	set := c.flags(v)
	f := &usersFlags{set: set, data: dataFlag(set), json: set.Bool("json", false, "print JSON")}
	set.Var(&f.policies, "policy", "add: a `policy` that the user gets; may be repeated")
	set.Var(&f.groups, "group", "add: a `group` that the user is put into; may be repeated")
	f.noKey = set.Bool("no-key", false, "add: make no access key")
	f.from = set.String("from", "", "can: the `address` that the call comes from")
	f.at = set.String("at", "", "can: the `time` of the call, 2026-11-26T12:00:00Z; default now")
	f.database = set.String("database", "", "recover: the `database` of the service, if it is not SQLite in the data folder")
	f.keyring = set.String("keyring", "", "recover: the keyring's `file`, if it is not in the data folder")
	return f
}

func (c *Command) users(ctx context.Context, v verb, args []string) error {
	v, action, args, err := v.cut(args)
	if err != nil {
		return err
	}
	f := c.usersFlags(v)
	for _, a := range userActions() {
		if a.name == action {
			return c.change(ctx, f, a, args)
		}
	}
	i := slices.IndexFunc(userViews(), func(a userAction) bool { return a.name == action })
	n := len(strings.Fields(userViews()[i].arguments))
	if err := c.parseExactly(f.set, args, n); err != nil {
		return err
	}
	if action == "recover" {
		return c.recoverAdministrator(ctx, f)
	}
	client, err := c.newClient(*f.data)
	if err != nil {
		return err
	}
	return c.viewUsers(ctx, client, f, action)
}

func userHelp() (all []action) {
	for _, a := range append(userViews(), userActions()...) {
		all = append(all, action{a.name, a.arguments, a.summary})
	}
	return all
}

// parseExactly parses arguments of which there must be n behind the flags.
func (c *Command) parseExactly(set *flag.FlagSet, args []string, n int) error {
	err := c.parse(set, args, n, n)
	var usage usageError
	if n > 1 && errors.As(err, &usage) && set.NArg() != n {
		return usagef("it takes %d arguments, not %d (flags go before them): see assay %s -help", n, set.NArg(), set.Name())
	}
	return err
}

// change does an action that changes something.
func (c *Command) change(ctx context.Context, f *usersFlags, a userAction, args []string) error {
	if err := c.parseExactly(f.set, args, a.count); err != nil {
		return err
	}
	client, err := c.newClient(*f.data)
	if err != nil {
		return err
	}
	if err := client.identity(ctx, a.operation, a.request(f.set.Args()), nil); err != nil {
		return err
	}
	named := make([]any, a.count)
	for i, arg := range f.set.Args() {
		named[i] = arg
	}
	fmt.Fprintf(text{c.Stderr}, a.done, named...)
	return nil
}

func (c *Command) viewUsers(ctx context.Context, client *client, f *usersFlags, action string) error {
	switch action {
	case "list":
		return c.listUsers(ctx, client, *f.json)
	case "show":
		var user operator.User
		if err := client.identity(ctx, operator.GetUser, operator.UserRequest{User: f.set.Arg(0)}, &user); err != nil {
			return err
		}
		return printJSON(c.Stdout, user)
	case "add":
		return c.addUser(ctx, client, f)
	case "add-key":
		return c.addKey(ctx, client, f.set.Arg(0), *f.json)
	case "groups":
		return c.listGroups(ctx, client, *f.json)
	case "policies":
		return c.listPolicies(ctx, client, *f.json)
	case "policy":
		var p operator.Policy
		if err := client.identity(ctx, operator.GetPolicy, operator.PolicyRequest{Name: f.set.Arg(0)}, &p); err != nil {
			return err
		}
		if *f.json {
			return printJSON(c.Stdout, p)
		}
		fmt.Fprintln(text{c.Stdout}, strings.TrimRight(p.Document, "\n"))
		return nil
	case "put-policy":
		return c.putPolicy(ctx, client, f.set.Arg(0), f.set.Arg(1))
	}
	return c.can(ctx, client, f)
}

func (c *Command) listUsers(ctx context.Context, client *client, asJSON bool) error {
	all := []operator.User{}
	err := list(func(token string) (string, error) {
		var answer operator.UsersResponse
		err := client.identity(ctx, operator.ListUsers, operator.PageRequest{MaxResults: page, NextToken: token}, &answer)
		all = append(all, answer.Users...)
		return answer.NextToken, err
	})
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(c.Stdout, all)
	}
	return table(c.Stdout, "USER\tGROUPS\tPOLICIES\tKEY\tSTATUS\tLAST USED", func(row func(...any)) {
		for _, u := range all {
			groups, policies := strings.Join(u.Groups, " "), strings.Join(u.Policies, " ")
			if len(u.Keys) == 0 {
				row(u.Name, groups, policies, "none", "", "")
			}
			for _, k := range u.Keys {
				row(u.Name, groups, policies, k.ID, strings.ToLower(k.Status), ago(k.LastUsedAt))
			}
		}
	})
}

func (c *Command) listGroups(ctx context.Context, client *client, asJSON bool) error {
	all := []operator.Group{}
	err := list(func(token string) (string, error) {
		var answer operator.GroupsResponse
		err := client.identity(ctx, operator.ListGroups, operator.PageRequest{MaxResults: page, NextToken: token}, &answer)
		all = append(all, answer.Groups...)
		return answer.NextToken, err
	})
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(c.Stdout, all)
	}
	return table(c.Stdout, "GROUP\tUSERS\tPOLICIES", func(row func(...any)) {
		for _, g := range all {
			row(g.Name, strings.Join(g.Members, " "), strings.Join(g.Policies, " "))
		}
	})
}

func (c *Command) listPolicies(ctx context.Context, client *client, asJSON bool) error {
	all := []operator.Policy{}
	err := list(func(token string) (string, error) {
		var answer operator.PoliciesResponse
		err := client.identity(ctx, operator.ListPolicies, operator.PageRequest{MaxResults: page, NextToken: token}, &answer)
		all = append(all, answer.Policies...)
		return answer.NextToken, err
	})
	if err != nil {
		return err
	}
	if asJSON {
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

// addUser makes a user with what it gets. If that fails half way, the user is there
// with what it has got, and the error says so.
func (c *Command) addUser(ctx context.Context, client *client, f *usersFlags) error {
	name := f.set.Arg(0)
	if err := client.identity(ctx, operator.CreateUser, operator.UserRequest{User: name}, nil); err != nil {
		return err
	}
	half := func(err error) error { return fmt.Errorf("the user %s was added, but: %w", name, err) }
	for _, p := range f.policies {
		if err := client.identity(ctx, operator.AttachUserPolicy, operator.AttachRequest{User: name, Policy: p}, nil); err != nil {
			return half(err)
		}
	}
	for _, g := range f.groups {
		if err := client.identity(ctx, operator.AddUserToGroup, operator.MemberRequest{User: name, Group: g}, nil); err != nil {
			return half(err)
		}
	}
	if *f.noKey {
		fmt.Fprintf(text{c.Stderr}, "The user %s is there, without an access key.\n", name)
		return nil
	}
	if err := c.addKey(ctx, client, name, *f.json); err != nil {
		return half(err)
	}
	return nil
}

func (c *Command) addKey(ctx context.Context, client *client, name string, asJSON bool) error {
	var key operator.AccessKey
	if err := client.identity(ctx, operator.CreateAccessKey, operator.UserRequest{User: name}, &key); err != nil {
		return err
	}
	return c.printKey(key, asJSON)
}

// printKey prints a key as the lines of an environment; the secret is not seen again.
func (c *Command) printKey(key operator.AccessKey, asJSON bool) error {
	if asJSON {
		return printJSON(c.Stdout, key)
	}
	fmt.Fprintf(c.Stdout, "export %s=%s\nexport %s=%s\n", envKey, shellQuote(key.ID), envSecret, shellQuote(key.Secret))
	fmt.Fprintf(text{c.Stderr}, "This is the access key of %s. The secret is not shown again.\n", key.User)
	return nil
}

func (c *Command) putPolicy(ctx context.Context, client *client, name, file string) error {
	var document []byte
	var err error
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
	fmt.Fprintf(text{c.Stderr}, "The policy %s is there; who has it is under it from now on.\n", name)
	return nil
}

// can tells whether a user may do something. Its exit code is 0 for yes and 1 for no.
func (c *Command) can(ctx context.Context, client *client, f *usersFlags) error {
	request := operator.SimulateRequest{User: f.set.Arg(0), Action: f.set.Arg(1), SourceIP: *f.from}
	if *f.at != "" {
		at, err := time.Parse(time.RFC3339, *f.at)
		if err != nil {
			return usagef("%q is not a time: 2026-11-26T12:00:00Z", *f.at)
		}
		request.At = at
	}
	var answer operator.SimulateResponse
	if err := client.identity(ctx, operator.SimulatePrincipalPolicy, request, &answer); err != nil {
		return err
	}
	if *f.json {
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

func (c *Command) recoverAdministrator(ctx context.Context, f *usersFlags) error {
	key, err := service.Recover(ctx, service.Config{Data: *f.data, Database: *f.database, Keyring: *f.keyring})
	if key.KeyID != "" && err != nil {
		return fmt.Errorf("the administrator has the new key %s, but: %w", key.KeyID, err)
	}
	if err != nil {
		return err
	}
	if err := c.printKey(operator.AccessKey{ID: key.KeyID, User: key.User, Status: "Active", Secret: key.Secret}, *f.json); err != nil {
		return err
	}
	fmt.Fprint(c.Stderr, "The administrator's other keys, groups and policies are gone; client.json has the new key.\n")
	return nil
}
