// Package hosttest builds hosts for tests from short descriptions, and takes
// away from them what a test wants to have been lost: a record, a sensor, the
// certainty that a sensor saw everything.
//
// A description is a txtar archive. Its files are the texts that the config
// sensor collected; its comment has one fact a line:
//
//	system debian 12                       ID and VERSION_ID; "image" after it: not the running system; arch, kernel, codename, like, name
//	package dpkg openssh-server 1:9.2p1-2  a fourth word is the status, by default installed; source=NAME:VERSION, arch, module, vendor, container
//	library npm lodash 4.17.20 /srv/x.json its ecosystem, name, version and file; inside, package, container, main=true
//	container 4f6d debian 12               its id, ID and VERSION_ID; name, image, runtime, codename, like, problem
//	user root 0 0 /root /bin/bash          name, uid, gid; home and shell may be left out
//	shadow root usable max=99999           usable, locked, disabled, empty; max, min, warn, inactive, expire, last
//	group wheel 10 alice,bob
//	dir /usr/bin 0755 0 0                  metadata: path, mode, uid, gid; also file, and link PATH TARGET
//	acl /usr/bin user:1000:rwx mask::rwx   added to the file above it
//	param kernel.randomize_va_space 2
//	flags nx lm                            of the processor
//	process sshd 0 /usr/sbin/sshd          name, uid, program; pid, started, package, container, gone=true, maps, deleted, open, seen
//	socket tcp 0.0.0.0 22                  listening; pid=101 of a process that holds it, above it; inode, seen
//	program /srv/x root 0755 0 0           executed or mapped, root's or not: mode, uid, gid; elf, package, container, problem, deleted, mapped, seen
//	above /srv 0755 0 0 ["problem"]        a folder above a program of root's, in a line above it
//	execution /usr/bin/x 0                 while a run went on, with its uid; count, package, container, unverified=true
//	load /usr/lib/x.so /usr/bin/x 0        a file that a program had mapped, with its uid; count, package, container, unverified=true
//	connection /usr/bin/x 192.0.2.1 21     a program, where to, port; count, uid, local, package, container
//	accepting 22 5 4                       a port, connections, those from elsewhere; family, listens
//	spoken telnet 23 192.0.2.1             a protocol, a server's port, its address if it is not the host; count; without words: looked at, nothing seen
//	observation                            that there was one; tier unsupported
//	partial config "reason"                also denied, failed, not_collected; SENSOR/PART names a part
//
// What follows a semicolon above are options, as in arch=amd64, after the other
// words; double quotes around the whole keep blanks. Container is the id of a
// container above; a process in one has its mount namespace. Of a process gone says
// that its program was deleted or replaced; maps and deleted, as often as wanted,
// are files that it has mapped, as PACKAGE:PATH or PATH, the latter ones gone from
// disk. The program itself is mapped, too. Processes are numbered from 101 on.
//
// Elf is a list as in elf=stack:missing,machine:x86,go; elf=none is a file of another
// format. Folders above a program of root's that no line tells of are root's own.
//
// Seen says at which looks of a run that observes something was there, as in
// seen=late,over; of a listener also that it was there to the end, seen=first,last.
//
// Every sensor is complete and its scope is everything (Scope), unless a line
// says otherwise: what a description does not mention is not on the host.
package hosttest

import (
	"slices"
	"testing"

	"assay/internal/host"
	"assay/internal/telemetry"
)

// Scope is the scope of the config and files sensors of a description.
var Scope = []string{"/**"}

// Snapshot is a host's telemetry. Its methods that change something return a
// changed copy; the records themselves are shared.
type Snapshot struct {
	records  []entry
	coverage []telemetry.Coverage
}

type entry struct {
	sensor string
	record telemetry.Record
}

// New is the snapshot of a host with nothing on it, that every sensor has seen but the
// optional ones.
func New() *Snapshot {
	s := &Snapshot{}
	for _, name := range []string{
		telemetry.SensorSystem, telemetry.SensorPackages, telemetry.SensorConfig, telemetry.SensorFiles,
		telemetry.SensorAccounts, telemetry.SensorKernel, telemetry.SensorMounts, telemetry.SensorProcesses,
		telemetry.SensorSockets, telemetry.SensorNetwork, telemetry.SensorLibraries, telemetry.SensorContainers,
		telemetry.SensorActivity, telemetry.SensorPrograms,
	} {
		c := telemetry.Coverage{State: telemetry.Complete}
		c.Sensor = name
		if name == telemetry.SensorConfig || name == telemetry.SensorFiles {
			c.Scope = Scope
		}
		s.coverage = append(s.coverage, c)
	}
	return s
}

