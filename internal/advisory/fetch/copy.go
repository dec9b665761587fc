package fetch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"
)

var errStalled = fmt.Errorf("the server sent nothing, or fewer than %d bytes", crawl)

// crawl is how many bytes at least have to come in the time in which a server may be
// silent. Who sends less never ends.
const crawl = 1 << 10

// watched ends a transfer whose server falls silent, or all but.
type watched struct {
	r    io.Reader
	came atomic.Int64
}

// watch counts the bytes of a body until the context ends.
func watch(ctx context.Context, r io.Reader, patience time.Duration, stop context.CancelCauseFunc) *watched {
	w := &watched{r: r}
	go func() {
		ticker := time.NewTicker(patience)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				if w.came.Swap(0) < crawl {
					stop(errStalled)
				}
			}
		}
	}()
	return w
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	w.came.Add(int64(n))
	return n, err
}

// copy takes the body's bytes into the part, up to the bound.
func (t *transfer) copy(body io.Reader) error {
	buffer := make([]byte, 64<<10)
	for {
		n, err := body.Read(buffer)
		if t.have == 0 && n > 0 && html(t.response.Header.Get("Content-Type"), buffer[:n]) {
			return finalf("the server answered with a web page, not with the file: is there a proxy or portal that wants a login?")
		}
		if t.have+int64(n) > t.file.Max {
			return finalf("the file has more than %d bytes, which is the most that is taken", t.file.Max)
		}
		t.sum.Write(buffer[:n])
		if _, err := t.part.Write(buffer[:n]); err != nil {
			return final{err}
		}
		t.have += int64(n)
		if t.file.Progress != nil && n > 0 {
			t.file.Progress(t.have, max(t.total, 0))
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("after %d bytes: %w", t.have, plain(err))
		}
	}
}

// Text fetches a short text, such as a checksum or the name of the newest archive. Its
// error has a Status if the server refuses it.
func (c *Client) Text(ctx context.Context, address string, max int) (string, error) {
	pause := c.config.Pause
	for attempt := 1; ; attempt++ {
		text, err := c.text(ctx, address, max)
		var status Status
		fixed := errors.As(err, &status) && status.Code < 500 || errors.Is(err, errInsecure)
		if err == nil || fixed || ctx.Err() != nil || attempt >= c.config.Attempts {
			if err != nil {
				err = fmt.Errorf("%s: %w", c.name(address), err)
			}
			return text, err
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		pause *= 2
	}
}

func (c *Client) text(ctx context.Context, address string, max int) (string, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r, err := c.request(ctx, address, nil)
	if err != nil {
		return "", err
	}
	defer r.Body.Close()
	if r.StatusCode != 200 {
		return "", Status{r.StatusCode}
	}
	text, err := io.ReadAll(io.LimitReader(watch(ctx, r.Body, c.config.Stall, cancel), int64(max)+1))
	switch {
	case err != nil && errors.Is(context.Cause(ctx), errStalled):
		return "", fmt.Errorf("%w in %v", errStalled, c.config.Stall)
	case err != nil:
		return "", plain(err)
	case len(text) > max:
		return "", fmt.Errorf("the answer has more than %d bytes", max)
	case html(r.Header.Get("Content-Type"), text) || bytes.ContainsRune(text, 0):
		return "", errors.New("the server answered with a web page or something else that is no text")
	}
	return strings.TrimPrefix(string(text), "\ufeff"), nil
}
