package cve

import (
	"context"
	"errors"
	"time"

	"assay/internal/advisory"
	"assay/internal/advisory/index"
	"assay/internal/advisory/vex"
	"assay/internal/host"
	"assay/internal/inventory"
	"assay/internal/rules"
	"assay/internal/usage"
)

// evaluation is one host being evaluated.
type evaluation struct {
	host      *host.Host
	inventory inventory.Inventory
	systems   map[string]*inventory.System // by container
	usage     *usage.Usage
	now       time.Time
	settings  settings

	// unavailable is why no rule that needs advisories can be evaluated.
	unavailable error
	set         *index.Set
	overlay     *vex.Overlay
	factsErr    error // the facts of vulnerabilities cannot be read
	overlayErr  error // the statements of suppliers cannot be

	checked  [areas]int // components that were compared with advisories
	binaries [areas]int // packages of the system among them
	owned    []string   // libraries that are the business of the system's vendor
	items    []*item
	found    []*vulnerable
	lacks    []*lack
	lacking  map[lackKey]*lack
	kernels  []*inventory.Component            // of the host, that do not run
	owners   map[ownerKey]*inventory.Component // of libraries, by binary package
	orphans  [areas][]string                   // libraries of packages that are not known
	heard    map[*inventory.Component]bool     // whether its vendor has ever published about it
	byBinary map[string]*inventory.Component   // those of the host, by "name:arch" and by name
	packaged map[string]bool                   // containers with packages
	repaired int                               // vulnerabilities that Ubuntu Pro's fixes have repaired
	budget   budget
	fixes    map[fixKey]map[string][]advisory.Affected
}

// evaluation reads everything that the rules go by. Where there are no advisories,
// it is good for the rules that need none.
func (p Package) evaluation(ctx context.Context, h *host.Host, in rules.Input) (*evaluation, error) {
	e := &evaluation{host: h, budget: budget{matches: maxMatches, findings: maxFindings}, inventory: inventory.Of(h), now: in.Now, systems: map[string]*inventory.System{}, lacking: map[lackKey]*lack{}}
	for n := range e.inventory.Systems {
		s := &e.inventory.Systems[n]
		e.systems[s.Container] = s
	}
	e.look()
	var err error
	if e.settings, err = readSettings(in); err != nil {
		return e, err
	}
	if e.set, err = p.advisories.Use(); err != nil {
		return e, err
	}
	e.usage = usage.Of(h)
	e.overlay, e.overlayErr = p.overlays.of(e.set)
	e.collect(ctx)
	return e, nil
}

// look goes through the inventory once for what is asked of it again and again.
func (e *evaluation) look() {
	e.byBinary, e.packaged = map[string]*inventory.Component{}, map[string]bool{}
	e.owners, e.heard = map[ownerKey]*inventory.Component{}, map[*inventory.Component]bool{}
	for n := range e.inventory.Components {
		c := &e.inventory.Components[n]
		for _, b := range c.Binaries {
			e.owners[ownerKey{c.Container, b.Name}], e.owners[ownerKey{c.Container, b.Name + ":" + b.Arch}] = c, c
		}
		switch {
		case c.Kind != inventory.Package:
		case c.Container != "":
			e.packaged[c.Container] = true
		default:
			for _, b := range c.Binaries {
				e.byBinary[b.Name], e.byBinary[b.Name+":"+b.Arch] = c, c
			}
			if c.Kernel == inventory.InstalledKernel {
				e.kernels = append(e.kernels, c)
			}
		}
	}
}

func (e *evaluation) close() {
	if e.set != nil {
		// Nothing that was read has to be given up if letting go of it fails.
		_ = e.set.Close()
	}
}

// system is the system of a component; one of which nothing is known if the
// inventory has none.
func (e *evaluation) system(container string) *inventory.System {
	if s := e.systems[container]; s != nil {
		return s
	}
	return &inventory.System{Container: container, Problem: "nothing is known of the system", Remedy: "Collect again."}
}

// noAdvisories is the result of a rule where nothing can be compared, on whatever host.
func noAdvisories(err error) rules.Result {
	r := rules.Result{Verdict: rules.NotEvaluated, WholeRun: true, Reason: "nothing was compared: " + err.Error()}
	switch {
	case errors.Is(err, index.ErrNoIndex):
		r.Remedy = "Get advisories: assay feeds update, or assay feeds import FILE where there is no network."
	case errors.Is(err, index.ErrDamaged):
		r.Remedy = "Build the advisories again: assay feeds update, or assay feeds import FILE."
	default:
		r.Remedy = "Correct what the reason names, and assess again."
	}
	return r
}
