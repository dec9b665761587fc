package blob

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"strings"
	"sync"
	"time"
)

// Memory keeps objects in memory, for tests.
type Memory struct {
	mu      sync.Mutex
	objects map[string]object
}

type object struct {
	data     []byte
	modified time.Time
}

// NewMemory makes an empty store.
func NewMemory() *Memory { return &Memory{objects: map[string]object{}} }

// Put keeps a copy.
func (m *Memory) Put(ctx context.Context, name string, r io.Reader) error {
	if err := CheckName(name); err != nil {
		return err
	}
	data, err := io.ReadAll(contextReader{ctx, r})
	if err != nil {
		return fmt.Errorf("store object %s: %w", name, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.objects[name] = object{data, time.Now()}
	return nil
}

// Get returns a copy.
func (m *Memory) Get(_ context.Context, name string) (io.ReadCloser, error) {
	if err := CheckName(name); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	o, ok := m.objects[name]
	if !ok {
		return nil, fmt.Errorf("read object %s: %w", name, fs.ErrNotExist)
	}
	return io.NopCloser(bytes.NewReader(o.data)), nil
}

// Delete forgets.
func (m *Memory) Delete(_ context.Context, name string) error {
	if err := CheckName(name); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.objects, name)
	return nil
}

// List lists what was there when it was called.
func (m *Memory) List(_ context.Context, prefix string, fn func(Entry) error) error {
	m.mu.Lock()
	all := maps.Clone(m.objects)
	m.mu.Unlock()
	for name, o := range all {
		if !strings.HasPrefix(name, prefix) {
			continue
		}
		if err := fn(Entry{Name: name, Size: int64(len(o.data)), Modified: o.modified}); err != nil {
			return err
		}
	}
	return nil
}
