package assess

import (
	"slices"
	"strings"
	"time"

	"assay/internal/inspector"
	"assay/internal/wire"
)

// instructionsFor are the instructions that a run has for an agent in the given
// state of collection: at most one. They depend on nothing but the run, so an
// instruction is the same whenever and by whichever replica it is made.
func instructionsFor(run inspector.Run, state inspector.CollectionState, sensors []string, agents int) []wire.Instruction {
	if state == inspector.CollectionFailed || len(sensors) == 0 {
		return nil
	}
	switch run.State {
	case inspector.CollectingData:
		if state == inspector.CollectionComplete {
			return nil
		}
		return []wire.Instruction{{
			ID:      instructionID(wire.ActionOn, run.ID),
			Action:  wire.ActionOn,
			Run:     run.ID,
			Sensors: sensors,
			Until:   deadline(run),
			Jitter:  int(jitter(agents, run.Duration) / time.Second),
		}}
	case inspector.StopDataCollectionPending, inspector.Canceled:
		if state == inspector.CollectionStarted {
			return []wire.Instruction{{ID: instructionID(wire.ActionOff, run.ID), Action: wire.ActionOff, Run: run.ID}}
		}
	}
	return nil
}

// instructionID is the stable id of an action for a run; runOf is its inverse.
func instructionID(action, run string) string { return action + ":" + run }

func runOf(instruction string) (run string, ok bool) {
	action, run, ok := strings.Cut(instruction, ":")
	return run, ok && (action == wire.ActionOn || action == wire.ActionOff)
}

// jitter spreads the start of many agents, so that their uploads do not come at
// once: a tenth of a second for each agent, at most a minute and a tenth of the
// duration.
func jitter(agents int, duration time.Duration) time.Duration {
	return min(time.Duration(agents)*100*time.Millisecond, time.Minute, duration/10)
}

// sensorsOf is the union of the sensors that the packages read, sorted.
func sensorsOf(packages []plannedPackage) []string {
	var names []string
	for _, p := range packages {
		names = append(names, p.Describe().Sensors...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// alsoOf are the sensors that the packages read beside, where they are there.
func alsoOf(packages []plannedPackage) (names []string) {
	for _, p := range packages {
		names = append(names, p.Describe().Also...)
	}
	return names
}

// known keeps the sensors that an agent says it has. An agent that does not know
// a sensor refuses a whole instruction; what it cannot collect is told as not
// collected when its host is evaluated.
func known(sensors, has []string) []string {
	return slices.DeleteFunc(slices.Clone(sensors), func(s string) bool { return !slices.Contains(has, s) })
}
