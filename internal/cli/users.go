package cli

import (
	"context"
	"flag"
	"fmt"
	"strings"

	"assay/internal/operator"
	"assay/internal/service"
)

func userActions() []action {
	user := func(a []string) any { return operator.UserRequest{User: a[0]} }
	member := func(a []string) any { return operator.MemberRequest{User: a[0], Group: a[1]} }
	group := func(a []string) any { return operator.GroupRequest{Group: a[0]} }
	key := func(status string) func([]string) any {
		return func(a []string) any { return operator.KeyRequest{ID: a[0], Status: status} }
	}
	policy := func(a []string) any { return operator.PolicyRequest{Name: a[0]} }
	ofUser := func(a []string) any { return operator.AttachRequest{User: a[0], Policy: a[1]} }
	ofGroup := func(a []string) any { return operator.AttachRequest{Group: a[0], Policy: a[1]} }
	return []action{
		{"list", "", "list users", (*Command).listUsers},
		{"show", "USER", "show a user as JSON", (*Command).showUser},
		{"add", "USER", "add a user, with -policy and -group what it gets; its access key is printed, unless -no-key", (*Command).addUser},
		{"add-key", "USER", "make another access key (a user has at most two)", (*Command).addKey},
		{"groups", "", "list groups", (*Command).listGroups},
		{"policies", "", "list policies", (*Command).listPolicies},
		{"policy", "POLICY", "print a policy", (*Command).showPolicy},
		{"put-policy", "POLICY FILE", "add a policy, or replace its text; - reads standard input", (*Command).putPolicy},
		{"can", "USER ACTION", "tell whether a user may do something, with -from ADDRESS and -at TIME, and what decides it", (*Command).can},
		{"recover", "", "on the service's machine: make a new key for the administrator, who then has nothing but AdministratorAccess", (*Command).recoverAdministrator},
		{"remove", "USER", "remove a user with its keys", changeUsers(1, operator.DeleteUser, user, "The user %s is removed, and its keys with it.")},
		{"disable-key", "KEY", "disable an access key", changeUsers(1, operator.UpdateAccessKey, key("Inactive"), "The key %s is disabled.")},
		{"enable-key", "KEY", "enable it again", changeUsers(1, operator.UpdateAccessKey, key("Active"), "The key %s is enabled.")},
		{"remove-key", "KEY", "remove an access key", changeUsers(1, operator.DeleteAccessKey, key(""), "The key %s is removed.")},
		{"add-group", "GROUP", "add a group", changeUsers(1, operator.CreateGroup, group, "The group %s is there.")},
		{"remove-group", "GROUP", "remove a group; its members stay", changeUsers(1, operator.DeleteGroup, group, "The group %s is removed.")},
		{"join", "USER GROUP", "put a user into a group", changeUsers(2, operator.AddUserToGroup, member, "%s is in the group %s.")},
		{"leave", "USER GROUP", "take a user out of a group", changeUsers(2, operator.RemoveUserFromGroup, member, "%s is not in the group %s any more.")},
		{"attach", "USER POLICY", "give a user a policy", changeUsers(2, operator.AttachUserPolicy, ofUser, "%s has the policy %s.")},
		{"detach", "USER POLICY", "take it away", changeUsers(2, operator.DetachUserPolicy, ofUser, "%s has not the policy %s any more.")},
		{"attach-group", "GROUP POLICY", "give a group a policy", changeUsers(2, operator.AttachGroupPolicy, ofGroup, "The group %s has the policy %s.")},
		{"detach-group", "GROUP POLICY", "take it away", changeUsers(2, operator.DetachGroupPolicy, ofGroup, "The group %s has not the policy %s any more.")},
		{"remove-policy", "POLICY", "remove a policy that nobody has", changeUsers(1, operator.DeletePolicy, policy, "The policy %s is removed.")},
	}
}

// changeUsers calls an operation with n arguments, and prints nothing but that it is
// done: done gets the arguments.
func changeUsers(n int, operation string, request func(args []string) any, done string) handler {
	return func(c *Command, ctx context.Context, set *flag.FlagSet, args []string) error {
		data, asJSON := dataFlag(set), jsonFlag(set)
		client, err := c.connect(set, data, args, n, n)
		if err != nil {
			return err
		}
		if err := client.identity(ctx, operation, request(set.Args()), nil); err != nil {
			return err
		}
		var named []any
		for _, arg := range set.Args() {
			named = append(named, arg)
		}
		return c.done(*asJSON, done, named...)
	}
}

