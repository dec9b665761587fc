package cli

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strings"
)

// action is what a verb such as `assay events` does, named by its first argument.
type action struct {
	name, arguments, summary string
	run                      handler
}

// handler does what was asked for. It registers its flags in the set, and parses the
// arguments with it.
type handler func(c *Command, ctx context.Context, set *flag.FlagSet, args []string) error

// do does what a verb is for. Of several actions that is the one that the first argument
// names, or the first where none is named.
func (c *Command) do(ctx context.Context, v verb, args []string) error {
	switch {
	case len(v.actions) == 0:
		return v.run(c, ctx, c.flags(v.name), args)
	case len(args) == 0 || strings.HasPrefix(args[0], "-"):
		return v.actions[0].run(c, ctx, c.flags(v.name), args)
	}
	i := v.action(args[0])
	if i < 0 {
		return usagef("there is no action %q: %s", args[0], v.choice())
	}
	return v.actions[i].run(c, ctx, c.flags(v.name+" "+args[0]), args[1:])
}

// done says that something is done; as JSON that is an empty object.
func (c *Command) done(asJSON bool, format string, args ...any) error {
	if asJSON {
		return printJSON(c.Stdout, struct{}{})
	}
	_, err := fmt.Fprintf(text{c.Stderr}, format+"\n", args...)
	return err
}

func (v verb) action(name string) int {
	return slices.IndexFunc(v.actions, func(a action) bool { return a.name == name })
}

// choice names the actions, or where they are listed if they are many.
func (v verb) choice() string {
	var names []string
	for _, a := range v.actions {
		names = append(names, a.name)
	}
	if len(names) > 8 {
		return "assay " + v.name + " -help lists them"
	}
	return strings.Join(names, ", ")
}

// usage prints the help of a verb, or of one of its actions.
func (c *Command) usage(set *flag.FlagSet) {
	name, of, _ := strings.Cut(set.Name(), " ")
	v := verbs()[slices.IndexFunc(verbs(), func(v verb) bool { return v.name == name })]
	form, summary := strings.TrimSpace("[flags] "+v.arguments), v.summary
	if i := v.action(of); i >= 0 {
		form, summary = strings.TrimSpace("[flags] "+v.actions[i].arguments), v.actions[i].summary
	} else if len(v.actions) > 0 {
		form = "[ACTION] [flags] [arguments]"
	}
	fmt.Fprintf(c.Stdout, "usage: assay %s %s\n\n%s.\n\n", set.Name(), form, strings.ToUpper(summary[:1])+summary[1:])
	if strings.Contains(form, "[RUN]") {
		without := "the last run that is over"
		if set.Name() == "runs watch" {
			without = "the newest"
		}
		fmt.Fprintf(c.Stdout, "RUN is a run's ARN or the last part of it; without it, %s.\n\n", without)
	}
	if of == "" && len(v.actions) > 0 {
		c.listActions(v)
	}
	set.SetOutput(c.Stdout)
	set.PrintDefaults()
}

func (c *Command) listActions(v verb) {
	fmt.Fprintf(c.Stdout, "Actions (assay %s ACTION -help tells the flags of one):\n", v.name)
	for _, a := range v.actions {
		fmt.Fprintf(c.Stdout, "  %-26s %s\n", strings.TrimSpace(a.name+" "+a.arguments), a.summary)
	}
	fmt.Fprintf(c.Stdout, "\nFlags of %s, which is done where no action is named:\n", v.actions[0].name)
}
