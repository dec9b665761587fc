//go:build linux

package fanotify

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/sys/unix"
)

// metadataLength is that of struct fanotify_event_metadata (fanotify(7)), version 3.
const metadataLength = 24

// event is what the kernel tells.
type event struct {
	mask uint64
	fd   int // the file, opened for the agent; negative: none
	pid  int // of the process, 0: it is none that the agent's namespace has a number for
}

// parse reads what one read(2) gave. With an error, too, it returns the events before it,
// whose files are to be closed.
func parse(data []byte) (events []event, err error) {
	for len(data) > 0 {
		if len(data) < metadataLength {
			return events, fmt.Errorf("the kernel's event of fanotify has %d bytes", len(data))
		}
		length := binary.NativeEndian.Uint32(data)
		if version := data[4]; version != unix.FANOTIFY_METADATA_VERSION {
			return events, fmt.Errorf("the kernel's events of fanotify have version %d, which is not known", version)
		}
		if header := binary.NativeEndian.Uint16(data[6:]); header != metadataLength || uint64(length) < metadataLength || uint64(length) > uint64(len(data)) {
			return events, fmt.Errorf("the kernel's event of fanotify says that it has %d bytes and a header of %d, of %d", length, header, len(data))
		}
		events = append(events, event{
			mask: binary.NativeEndian.Uint64(data[8:]),
			fd:   int(int32(binary.NativeEndian.Uint32(data[16:]))),
			pid:  int(int32(binary.NativeEndian.Uint32(data[20:]))),
		})
		data = data[length:]
	}
	return events, nil
}
