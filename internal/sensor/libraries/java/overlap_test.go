package java

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"
)

// again lists the only entry of an archive n times.
func again(data []byte, n int) []byte {
	end := bytes.LastIndex(data, []byte("PK\x05\x06"))
	begin := int(binary.LittleEndian.Uint32(data[end+16:]))
	out := bytes.Clone(data[:begin])
	for range n {
		out = append(out, data[begin:end]...)
	}
	tail := bytes.Clone(data[end:])
	binary.LittleEndian.PutUint16(tail[8:], uint16(n))
	binary.LittleEndian.PutUint16(tail[10:], uint16(n))
	binary.LittleEndian.PutUint32(tail[12:], uint32(n*(end-begin)))
	return append(out, tail...)
}

// TestTheSameBytesAgain: entries that are all the same bytes of the file, in archives
// that are, would keep the sensor busy for years.
func TestTheSameBytesAgain(t *testing.T) {
	many := []byte("no archive")
	for range 3 {
		many = again(jar(t, file{"a.jar", many, true}), maxWanted)
	}
	if _, err := read(many, "x.jar"); !errors.Is(err, errInflated) {
		t.Error(err)
	}
	if got, err := read(again(jar(t, file{"a.jar", jar(t, pom("g", "a", "1")), true}), 300), "x.jar"); err != nil || len(got) != 301 {
		t.Errorf("%d, %v", len(got), err)
	}
}
