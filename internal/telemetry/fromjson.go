package telemetry

import (
	"fmt"

	"github.com/go-json-experiment/json"
)

// FromJSON reads a record as a service tells it to a client: bounded like those of a
// stream, but members that this program does not know are passed over, for the service
// may be newer.
func FromJSON(data []byte) (Record, error) {
	var of Meta
	if err := json.Unmarshal(data, &of); err != nil {
		return nil, fmt.Errorf("read a record: %w", err)
	}
	rec := newRecord(of.Type)
	if rec == nil || of.Type == TypeTrailer {
		return nil, fmt.Errorf("records of type %.40q are not known to this program", of.Type)
	}
	if err := json.Unmarshal(data, rec); err != nil {
		return nil, fmt.Errorf("read a record of type %q: %w", of.Type, err)
	}
	return rec, bounded(rec)
}
