package assess

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/klauspost/compress/zstd"

	"assay/internal/host"
	"assay/internal/inspector"
	"assay/internal/rules"
	"assay/internal/telemetry"
)

// HostResults is what a rules package said of a host in a run. It outlives the
// telemetry; findings and exclusions are derived from it.
type HostResults struct {
	Package     inspector.PackageID `json:"package"`
	Version     string              `json:"version"` // of the rules package
	EvaluatedAt time.Time           `json:"evaluated_at"`
	Collected   time.Time           `json:"collected,omitzero"` // when the last of the telemetry came
	Source      string              `json:"source,omitempty"`   // of a re-match: the ARN of the run that has collected it
	Telemetry   []SegmentRef        `json:"telemetry"`
	Coverage    []Coverage          `json:"coverage"` // of the sensors that did not see all, and what they missed
	Results     []rules.Result      `json:"results"`
}

// SegmentRef names a segment that was evaluated: what the verdicts rest on, also
// when it is gone.
type SegmentRef struct {
	Sequence   int64     `json:"sequence"`
	Sensor     string    `json:"sensor"`
	Digest     []byte    `json:"digest"` // SHA-256 of what the agent sent
	ReceivedAt time.Time `json:"received_at"`
}

// Coverage is what a sensor, or a part of one, did not see.
type Coverage struct {
	Sensor string          `json:"sensor"`
	Part   string          `json:"part,omitempty"`
	State  telemetry.State `json:"state"`
	Reason string          `json:"reason"`
}

// NotSeen lists what the sensors of a host did not see: the parts where a sensor
// tells them, else the sensor as a whole.
func NotSeen(h *host.Host) []Coverage {
	missed := []Coverage{}
	for _, name := range h.Sensors() {
		c := h.Coverage(name)
		if c.State == telemetry.Complete {
			continue
		}
		before := len(missed)
		for _, p := range c.Parts {
			if p.State != telemetry.Complete && p.State != telemetry.NotCollected {
				missed = append(missed, Coverage{name, p.Name, p.State, p.Reason})
			}
		}
		if len(missed) == before {
			missed = append(missed, Coverage{Sensor: name, State: c.State, Reason: c.Reason})
		}
	}
	return missed
}

// maxResults bounds decoded results, in bytes.
const maxResults = 256 << 20

// encodeResults makes what store.SaveResults keeps: zstd-compressed JSON. What could
// not be read again is damage: it is never kept.
func encodeResults(r HostResults) ([]byte, error) {
	var out bytes.Buffer
	enc, err := zstd.NewWriter(&out, zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true))
	if err != nil {
		return nil, fmt.Errorf("compress results: %w", err)
	}
	to := &limitedWriter{enc, maxResults}
	if err := json.MarshalWrite(to, r); errors.Is(err, errTooMuch) {
		return nil, damaged("the results of the rules package %s have more than %d bytes, which is the most that is kept", r.Package, maxResults)
	} else if err != nil {
		return nil, fmt.Errorf("encode results: %w", err)
	}
	if err := enc.Close(); err != nil {
		return nil, fmt.Errorf("compress results: %w", err)
	}
	return out.Bytes(), nil
}

var errTooMuch = errors.New("too much")

// limitedWriter refuses what goes beyond a number of bytes.
type limitedWriter struct {
	w    io.Writer
	left int
}

func (l *limitedWriter) Write(p []byte) (int, error) {
	if l.left -= len(p); l.left < 0 {
		return 0, errTooMuch
	}
	return l.w.Write(p)
}

// DecodeResults reads what store.Results returns.
func DecodeResults(data []byte) (HostResults, error) {
	var r HostResults
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxResults))
	if err != nil {
		return r, fmt.Errorf("decompress results: %w", err)
	}
	defer dec.Close()
	text, err := dec.DecodeAll(data, nil)
	if err != nil {
		return r, fmt.Errorf("decompress results: %w", err)
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return r, fmt.Errorf("decode results: %w", err)
	}
	return r, nil
}
