package cve

import (
	"fmt"

	"assay/internal/inventory"
	"assay/internal/usage"
)

// inUse is how an item is in use: as much as the part of it that is most.
func (e *evaluation) inUse(i *item) *usage.Answer {
	if i.use != nil {
		return i.use
	}
	var answers []usage.Answer
	for _, c := range i.same {
		answers = append(answers, e.answers(c)...)
	}
	worst := usage.Answer{State: usage.Unknown, Reason: "nothing of it was seen"}
	for n, a := range answers {
		if n == 0 || statePoints(a.State) > statePoints(worst.State) {
			worst = a
		}
	}
	if i.Kernel == inventory.RunningKernel || i.Kernel == inventory.UnknownKernel {
		// Every process is served by it, and every packet from outside.
		worst.State, worst.Reason = usage.Listening, ""
	}
	i.use = &worst
	return i.use
}

// answers tell how the parts of a component are in use.
func (e *evaluation) answers(c *inventory.Component) (all []usage.Answer) {
	switch {
	case c.Kind == inventory.Library:
		return []usage.Answer{e.usage.File(c.Container, c.Path)}
	case c.Container != "":
		return []usage.Answer{e.usage.Container(c.Container, c.Name)}
	}
	for _, b := range c.Binaries {
		all = append(all, e.usage.Package(qualified(&b)))
	}
	return all
}

// qualified is the name of a binary package with its architecture, where it has one.
func qualified(b *inventory.Binary) string {
	if b.Arch == "" || b.Arch == "all" || b.Arch == "noarch" {
		return b.Name
	}
	return b.Name + ":" + b.Arch
}

// stateText is the attribute about use.
func (e *evaluation) stateText(i *item) string {
	if i.Kernel == inventory.RunningKernel {
		return "running kernel"
	}
	return string(e.inUse(i).State)
}

// useText words how the item is in use; reasons also why no more is known.
func (e *evaluation) useText(v *vulnerable, reasons bool) string {
	a := *e.inUse(v.item)
	if !reasons {
		a.Reason = ""
	}
	if v.Kernel == inventory.RunningKernel {
		return "it is the running kernel"
	}
	switch a.State {
	case usage.Unknown:
		return "whether it is in use is not known" + prefixed(": ", a.Reason)
	case usage.Installed:
		return "installed, and not loaded by any process" + prefixed(" that was seen: ", a.Reason) + prefixed("; ", e.notSeen(reasons))
	case usage.WasLoaded:
		return e.wasLoaded(&a, reasons) + prefixed("; ", a.Reason)
	}
	if len(a.Processes) == 0 {
		return string(a.State)
	}
	p := a.Processes[0]
	text := fmt.Sprintf("loaded by %s (pid %d)", p.Name, p.PID)
	if len(p.Listens) > 0 {
		text += ", which listens on " + p.Listens[0]
	}
	if more := len(a.Processes) - 1; more > 0 {
		text += fmt.Sprintf(", and %d more", more)
	}
	return text
}

// fixText words the fix, short.
func (v *vulnerable) fixText() string {
	switch {
	case v.fixable():
		return "fix available: " + v.Fixed
	case v.proOnly != "":
		return "fix with Ubuntu Pro only: " + v.proOnly
	}
	return "no fix: " + string(v.status)
}
