package store

import (
	"encoding/json"
	"fmt"
	"time"
)

// stamp is a time as microseconds since 1970, 0 for the zero time.
func stamp(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// instant scans what stamp made.
type instant time.Time

func (i *instant) Scan(src any) error {
	n, ok := src.(int64)
	if !ok {
		return fmt.Errorf("%T is not a time", src)
	}
	*i = instant{}
	if n != 0 {
		*i = instant(time.UnixMicro(n).UTC())
	}
	return nil
}

// span scans a duration in microseconds.
type span time.Duration

func (s *span) Scan(src any) error {
	n, ok := src.(int64)
	if !ok {
		return fmt.Errorf("%T is not a duration", src)
	}
	*s = span(time.Duration(n) * time.Microsecond)
	return nil
}

// toJSON makes the text of a JSON column. What is stored are plain structs, maps
// and slices, for which encoding cannot fail. JSON also keeps strings apart from
// the databases' rules: NUL is escaped, invalid UTF-8 replaced.
func toJSON(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("store: %T cannot be written as JSON: %v", v, err))
	}
	return string(text)
}

// fromJSON scans a JSON column.
type fromJSON struct{ into any }

func (j fromJSON) Scan(src any) error {
	switch text := src.(type) {
	case string:
		return scanned([]byte(text), j.into)
	case []byte:
		return scanned(text, j.into)
	}
	return fmt.Errorf("%T is not JSON", src)
}

// maybe scans a string that can be NULL.
type maybe string

func (m *maybe) Scan(src any) error {
	switch text := src.(type) {
	case nil:
		*m = ""
	case string:
		*m = maybe(text)
	case []byte:
		*m = maybe(text)
	default:
		return fmt.Errorf("%T is not text", src)
	}
	return nil
}
