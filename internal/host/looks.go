package host

import (
	"slices"

	"assay/internal/telemetry"
)

// looks is what is known of how a sensor looks again and again.
type looks struct {
	all    []*telemetry.Looks // one of each observation
	begun  int                // observations of which the beginning was told
	object int                // the largest number of an object
	offset int                // what objects' numbers are too small by: those of earlier observations
}

// seen has the records of what a sensor saw, one look or many: of those with one
// identity the last one. Records of a sensor that looked once are told apart by nothing.
type seen[T telemetry.Record] struct {
	values []T
	epochs []int          // the observation that told of each last
	at     map[string]int // of those that were seen at a look of many, by identity
}

func newSeen[T telemetry.Record]() seen[T] { return seen[T]{at: map[string]int{}} }

// add adds a record, and returns that which it takes the place of.
func (s *seen[T]) add(r T, when telemetry.Seen, epoch int) (old T, ok bool) {
	var id string
	if !when.First.IsZero() {
		id = telemetry.Identity(r)
		if n, ok := s.at[id]; ok {
			old, s.values[n], s.epochs[n] = s.values[n], r, epoch
			return old, true
		}
		s.at[id] = len(s.values)
	}
	s.values, s.epochs = append(s.values, r), append(s.epochs, epoch)
	return old, false
}

// before are those of which only earlier observations have told.
func (s *seen[T]) before(epoch int) (all []T) {
	for i, r := range s.values {
		if s.epochs[i] < epoch {
			all = append(all, r)
		}
	}
	return all
}

// live are those that are not gone.
func (s *seen[T]) live(gone func(T) bool) []T {
	if !slices.ContainsFunc(s.values, gone) {
		return s.values
	}
	return slices.DeleteFunc(slices.Clone(s.values), gone)
}

// addLooks notes how a sensor looks.
func (h *Host) addLooks(r *telemetry.Looks) {
	l := h.looks[r.Sensor]
	if l == nil {
		l = &looks{}
		h.looks[r.Sensor] = l
	}
	if !r.Ended.IsZero() && len(l.all) > 0 {
		l.all[len(l.all)-1] = r
		return
	}
	l.all = append(l.all, r)
	if r.Ended.IsZero() {
		l.begun++
		l.offset = l.object
	}
}

// epoch counts the observations of a sensor.
func (h *Host) epoch(sensor string) int {
	if l := h.looks[sensor]; l != nil {
		return l.begun
	}
	return 0
}

// settle says of what no observation has told but earlier ones that it is gone: the
// agent was not there to see when.
func (h *Host) settle() {
	for _, p := range h.processes.before(h.epoch(telemetry.SensorProcesses)) {
		p.Gone = true
	}
	for _, s := range h.sockets.before(h.epoch(telemetry.SensorSockets)) {
		s.Gone = true
	}
	for _, p := range h.programs.before(h.epoch(telemetry.SensorPrograms)) {
		p.Gone = true
	}
}

func (h *Host) addProcess(r *telemetry.Process) {
	if l := h.looks[r.Sensor]; l != nil && l.offset > 0 {
		for i := range r.Objects {
			r.Objects[i] += l.offset
		}
	}
	if old, ok := h.processes.add(r, r.Seen, h.epoch(r.Sensor)); ok {
		r.First = old.First
	}
}

func (h *Host) addObject(r *telemetry.Object) {
	if l := h.looks[r.Sensor]; l != nil {
		r.ID += l.offset
		l.object = max(l.object, r.ID)
	}
	h.objects = append(h.objects, r)
}

// addSocket says of one that only a later observation has seen that it was not there
// from the beginning.
func (h *Host) addSocket(r *telemetry.Socket) {
	epoch := h.epoch(r.Sensor)
	if old, ok := h.sockets.add(r, r.Seen, epoch); ok {
		r.First, r.Late = old.First, old.Late
	} else if epoch > 1 {
		r.Late = true
	}
}

// addProgram adds what is known of a file to what was known: who has executed it once,
// has.
func (h *Host) addProgram(r *telemetry.Program) {
	if r.Sensor == telemetry.SensorActivity {
		h.used[programOf(r)] = r
		return
	}
	old, ok := h.programs.add(r, r.Seen, h.epoch(r.Sensor))
	if !ok {
		return
	}
	r.First = old.First
	r.Executed, r.Mapped, r.Root = r.Executed || old.Executed, r.Mapped || old.Mapped, r.Root || old.Root
	if len(r.Above) == 0 {
		r.Above = old.Above
	}
}
