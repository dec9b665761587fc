// Package blob keeps objects: named, written once, read as streams. Sealed
// telemetry rests here. A folder serves one machine; every other home of objects
// has to pass the same suite (package blobtest).
package blob

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"
)

// Store keeps objects. Implementations are safe for concurrent use.
type Store interface {
	// Put stores an object. When it returns nil the object is durable and
	// whole; when it returns an error, or never returns, there is no object of
	// that name, or the one that was there before.
	Put(ctx context.Context, name string, r io.Reader) error

	// Get opens an object. The error of one that is not there is
	// fs.ErrNotExist.
	Get(ctx context.Context, name string) (io.ReadCloser, error)

	// Delete removes an object. That it is not there is no error: a delete
	// may be repeated.
	Delete(ctx context.Context, name string) error

	// List calls fn with each object whose name begins with prefix, in no
	// particular order, until fn returns an error.
	List(ctx context.Context, prefix string, fn func(Entry) error) error
}

// Entry is an object in a listing.
type Entry struct {
	Name     string
	Size     int64
	Modified time.Time
}

// CheckName refuses what is not a name: names are made of slash-separated
// elements of letters, digits, "-", "_" and ".", and no element is empty or
// begins with a dot. A name that a peer had a hand in can therefore never leave
// the store.
func CheckName(name string) error {
	if len(name) > 512 {
		return fmt.Errorf("the object name has %d bytes, more than 512: %w", len(name), fs.ErrInvalid)
	}
	for element := range strings.SplitSeq(name, "/") {
		if element == "" || element[0] == '.' || strings.Trim(element, nameCharacters) != "" {
			return fmt.Errorf("%q is not an object name: %w", name, fs.ErrInvalid)
		}
	}
	return nil
}

const nameCharacters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_."
