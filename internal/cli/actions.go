package cli

import (
	"flag"
	"fmt"
	"slices"
	"strings"
)

// action is what a verb such as `assay events` does, named by its first argument.
type action struct{ name, arguments, summary string }

// cut takes the action from a verb's arguments; without one it is the first. What it
// returns is the verb as the action's own flags and help have it.
func (v verb) cut(args []string) (verb, string, []string, error) {
	name := v.actions[0].name
	if len(args) == 0 || strings.HasPrefix(args[0], "-") {
		return v, name, args, nil
	}
	name, args = args[0], args[1:]
	if i := v.action(name); i < 0 {
		return v, "", nil, usagef("there is no action %q: %s", name, v.choice())
	}
	v.name += " " + name
	return v, name, args, nil
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
		fmt.Fprint(c.Stdout, "RUN is a run's ARN or the last part of it; without it, the last run that is over.\n\n")
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
