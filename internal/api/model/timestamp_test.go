package model

import (
	"encoding/json"
	"testing"
	"time"
)

// FuzzTimestamp looks that what is taken for a time is one that can be written, and
// is read again as the same.
func FuzzTimestamp(f *testing.F) {
	for _, text := range []string{"1458680170.035", "0", "-1.5", "1e300", "NaN", "Inf", "0x1p10", "-62135596800", "253402300799.9999", "1_0"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		read, err := timestamp(text)
		if err != nil {
			return
		}
		if read.IsZero() || read.Year() < 1 || read.Year() > 9999 || read.Nanosecond()%int(time.Millisecond) != 0 {
			t.Fatalf("%q is read as %v", text, read)
		}
		written, err := json.Marshal(read)
		if err != nil {
			t.Fatal(err)
		}
		again, err := timestamp(string(written))
		if err != nil || !again.Equal(read.Time) {
			t.Errorf("%q is read as %v, written as %s, and read as %v (%v)", text, read, written, again, err)
		}
	})
}
