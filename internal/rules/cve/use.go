package cve

import (
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
