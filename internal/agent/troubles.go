package agent

import (
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
)

// troubles is what is wrong at the moment, by topic. Each is logged when it
// comes, changes and goes, and not in between. It is safe for concurrent use.
type troubles struct {
	log *slog.Logger

	mu      sync.Mutex
	current map[string]string
}

// maxTrouble bounds a sentence of the heartbeat, in bytes.
const maxTrouble = 600

func newTroubles(log *slog.Logger) *troubles {
	return &troubles{log: log, current: map[string]string{}}
}

// set says how a topic is: an error, or nil.
func (t *troubles) set(topic string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	before, was := t.current[topic]
	if err == nil {
		if was {
			delete(t.current, topic)
			t.log.Info("is right again", "what", topic)
		}
		return
	}
	text := strings.ToValidUTF8(err.Error(), "?")
	if len(text) > maxTrouble {
		text = strings.ToValidUTF8(text[:maxTrouble], "") + "..."
	}
	if text != before {
		t.current[topic] = text
		t.log.Warn("something is wrong", "what", topic, "error", text)
	}
}

// list returns what is wrong, a sentence each, in the order of the topics, but
// not of those that are left out.
func (t *troubles) list(except ...string) []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var list []string
	for _, topic := range slices.Sorted(maps.Keys(t.current)) {
		if !slices.Contains(except, topic) {
			list = append(list, topic+": "+t.current[topic])
		}
	}
	return list
}
