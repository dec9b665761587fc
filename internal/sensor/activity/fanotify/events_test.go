//go:build linux

package fanotify

import (
	"encoding/binary"
	"testing"

	"golang.org/x/sys/unix"
)

func made(length uint32, version byte, header uint16, mask uint64, fd, pid int32) []byte {
	data := binary.NativeEndian.AppendUint32(nil, length)
	data = append(data, version, 0)
	data = binary.NativeEndian.AppendUint16(data, header)
	data = binary.NativeEndian.AppendUint64(data, mask)
	data = binary.NativeEndian.AppendUint32(data, uint32(fd))
	return binary.NativeEndian.AppendUint32(data, uint32(pid))
}

func TestParse(t *testing.T) {
	good := made(24, 3, 24, unix.FAN_OPEN_EXEC, 7, 4711)
	longer := append(made(32, 3, 24, unix.FAN_Q_OVERFLOW, unix.FAN_NOFD, 0), make([]byte, 8)...) // with more than is known
	events, err := parse(append(append([]byte{}, longer...), good...))
	if err != nil || len(events) != 2 || events[0] != (event{unix.FAN_Q_OVERFLOW, -1, 0}) || events[1] != (event{unix.FAN_OPEN_EXEC, 7, 4711}) {
		t.Errorf("%+v, %v", events, err)
	}
	for _, bad := range [][]byte{
		good[:23], made(0, 3, 24, 1, 1, 1), made(25, 3, 24, 1, 1, 1), made(24, 2, 24, 1, 1, 1), made(24, 3, 32, 1, 1, 1), made(1<<31, 3, 24, 1, 1, 1),
	} {
		if events, err := parse(append(append([]byte{}, good...), bad...)); err == nil || len(events) != 1 {
			t.Errorf("%x: %+v, %v", bad, events, err)
		}
	}
}

// Whatever is read, parsing ends, and says no more than there is.
func FuzzParse(f *testing.F) {
	f.Add(made(24, 3, 24, unix.FAN_OPEN_EXEC, 7, 4711))
	f.Add(append(made(32, 3, 24, unix.FAN_Q_OVERFLOW, -1, 0), make([]byte, 8)...))
	f.Add([]byte("\x18\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if events, _ := parse(data); len(events) > len(data)/metadataLength {
			t.Errorf("%d events in %d bytes", len(events), len(data))
		}
	})
}
