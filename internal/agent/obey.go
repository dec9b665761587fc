package agent

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"assay/internal/agent/spool"
	"assay/internal/wire"
)

// tombstone is how long a run that has ended is remembered after its time, so
// that an instruction that comes late does not begin it again.
const tombstone = time.Hour

// The reasons to stop collecting, as the coverage tells them.
var (
	errSwitchedOff = errors.New("the service switched the sensors off")
	errNotInForce  = errors.New("the service's instruction is no longer in force")
	errTimeOver    = errors.New("the time that the instruction gave was over")
)

// obey carries out what is in force. An instruction that is refused changes
// nothing, and while one is, nothing is stopped for not being mentioned: the
// refused one may have meant it.
func (a *agent) obey(response wire.HeartbeatResponse, refused []wire.Refusal) {
	mentioned := map[string]bool{}
	for _, i := range response.Instructions {
		mentioned[i.Run] = true
		if err := a.carryOut(i); err != nil {
			refused = append(refused, wire.Refusal{Instruction: i.ID, Reason: err.Error()})
		}
	}
	for _, r := range a.refusals.keep(refused) {
		a.Log.Warn("an instruction is refused", "instruction", r.Instruction, "reason", r.Reason)
	}
	if len(refused) == 0 {
		a.notMentioned(mentioned)
	}
}

func (a *agent) notMentioned(mentioned map[string]bool) {
	for _, r := range a.spool.Runs() {
		switch {
		case mentioned[r.ID]:
		case r.State == spool.Open:
			a.collector.stop(r, errNotInForce)
		case a.clock.now().After(r.Until.Add(tombstone)):
			a.troubles.set("runs", a.spool.Forget(r.ID))
		}
	}
}

// Bounds of what a service can ask for. An agent is in one run at a time, and
// remembers those that are over for an hour after their time; a run lasts a day at
// most.
const (
	maxRuns   = 512
	maxFuture = 7 * 24 * time.Hour
)

// bounded tells why a run that is not known yet is not begun. Without bounds a
// service that is no longer itself could fill the host's disk with runs, or have
// it observed for ever.
func (a *agent) bounded(i wire.Instruction) error {
	switch {
	case len(a.spool.Runs()) >= maxRuns:
		return fmt.Errorf("this agent has %d runs already, as many as it takes", maxRuns)
	case i.Until.Sub(a.clock.now()) > maxFuture:
		return fmt.Errorf("the sensors would be on for more than %d days", maxFuture/(24*time.Hour))
	}
	return nil
}

// carryOut returns an error if the instruction is refused.
func (a *agent) carryOut(i wire.Instruction) error {
	run, known := a.spool.Run(i.Run)
	if i.Action == wire.ActionOff {
		if !known {
			if err := a.bounded(i); err != nil {
				return err
			}
			a.neverBegun(i)
		} else if run.State == spool.Open {
			a.collector.stop(run, errSwitchedOff)
		}
		return nil
	}
	if err := a.checkSensors(i.Sensors); err != nil {
		return err
	}
	if !known {
		if err := a.bounded(i); err != nil {
			return err
		}
		run = spool.Run{
			ID: i.Run, Agent: a.identity.Load().Agent, Instruction: i.ID, Sensors: i.Sensors,
			Until: i.Until, Accepted: time.Now().UTC(), State: spool.Open,
		}
		err := a.spool.Begin(run)
		// Not a refusal: it is tried again at the next heartbeat.
		if a.troubles.set("runs", err); err != nil {
			return nil
		}
		a.Log.Info("sensors are switched on", "run", i.Run, "sensors", i.Sensors, "until", i.Until)
	}
	if !slices.Equal(run.Sensors, i.Sensors) {
		return fmt.Errorf("the run %s was begun with other sensors, and cannot be changed", i.Run)
	}
	if run.State == spool.Open {
		a.collector.start(run, i.Until.Sub(a.clock.now()), time.Duration(i.Jitter)*time.Second)
	}
	return nil
}

// neverBegun answers a service that stops a run of which this agent knows
// nothing, so that it need not wait: the host was off, or its state was lost.
func (a *agent) neverBegun(i wire.Instruction) {
	err := a.spool.Begin(spool.Run{
		ID: i.Run, Agent: a.identity.Load().Agent, Instruction: i.ID, Accepted: time.Now().UTC(),
		Failed: true, Reason: "the sensors were switched off before this agent had switched any on",
	})
	if a.troubles.set("runs", err); err == nil {
		a.uploader.poke()
	}
}

func (a *agent) checkSensors(names []string) error {
	for n, name := range names {
		if _, ok := a.sensors[name]; !ok {
			return fmt.Errorf("this agent has no sensor %q", name)
		}
		if slices.Contains(names[:n], name) {
			return fmt.Errorf("the sensor %q is named twice", name)
		}
	}
	return nil
}

// refusals are reported once for each instruction that is refused. They belong
// to the heartbeat's goroutine.
type refusals struct {
	list []refusal
}

type refusal struct {
	wire.Refusal
	told bool
}

// maxRefusals bounds what is remembered and reported.
const maxRefusals = 100

// keep remembers what is refused now, forgets what no longer is, and returns
// what is new.
func (r *refusals) keep(now []wire.Refusal) (news []wire.Refusal) {
	next := make([]refusal, 0, len(now))
	for _, n := range now[:min(len(now), maxRefusals)] {
		if i := slices.IndexFunc(r.list, func(o refusal) bool { return o.Instruction == n.Instruction }); i >= 0 {
			next = append(next, r.list[i])
			continue
		}
		n.Reason = strings.ToValidUTF8(n.Reason[:min(len(n.Reason), maxTrouble)], "?") // it may quote what is wrong
		next = append(next, refusal{Refusal: n})
		news = append(news, n)
	}
	for _, old := range r.list {
		if !old.told && !slices.ContainsFunc(next, func(n refusal) bool { return n.Instruction == old.Instruction }) {
			next = append(next, old)
		}
	}
	r.list = next[:min(len(next), maxRefusals)]
	return news
}

func (r *refusals) pending() (list []wire.Refusal) {
	for _, o := range r.list {
		if !o.told {
			list = append(list, o.Refusal)
		}
	}
	return list
}

func (r *refusals) reported(told []wire.Refusal) {
	for i := range r.list {
		if slices.Contains(told, r.list[i].Refusal) {
			r.list[i].told = true
		}
	}
}
