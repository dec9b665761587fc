package assess

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"

	"assay/internal/inspector"
	"assay/internal/store"
	"assay/internal/vault"
	"assay/internal/wire"
)

// receive checks a segment while it arrives, seals it and puts it among the
// objects, under a name of its own: two uploads of the same segment that race
// never write to the same object. It returns the row to be written for it, or
// why there is no such object.
func (s *Service) receive(ctx context.Context, want segmentID, body io.Reader) (store.Segment, []inspector.MessageCount, error) {
	key, err := s.keys.of(ctx, want.run)
	if err != nil {
		return store.Segment{}, nil, err
	}
	name := objectName(want)
	in := newIntake(body)
	out, pipe := io.Pipe()
	done := make(chan checked, 1)
	go func() {
		facts, err := in.check(want, key, pipe)
		pipe.CloseWithError(err)
		done <- checked{facts, err}
	}()
	stored := s.Blobs.Put(ctx, name, out)
	out.CloseWithError(errPutEnded) // or the check would wait for a reader
	c := <-done
	if err := in.verdict(c.err, stored); err != nil {
		return store.Segment{}, nil, err
	}
	return store.Segment{
		Run: want.run, Agent: want.agent, Sensor: c.facts.sensor, Sequence: want.sequence,
		Blob: name, Digest: in.hash.Sum(nil), Size: in.size, Decoded: c.facts.decoded, ReceivedAt: s.Now(),
	}, c.facts.counts, nil
}

type checked struct {
	facts segmentFacts
	err   error
}

// slack is how much a small segment may be larger than what it decodes to.
const slack = 1 << 10

var (
	errPutEnded    = errors.New("the object store stopped reading")
	errInterrupted = errors.New("the segment did not arrive whole")
	errTooLarge    = refuse(CodeTooLarge, "the segment is larger than %d bytes", wire.MaxSegment)
)

// objectName is a new name for a segment's object.
func objectName(id segmentID) string {
	var random [8]byte
	rand.Read(random[:])
	return fmt.Sprintf("%s%s/%d-%s", objectsOf(id.run), id.agent, id.sequence, hex.EncodeToString(random[:]))
}

// objectsOf begins the names of a run's objects.
func objectsOf(run string) string { return objects + run + "/" }

const objects = "runs/"

// intake is a segment on its way from the network to the object store: bytes are
// counted, hashed and sealed exactly as they came while they are checked.
type intake struct {
	body    io.Reader
	hash    hash.Hash
	size    int64
	readErr error // why the body could not be read

	held     bytes.Buffer // what came before the sensor was known: part of what the seal binds
	seal     io.WriteCloser
	writeErr error
}

func newIntake(body io.Reader) *intake { return &intake{body: body, hash: sha256.New()} }

// Read reads from the body and passes on what it read.
func (in *intake) Read(p []byte) (int, error) {
	n, err := in.body.Read(p)
	if in.size += int64(n); in.size > wire.MaxSegment {
		in.readErr = errTooLarge
		return 0, errTooLarge
	}
	if err != nil && err != io.EOF {
		in.readErr = err
	}
	if n > 0 {
		in.hash.Write(p[:n])
		if werr := in.pass(p[:n]); werr != nil {
			in.writeErr = werr
			return 0, werr
		}
	}
	return n, err
}

func (in *intake) pass(p []byte) error {
	if in.seal == nil {
		in.held.Write(p)
		return nil
	}
	_, err := in.seal.Write(p)
	return err
}

// check reads the segment to its end, and seals it into w.
func (in *intake) check(want segmentID, key vault.DataKey, w io.Writer) (segmentFacts, error) {
	facts, err := checkSegment(in, want, func(sensor string) (err error) {
		in.seal, err = key.Seal(w, segmentData(want.run, want.agent, sensor, want.sequence))
		if err == nil {
			_, err = in.seal.Write(in.held.Bytes())
		}
		in.held = bytes.Buffer{}
		in.writeErr = err
		return err
	})
	if err != nil {
		return facts, err
	}
	// What is larger compressed than decoded carries something that nobody
	// looks at, such as skippable frames.
	if in.size > facts.decoded+slack {
		return facts, fmt.Errorf("its %d bytes decode to no more than %d", in.size, facts.decoded)
	}
	// The format's end is the body's: the reader has looked for more.
	if err := in.seal.Close(); err != nil {
		in.writeErr = err
		return facts, err
	}
	return facts, nil
}

// verdict tells whose fault it is that a segment could not be received: nobody's
// (nil), the connection's, the service's, or the segment's.
func (in *intake) verdict(checkErr, putErr error) error {
	switch {
	case in.readErr == error(errTooLarge):
		return errTooLarge
	case in.readErr != nil:
		return fmt.Errorf("%w: %w", errInterrupted, in.readErr)
	case in.writeErr != nil && putErr != nil:
		return putErr
	case in.writeErr != nil:
		return in.writeErr
	case checkErr != nil:
		return refuse(CodeBadSegment, "the segment is not accepted: %s", checkErr)
	}
	return putErr
}

// digestOf is the digest of a segment that is not to be kept.
func digestOf(body io.Reader) ([]byte, error) {
	in := newIntake(body)
	in.seal = discard{}
	if _, err := io.Copy(io.Discard, in); err != nil {
		return nil, in.verdict(err, nil)
	}
	return in.hash.Sum(nil), nil
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) Close() error                { return nil }