// Optional is the snapshot with a sensor that is run only if it is asked for, and that
// has seen everything.
func (s *Snapshot) Optional(sensor string) *Snapshot {
	c := s.clone()
	if !slices.ContainsFunc(c.coverage, func(v telemetry.Coverage) bool { return v.Sensor == sensor }) {
		v := telemetry.Coverage{State: telemetry.Complete}
		v.Sensor = sensor
		c.coverage = append(c.coverage, v)
	}
	return c
}

// Host is the sealed host of a description. A description that cannot be read
// ends the test.
func Host(t testing.TB, description string) *host.Host {
	t.Helper()
	return Parse(t, description).Host()
}

// Add adds records of a sensor, and counts them in its coverage.
func (s *Snapshot) Add(sensor string, records ...telemetry.Record) *Snapshot {
	c := s.clone()
	for _, r := range records {
		telemetry.Stamp(sensor, r)
		c.records = append(c.records, entry{sensor, r})
		c.count(sensor, 1)
	}
	return c
}

// Text adds or replaces the text of a file.
func (s *Snapshot) Text(path, text string) *Snapshot {
	return s.Absent("text:"+path).Add(telemetry.SensorConfig,
		&telemetry.Text{Path: path, Text: text, Size: int64(len(text))})
}

// Lost is the snapshot after a record was lost on its way, named as evidence
// names it ("text:/etc/ssh/sshd_config"): the coverage still counts it.
func (s *Snapshot) Lost(record string) *Snapshot {
	c := s.clone()
	c.records = slices.DeleteFunc(c.records, func(e entry) bool { return telemetry.Key(e.record) == record })
	return c
}

// Absent is the snapshot of the host without the thing that a record tells of.
func (s *Snapshot) Absent(record string) *Snapshot {
	c := s.clone()
	c.records = slices.DeleteFunc(c.records, func(e entry) bool {
		gone := telemetry.Key(e.record) == record
		if gone {
			c.count(e.sensor, -1)
		}
		return gone
	})
	return c
}

// Partial is the snapshot with all its records, but of a sensor that says that
// there may be more.
func (s *Snapshot) Partial(sensor string) *Snapshot {
	return s.Cover(sensor, "", telemetry.Partial, "a test says so")
}

// Dropped is the snapshot without any record or coverage of a sensor.
func (s *Snapshot) Dropped(sensor string) *Snapshot {
	c := s.clone()
	c.records = slices.DeleteFunc(c.records, func(e entry) bool { return e.sensor == sensor })
	c.coverage = slices.DeleteFunc(c.coverage, func(v telemetry.Coverage) bool { return v.Sensor == sensor })
	return c
}

// Cover sets how far a sensor, or a part of it if part is not empty, got.
func (s *Snapshot) Cover(sensor, part string, state telemetry.State, reason string) *Snapshot {
	c := s.clone()
	for i := range c.coverage {
		v := &c.coverage[i]
		switch {
		case v.Sensor != sensor:
		case part != "":
			v.Parts = append(slices.Clone(v.Parts), telemetry.Part{Name: part, State: state, Reason: reason})
		default:
			v.State, v.Reason = state, reason
		}
	}
	return c
}

// Narrow sets a sensor's scope.
func (s *Snapshot) Narrow(sensor string, scope ...string) *Snapshot {
	c := s.clone()
	for i := range c.coverage {
		if c.coverage[i].Sensor == sensor {
			c.coverage[i].Scope = scope
		}
	}
	return c
}

// Keys lists the records, as evidence names them, with the sensor of each.
func (s *Snapshot) Keys() (keys, sensors []string) {
	for _, e := range s.records {
		keys, sensors = append(keys, telemetry.Key(e.record)), append(sensors, e.sensor)
	}
	return keys, sensors
}

// Host is the sealed host that the snapshot tells of.
func (s *Snapshot) Host() *host.Host {
	h := host.New("i-0123456789abcdef0")
	s.each(func(_ string, r telemetry.Record) { h.Add(r) })
	h.Seal()
	return h
}

// Write writes the snapshot as an agent would.
func (s *Snapshot) Write(w *telemetry.Writer) error {
	var failed error
	s.each(func(sensor string, r telemetry.Record) {
		if err := w.Write(sensor, r); err != nil {
			failed = err
		}
	})
	return failed
}

func (s *Snapshot) each(f func(string, telemetry.Record)) {
	for _, e := range s.records {
		f(e.sensor, e.record)
	}
	for _, c := range s.coverage {
		f(c.Sensor, &c)
	}
}

func (s *Snapshot) clone() *Snapshot {
	return &Snapshot{records: slices.Clone(s.records), coverage: slices.Clone(s.coverage)}
}

func (s *Snapshot) count(sensor string, by int64) {
	for i := range s.coverage {
		if s.coverage[i].Sensor == sensor {
			s.coverage[i].Records += by
		}
	}
}
