package assess

import (
	"bytes"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/klauspost/compress/zstd"

	"assay/internal/inspector"
	"assay/internal/rules"
)

// HostResults is what a rules package said of a host in a run. It outlives the
// telemetry; findings and exclusions are derived from it.
type HostResults struct {
	Package     inspector.PackageID `json:"package"`
	Version     string              `json:"version"` // of the rules package
	EvaluatedAt time.Time           `json:"evaluated_at"`
	Telemetry   []SegmentRef        `json:"telemetry"`
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

// maxResults bounds decoded results, in bytes.
const maxResults = 256 << 20

// encodeResults makes what store.SaveResults keeps: zstd-compressed JSON.
func encodeResults(r HostResults) ([]byte, error) {
	var out bytes.Buffer
	enc, err := zstd.NewWriter(&out, zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true))
	if err != nil {
		return nil, fmt.Errorf("compress results: %w", err)
	}
	if err := json.MarshalWrite(enc, r); err != nil {
		return nil, fmt.Errorf("encode results: %w", err)
	}
	if err := enc.Close(); err != nil {
		return nil, fmt.Errorf("compress results: %w", err)
	}
	return out.Bytes(), nil
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
