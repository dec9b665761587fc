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

// add adds a record. If it takes the place of another one it first takes over what is to
// stay of that.
func (s *seen[T]) add(r T, when telemetry.Seen, epoch int, over func(old T)) {
	if !when.First.IsZero() {
		id := telemetry.Identity(r)
		if n, ok := s.at[id]; ok {
			over(s.values[n])
			s.values[n], s.epochs[n] = r, epoch
			return
		}
		s.at[id] = len(s.values)
	}
	s.values, s.epochs = append(s.values, r), append(s.epochs, epoch)
}

// settle has those of which only earlier observations have told be gone.
func (s *seen[T]) settle(epoch int, gone func(T) T) {
	for i, r := range s.values {
		if s.epochs[i] < epoch {
			s.values[i] = gone(r)
		}
	}
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
// agent was not there to see when. Records are changed in copies.
func (h *Host) settle() {
	h.processes.settle(h.epoch(telemetry.SensorProcesses), func(r *telemetry.Process) *telemetry.Process {
		c := *r
		c.Gone = true
		return &c
	})
	h.sockets.settle(h.epoch(telemetry.SensorSockets), func(r *telemetry.Socket) *telemetry.Socket {
		c := *r
		c.Gone = true
		return &c
	})
	h.programs.settle(h.epoch(telemetry.SensorPrograms), func(r *telemetry.Program) *telemetry.Program {
		c := *r
		c.Gone = true
		return &c
	})
}

// maxMapped bounds what all processes have mapped: a number of two bytes in telemetry
// becomes many times as much where files are joined to packages. A host with 65,536
// processes of 60 libraries each has that much.
const maxMapped = 4_000_000

func (h *Host) addProcess(r *telemetry.Process) {
	c := *r
	if h.mapped += len(r.Objects); h.mapped > maxMapped {
		c.Objects, r = nil, &c
	}
	if l := h.looks[r.Sensor]; l != nil && l.offset > 0 {
		c.Objects = slices.Clone(r.Objects)
		for i := range c.Objects {
			c.Objects[i] += l.offset
		}
	}
	h.processes.add(&c, r.Seen, h.epoch(r.Sensor), func(old *telemetry.Process) { c.First = old.First })
}

func (h *Host) addObject(r *telemetry.Object) {
	if l := h.looks[r.Sensor]; l != nil {
		c := *r
		c.ID += l.offset
		l.object = max(l.object, c.ID)
		r = &c
	}
	h.objects = append(h.objects, r)
}

// addSocket says of one that only a later observation has seen that it was not there
// from the beginning.
func (h *Host) addSocket(r *telemetry.Socket) {
	c, epoch := *r, h.epoch(r.Sensor)
	c.Late = c.Late || epoch > 1
	h.sockets.add(&c, r.Seen, epoch, func(old *telemetry.Socket) { c.First, c.Late = old.First, old.Late })
}
