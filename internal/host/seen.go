package host

import (
	"slices"

	"assay/internal/telemetry"
)

// Of what runs on a host there are two questions. What was there when it was looked at
// last, which is the state of the host: Processes, Objects, Sockets. And what was there
// at any look of a run that observes, which may be over: SeenProcesses, SeenObjects,
// SeenSockets, Programs; each record says whether it is Gone. What lived only between
// two looks is in neither, so that the second answer is complete only where nobody asked
// for more than one look. See Executions and Loads for what the kernel tells of it.

// Processes are the running processes, those at the last look.
func (h *Host) Processes() All[*telemetry.Process] {
	return all(h, telemetry.SensorProcesses, "", h.processes.live(func(p *telemetry.Process) bool { return p.Gone }))
}

// SeenProcesses are the processes that were there at any look.
func (h *Host) SeenProcesses() All[*telemetry.Process] {
	return all(h, telemetry.SensorProcesses, "looks", h.processes.values)
}

// Objects are the files that processes have mapped executable, those at the last look.
func (h *Host) Objects() All[*telemetry.Object] {
	all := all(h, telemetry.SensorProcesses, "", h.objects)
	if h.looks[telemetry.SensorProcesses] == nil {
		return all
	}
	had := map[int]bool{}
	for _, p := range h.Processes().Values {
		for _, id := range p.Objects {
			had[id] = true
		}
	}
	var live []*telemetry.Object
	for _, o := range all.Values {
		if had[o.ID] {
			live = append(live, o)
		}
	}
	all.Values = live
	return all
}

// SeenObjects are the files that processes had mapped executable at any look.
func (h *Host) SeenObjects() All[*telemetry.Object] {
	return all(h, telemetry.SensorProcesses, "looks", h.objects)
}

// Sockets are the network sockets, those at the last look.
func (h *Host) Sockets() All[*telemetry.Socket] {
	return all(h, telemetry.SensorSockets, "", h.sockets.live(func(s *telemetry.Socket) bool { return s.Gone }))
}

// Conversations are the sockets by which somebody converses, those at the last look. That
// one is not among them is known where the answer is complete, whether or not all
// holders of sockets are known.
func (h *Host) Conversations() All[*telemetry.Socket] {
	all := all(h, telemetry.SensorSockets, "conversations", h.Sockets().Values)
	all.Values = slices.DeleteFunc(slices.Clone(all.Values), (*telemetry.Socket).Listening)
	return all
}

// SeenSockets are the sockets that were there at any look; of conversations only those
// of the last one.
func (h *Host) SeenSockets() All[*telemetry.Socket] {
	return all(h, telemetry.SensorSockets, "looks", h.sockets.values)
}

// Looks says how a sensor of those that can has looked again and again, one of each of
// its observations; none: it looked once.
func (h *Host) Looks(sensor string) []*telemetry.Looks {
	if l := h.looks[sensor]; l != nil {
		return l.all
	}
	return nil
}
