package assess

import (
	"time"

	"assay/internal/inspector"
)

// situation is all that the next step of a run depends on.
type situation struct {
	run     inspector.Run
	observe bool // a package of the run needs the whole duration
	now     time.Time
	grace   time.Duration // for uploads, once the sensors are off
	poll    time.Duration // how often to look again while something is awaited

	waiting   int // agents whose collection is neither complete nor failed
	collected int // agents whose collection is complete
	pending   int // evaluations that are not done; of EvaluatingRules only
	errors    bool
}

// action is what is to be done with a run. With become empty nothing is, before
// again.
type action struct {
	become  inspector.RunState
	abandon bool // first give up the agents that are still waited for
	again   time.Time
}

// decide is the run's state machine: the next step for a run in a situation. It
// takes one step at a time, so that a run's history has every state in order.
func decide(s situation) action {
	if s.run.State.Final() {
		return action{}
	}
	if s.run.Stop == inspector.SkipEvaluation {
		return action{become: inspector.Canceled}
	}
	switch s.run.State {
	case inspector.Created:
		return action{become: inspector.StartDataCollectionPending}
	case inspector.StartDataCollectionPending:
		return action{become: inspector.StartDataCollectionInProgress}
	case inspector.StartDataCollectionInProgress:
		return action{become: inspector.CollectingData}
	case inspector.CollectingData:
		return decideCollecting(s)
	case inspector.StopDataCollectionPending:
		return decideStopping(s)
	case inspector.DataCollected:
		return action{become: inspector.StartEvaluatingRulesPending}
	case inspector.StartEvaluatingRulesPending:
		return action{become: inspector.EvaluatingRules}
	}
	return decideEvaluating(s)
}

// decideCollecting ends a collection that was stopped, whose time is over, or
// that nobody can add to any more. A package that observes has a use for the
// whole duration as long as one agent is with the run.
func decideCollecting(s situation) action {
	end := deadline(s.run)
	over := s.waiting == 0 && (!s.observe || s.collected == 0)
	if over || s.run.Stop != "" || !s.now.Before(end) {
		return action{become: inspector.StopDataCollectionPending}
	}
	if s.waiting == 0 {
		return action{again: end}
	}
	return action{again: earlier(end, s.now.Add(s.poll))}
}

// decideStopping waits for what is still in the agents' spools, but not for ever.
func decideStopping(s situation) action {
	end := s.run.StateChangedAt.Add(s.grace)
	if s.waiting == 0 {
		return action{become: inspector.DataCollected}
	}
	if !s.now.Before(end) {
		return action{become: inspector.DataCollected, abandon: true}
	}
	return action{again: earlier(end, s.now.Add(s.poll))}
}

func decideEvaluating(s situation) action {
	switch {
	case s.pending > 0:
		return action{again: s.now.Add(s.poll)}
	case s.errors:
		return action{become: inspector.CompletedWithErrors}
	}
	return action{become: inspector.Completed}
}

// deadline is when the sensors of a run that is collecting go off.
func deadline(r inspector.Run) time.Time { return r.StartedAt.Add(r.Duration) }

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
