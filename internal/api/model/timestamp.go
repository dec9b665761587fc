package model

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// Timestamp is a time as the API writes it: a JSON number of seconds since 1970,
// with a fraction of milliseconds. The zero Timestamp stands for none.
type Timestamp struct{ time.Time }

// MarshalJSON writes the number.
func (t Timestamp) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(t.UnixMilli())/1000, 'f', -1, 64), nil
}

// UnmarshalJSON reads the number: the API's clients do.
func (t *Timestamp) UnmarshalJSON(data []byte) (err error) {
	*t, err = timestamp(string(data))
	return err
}

// Years 2 to 9999, of what a time can be written as: the first moment of year 1
// is the zero Timestamp.
const minSeconds, maxSeconds = -62104060800, 253402300799

// timestamp reads the number. What is not a time of a four-digit year is refused.
func timestamp(text string) (Timestamp, error) {
	seconds, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(seconds) || seconds < minSeconds || seconds > maxSeconds {
		return Timestamp{}, fmt.Errorf("%.40q is not a time in seconds since 1970", text)
	}
	return Timestamp{time.UnixMilli(int64(math.Round(seconds * 1000))).UTC()}, nil
}
