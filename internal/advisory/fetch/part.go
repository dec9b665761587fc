package fetch

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"assay/internal/durable"
)

// meta says what a part is of. It is written before the first byte.
type meta struct {
	URL          string `json:"url"` // as asked for, without credentials
	ETag         string `json:"etag,omitempty"`
	LastModified string `json:"lastModified,omitempty"`
}

// validator is what the rest is asked for with; empty if nothing would tell that the
// server has another file meanwhile. A weak ETag tells nothing of bytes (RFC 9110, 8.8.1).
func (m *meta) validator() string {
	if m.ETag != "" && !strings.HasPrefix(m.ETag, "W/") {
		return m.ETag
	}
	return m.LastModified
}

func metaFile(part string) string { return part + ".json" }

// Discard removes a part, or what is beside one that was put elsewhere.
func Discard(part string) {
	os.Remove(metaFile(part))
	os.Remove(part)
}

// openPart opens what is there, and reads it for its hash; what cannot be gone on with
// is emptied.
func (t *transfer) openPart() (err error) {
	if t.part, err = os.OpenFile(t.file.Part, os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return err
	}
	text, err := os.ReadFile(metaFile(t.file.Part))
	if err == nil {
		err = json.Unmarshal(text, &t.meta)
	}
	if err != nil || t.meta.URL != Redact(t.file.URL) || t.meta.validator() == "" {
		t.meta = meta{}
		return t.part.Truncate(0)
	}
	t.have, err = io.Copy(t.sum, io.LimitReader(t.part, t.file.Max+1))
	return err
}

// restart empties the part, and writes down what will be in it.
func (t *transfer) restart() error {
	t.sum.Reset()
	t.have = 0
	h := t.response.Header
	t.meta = meta{URL: Redact(t.file.URL), ETag: h.Get("ETag"), LastModified: h.Get("Last-Modified")}
	text, err := json.Marshal(t.meta)
	if err != nil {
		return final{err}
	}
	_, seekErr := t.part.Seek(0, io.SeekStart)
	// The old bytes go before the new meta comes: both of one file, or nothing.
	if err := errors.Join(os.RemoveAll(metaFile(t.file.Part)), t.part.Truncate(0), seekErr, durable.WriteFile(metaFile(t.file.Part), text)); err != nil {
		return final{err}
	}
	return nil
}

// contentRange reads "bytes 100-199/200"; the total is -1 if it is "*".
func contentRange(header string) (first, total int64, err error) {
	rest, ok := strings.CutPrefix(header, "bytes ")
	span, size, ok2 := strings.Cut(rest, "/")
	from, _, ok3 := strings.Cut(span, "-")
	if !ok || !ok2 || !ok3 {
		return 0, 0, fmt.Errorf("%.80q is no range", header)
	}
	if first, err = strconv.ParseInt(from, 10, 64); err != nil {
		return 0, 0, err
	}
	if size == "*" {
		return first, -1, nil
	}
	total, err = strconv.ParseInt(size, 10, 64)
	return first, total, err
}
