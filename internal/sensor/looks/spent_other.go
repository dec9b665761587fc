//go:build !linux

package looks

import "time"

// spent is the time, of which more goes by than a processor takes.
func spent() time.Duration { return time.Duration(time.Now().UnixNano()) }
