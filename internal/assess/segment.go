package assess

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"

	"assay/internal/inspector"
	"assay/internal/telemetry"
	"assay/internal/wire"
)

// segmentLimits bound a segment once it is decompressed.
var segmentLimits = telemetry.Limits{Records: wire.MaxSegmentRecords, Bytes: wire.MaxSegmentDecoded}

// segmentID is what a segment has to be, by the connection it came over, the
// path it was put to, and the run's plan.
type segmentID struct {
	run, agent string
	sequence   int64
	sensors    []string // that the run may ask for; nil allows all
}

// segmentFacts is what was seen of a segment while it was read.
type segmentFacts struct {
	sensor  string
	decoded int64
	counts  []inspector.MessageCount // by type, sorted
}

// checkSegment reads a segment to its end and tells what is in it, or why it is
// not what it claims. It believes nothing: see telemetry.Reader for the format,
// and below for what the records of a segment may be. The function begin is
// called once the header was found right, with the segment's sensor.
func checkSegment(r io.Reader, want segmentID, begin func(sensor string) error) (segmentFacts, error) {
	tr, err := telemetry.NewReader(r, segmentLimits)
	if err != nil {
		return segmentFacts{}, err
	}
	defer tr.Close()
	sensor, err := checkHeader(tr.Header(), want)
	if err != nil {
		return segmentFacts{}, err
	}
	if err := begin(sensor); err != nil {
		return segmentFacts{}, err
	}
	return checkRecords(tr, sensor)
}

func checkRecords(tr *telemetry.Reader, sensor string) (segmentFacts, error) {
	counts := map[string]*inspector.MessageCount{}
	covered := false
	for {
		rec, err := tr.Next()
		if err == io.EOF {
			return segmentFacts{sensor, tr.Bytes(), sorted(counts)}, nil
		}
		if err != nil {
			return segmentFacts{}, err
		}
		if err := checkRecord(rec, sensor, covered); err != nil {
			return segmentFacts{}, err
		}
		covered = telemetry.Kind(rec) == telemetry.TypeCoverage
		count(counts, rec, int64(tr.LastSize()))
	}
}

func checkHeader(h telemetry.Header, want segmentID) (sensor string, err error) {
	switch {
	case h.Agent != want.agent:
		return "", fmt.Errorf("the segment's header names the agent %.40q, not the one that sent it", h.Agent)
	case h.Run != want.run:
		return "", fmt.Errorf("the segment's header names the run %.40q, not the one it was sent for", h.Run)
	case h.Sequence != want.sequence:
		return "", fmt.Errorf("the segment's header has sequence number %d, it was sent as %d", h.Sequence, want.sequence)
	case h.OneSensor == "":
		return "", errors.New("the segment's header names no sensor")
	case want.sensors != nil && !slices.Contains(want.sensors, h.OneSensor):
		return "", fmt.Errorf("the run did not ask for the sensor %.40q", h.OneSensor)
	}
	return h.OneSensor, nil
}

func checkRecord(rec telemetry.Record, sensor string, covered bool) error {
	typ := telemetry.Kind(rec)
	switch {
	case telemetry.SensorOf(rec) != sensor:
		return fmt.Errorf("a record of the sensor %.40q is in a segment of the sensor %q", telemetry.SensorOf(rec), sensor)
	case !telemetry.MayEmit(sensor, typ):
		return fmt.Errorf("a record of type %q is not one that the sensor %.40q can make", typ, sensor)
	case covered:
		return fmt.Errorf("a record follows the coverage of the sensor %q, which is its last", sensor)
	}
	return nil
}

func count(counts map[string]*inspector.MessageCount, rec telemetry.Record, size int64) {
	typ := telemetry.MessageType(rec)
	c := counts[typ]
	if c == nil {
		c = &inspector.MessageCount{MessageType: typ}
		counts[typ] = c
	}
	c.Count++
	c.DataSize += size
}

func sorted(counts map[string]*inspector.MessageCount) []inspector.MessageCount {
	all := make([]inspector.MessageCount, 0, len(counts))
	for _, c := range counts {
		all = append(all, *c)
	}
	slices.SortFunc(all, func(a, b inspector.MessageCount) int { return cmp.Compare(a.MessageType, b.MessageType) })
	return all
}