func (c *Command) listUsers(ctx context.Context, set *flag.FlagSet, args []string) error {
	data, asJSON := dataFlag(set), jsonFlag(set)
	client, err := c.connect(set, data, args, 0, 0)
	if err != nil {
		return err
	}
	all, err := pages(func(p operator.PageRequest) ([]operator.User, string, error) {
		var answer operator.UsersResponse
		err := client.identity(ctx, operator.ListUsers, p, &answer)
		return answer.Users, answer.NextToken, err
	})
	if err != nil {
		return err
	}
	if *asJSON {
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

func (c *Command) showUser(ctx context.Context, set *flag.FlagSet, args []string) error {
	data := dataFlag(set)
	jsonFlag(set) // that is what it prints anyway
	client, err := c.connect(set, data, args, 1, 1)
	if err != nil {
		return err
	}
	var user operator.User
	if err := client.identity(ctx, operator.GetUser, operator.UserRequest{User: set.Arg(0)}, &user); err != nil {
		return err
	}
	return printJSON(c.Stdout, user)
}

// addUser makes a user with what it gets. If that fails half way, the user is there
// with what it has got, and the error says so.
func (c *Command) addUser(ctx context.Context, set *flag.FlagSet, args []string) error {
	data, asJSON := dataFlag(set), jsonFlag(set)
	var policies, groups listFlag
	set.Var(&policies, "policy", "a `policy` that the user gets; may be repeated")
	set.Var(&groups, "group", "a `group` that the user is put into; may be repeated")
	noKey := set.Bool("no-key", false, "make no access key")
	client, err := c.connect(set, data, args, 1, 1)
	if err != nil {
		return err
	}
	name := set.Arg(0)
	if err := client.identity(ctx, operator.CreateUser, operator.UserRequest{User: name}, nil); err != nil {
		return err
	}
	if err := client.equipUser(ctx, name, policies, groups); err != nil {
		return addedHalf(name, err)
	}
	if *noKey {
		fmt.Fprintf(text{c.Stderr}, "The user %s is there, without an access key.\n", name)
		return nil
	}
	if err := c.newKey(ctx, client, name, *asJSON); err != nil {
		return addedHalf(name, err)
	}
	return nil
}

func addedHalf(name string, err error) error {
	return fmt.Errorf("the user %s was added, but: %w", name, err)
}

func (c *client) equipUser(ctx context.Context, name string, policies, groups []string) error {
	for _, p := range policies {
		if err := c.identity(ctx, operator.AttachUserPolicy, operator.AttachRequest{User: name, Policy: p}, nil); err != nil {
			return err
		}
	}
	for _, g := range groups {
		if err := c.identity(ctx, operator.AddUserToGroup, operator.MemberRequest{User: name, Group: g}, nil); err != nil {
			return err
		}
	}
	return nil
}

func (c *Command) addKey(ctx context.Context, set *flag.FlagSet, args []string) error {
	data, asJSON := dataFlag(set), jsonFlag(set)
	client, err := c.connect(set, data, args, 1, 1)
	if err != nil {
		return err
	}
	return c.newKey(ctx, client, set.Arg(0), *asJSON)
}

func (c *Command) newKey(ctx context.Context, client *client, user string, asJSON bool) error {
	var key operator.AccessKey
	if err := client.identity(ctx, operator.CreateAccessKey, operator.UserRequest{User: user}, &key); err != nil {
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

func (c *Command) recoverAdministrator(ctx context.Context, set *flag.FlagSet, args []string) error {
	data, asJSON := dataFlag(set), jsonFlag(set)
	database := set.String("database", "", "the `database` of the service, if it is not SQLite in the data folder")
	keyring := set.String("keyring", "", "the keyring's `file`, if it is not in the data folder")
	if err := c.parse(set, args, 0, 0); err != nil {
		return err
	}
	key, err := service.Recover(ctx, service.Config{Data: *data, Database: *database, Keyring: *keyring})
	if key.KeyID != "" && err != nil {
		return fmt.Errorf("the administrator has the new key %s, but: %w", key.KeyID, err)
	}
	if err != nil {
		return err
	}
	if err := c.printKey(operator.AccessKey{ID: key.KeyID, User: key.User, Status: "Active", Secret: key.Secret}, *asJSON); err != nil {
		return err
	}
	fmt.Fprint(c.Stderr, "The administrator's other keys, groups and policies are gone; client.json has the new key.\n")
	return nil
}
