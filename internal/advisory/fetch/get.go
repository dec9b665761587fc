package fetch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

// File is a file that is asked for.
type File struct {
	URL string
	// Part is where it is put. What an earlier Get that broke has left there is gone
	// on with. Beside it, Part.json says what it is of.
	Part string
	// ETag and LastModified are those of the copy that the caller has: if the server
	// still has the same, nothing is fetched. Empty: no copy.
	ETag, LastModified string
	Max                int64  // bytes at most
	SHA256             string // that it must have; empty: any
	// Progress is told how much is there, and of how much; 0: not known.
	Progress func(done, total int64)
}

// Result is what came of it.
type Result struct {
	Unchanged          bool // the caller's copy is the current one; all else is empty
	ETag, LastModified string
	SHA256             string
	Size               int64
}

// Status is the error of an answer that is none of what was hoped for.
type Status struct{ Code int }

func (s Status) Error() string {
	text := fmt.Sprintf("the server answered %d %s", s.Code, http.StatusText(s.Code))
	switch s.Code {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusProxyAuthRequired:
		return text + ": access is refused; look at the mirror's user and password, or at what the proxy lets through"
	case http.StatusNotFound, http.StatusGone:
		return text + ": the file is not there; the publisher or the mirror may have moved it"
	}
	return text
}

// final marks failures that trying again does not help.
type final struct{ error }

func (f final) Unwrap() error { return f.error }

func finalf(format string, args ...any) error { return final{fmt.Errorf(format, args...)} }

// Get fetches a file. Its error names the address, without credentials. Unless the
// error is one that trying again would not help, what came so far stays in Part.
func (c *Client) Get(ctx context.Context, f File) (Result, error) {
	pause := c.config.Pause
	for attempt := 1; ; attempt++ {
		result, err := c.attempt(ctx, f)
		if err == nil {
			return result, nil
		}
		var f2 final
		over := errors.As(err, &f2)
		if over {
			Discard(f.Part)
		}
		if over || ctx.Err() != nil || attempt >= c.config.Attempts {
			return Result{}, fmt.Errorf("%s: %w", c.name(f.URL), err)
		}
		select {
		case <-ctx.Done():
			return Result{}, fmt.Errorf("%s: %w", c.name(f.URL), errors.Join(err, ctx.Err()))
		case <-time.After(pause):
		}
		pause *= 2
	}
}

// transfer is one attempt that is under way.
type transfer struct {
	file     File
	part     *os.File
	sum      hash.Hash
	have     int64 // bytes in part
	total    int64 // of the whole; -1: not known
	meta     meta
	response *http.Response
}

func (c *Client) attempt(ctx context.Context, f File) (_ Result, err error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	t := &transfer{file: f, sum: sha256.New(), total: -1}
	if err := t.openPart(); err != nil {
		return Result{}, final{err}
	}
	defer func() {
		err = errors.Join(err, t.part.Close())
		if err != nil && t.have == 0 {
			Discard(f.Part)
		}
	}()
	t.response, err = c.request(ctx, f.URL, t.headers())
	if errors.Is(err, errInsecure) {
		return Result{}, final{err}
	} else if err != nil {
		return Result{}, err
	}
	defer t.response.Body.Close()
	if t.response.StatusCode == http.StatusNotModified {
		if t.have > 0 || f.ETag == "" && f.LastModified == "" {
			return Result{}, finalf("the server answered that nothing has changed, but it was not asked that")
		}
		Discard(f.Part)
		return Result{Unchanged: true}, nil
	}
	if err := t.begin(); err != nil {
		return Result{}, err
	}
	if err := t.copy(watch(ctx, t.response.Body, c.config.Stall, stop)); err != nil {
		if cause := context.Cause(ctx); errors.Is(cause, errStalled) {
			err = fmt.Errorf("%w in %v, after %d bytes", cause, c.config.Stall, t.have)
		}
		return Result{}, err
	}
	return t.end()
}

// headers ask for the rest of what is there, or for what is newer than the caller's.
func (t *transfer) headers() map[string]string {
	if t.have > 0 {
		return map[string]string{"Range": fmt.Sprintf("bytes=%d-", t.have), "If-Range": t.meta.validator()}
	}
	return map[string]string{"If-None-Match": t.file.ETag, "If-Modified-Since": t.file.LastModified}
}

// begin looks at the answer's head, and decides whether to go on or to start anew.
func (t *transfer) begin() error {
	switch code := t.response.StatusCode; {
	case code == http.StatusPartialContent && t.have > 0:
		first, total, err := contentRange(t.response.Header.Get("Content-Range"))
		if err != nil || first != t.have {
			Discard(t.file.Part)
			return fmt.Errorf("the server was asked for what follows byte %d and answered with %.80q", t.have, t.response.Header.Get("Content-Range"))
		}
		t.total = total
	case code == http.StatusOK:
		if err := t.restart(); err != nil {
			return err
		}
		t.total = t.response.ContentLength
	case code == http.StatusRequestedRangeNotSatisfiable && t.have > 0:
		Discard(t.file.Part)
		return Status{code} // there is another file now
	case code == http.StatusRequestTimeout, code == http.StatusTooManyRequests, code >= 500:
		return Status{code}
	default:
		return final{Status{code}}
	}
	if t.total > t.file.Max {
		return finalf("the file has %d bytes, and at most %d are taken", t.total, t.file.Max)
	}
	return nil
}

// end checks what came.
func (t *transfer) end() (Result, error) {
	if t.total >= 0 && t.have != t.total {
		return Result{}, fmt.Errorf("%d bytes came of %d: %w", t.have, t.total, io.ErrUnexpectedEOF)
	}
	if t.have == 0 {
		return Result{}, finalf("the file is empty")
	}
	sum := hex.EncodeToString(t.sum.Sum(nil))
	if want := t.file.SHA256; want != "" && !strings.EqualFold(sum, want) {
		return Result{}, finalf("what came has the SHA-256 %s, and the publisher says %s: it was changed on the way, or the two are not of one time; try again later", sum, want)
	}
	if err := t.part.Sync(); err != nil {
		return Result{}, final{err}
	}
	return Result{ETag: t.meta.ETag, LastModified: t.meta.LastModified, SHA256: sum, Size: t.have}, nil
}
