package assess

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/klauspost/compress/zstd"

	"assay/internal/host"
	"assay/internal/inspector"
	"assay/internal/telemetry"
	"assay/internal/wire"
)

// collecting is a world with a run that two agents take part in.
func collecting(t testing.TB) (w *world, agent, other string, run inspector.Run) {
	w = newWorld(t)
	agent, other = w.enrol(), w.enrol()
	run = w.start(w.template(time.Hour))
	return w, agent, other, run
}

func TestLyingSegments(t *testing.T) {
	w, agent, other, run := collecting(t)
	good := configSegment(t, agent, run.ID, 1, "PermitRootLogin no\n")
	user := &telemetry.User{Name: "root", Password: telemetry.PasswordShadowed, File: "/etc/passwd"}
	for name, c := range map[string]struct {
		data []byte
		code string
		want string
	}{
		"another agent's":              {configSegment(t, other, run.ID, 1, ""), CodeBadSegment, "names the agent"},
		"another run's":                {configSegment(t, agent, "0-AAAAAAAA", 1, ""), CodeBadSegment, "names the run"},
		"another sequence number":      {configSegment(t, agent, run.ID, 2, ""), CodeBadSegment, "sequence number 2"},
		"no sensor":                    {segmentOf(t, header(agent, run.ID, 1, ""), "config"), CodeBadSegment, "names no sensor"},
		"a sensor not asked for":       {segmentOf(t, header(agent, run.ID, 1, "files"), "files"), CodeBadSegment, "did not ask"},
		"another sensor's record":      {segmentOf(t, header(agent, run.ID, 1, "config"), "accounts", user), CodeBadSegment, `a record of the sensor "accounts"`},
		"a record not of this sensor":  {segmentOf(t, header(agent, run.ID, 1, "config"), "config", user), CodeBadSegment, `type "user"`},
		"a record after the coverage":  {segmentOf(t, header(agent, run.ID, 1, "config"), "config", &telemetry.Coverage{State: telemetry.Complete}, &telemetry.Text{Path: "/etc/x"}), CodeBadSegment, "follows the coverage"},
		"nothing":                      {nil, CodeBadSegment, "truncated"},
		"no zstd":                      {[]byte("PermitRootLogin no\n"), CodeBadSegment, "magic"},
		"truncated":                    {good[:len(good)-5], CodeBadSegment, "truncated"},
		"without a trailer":            {compress(t, lines(t, good)[:2]...), CodeBadSegment, "truncated"},
		"a trailer that counts others": {compress(t, change(lines(t, good), `"records":2`, `"records":3`)...), CodeBadSegment, "counts 3 records"},
		"something after the trailer":  {compress(t, append(lines(t, good), "{}\n")...), CodeBadSegment, "after the trailer"},
		"a second segment behind":      {append(slices.Clone(good), good...), CodeBadSegment, "after the trailer"},
		"bytes behind":                 {append(slices.Clone(good), "more"...), CodeBadSegment, ""},
		"an unknown member":            {compress(t, change(lines(t, good), `"path":`, `"cmd":"id","path":`)...), CodeBadSegment, "cmd"},
		"an unknown type":              {compress(t, change(lines(t, good), `"type":"text"`, `"type":"exec"`)...), CodeBadSegment, `"exec"`},
		"another format":               {compress(t, change(lines(t, good), `"format":1`, `"format":9`)...), CodeBadSegment, "format 9"},
		"a doubled member":             {compress(t, change(lines(t, good), `"path":`, `"path":"/a","path":`)...), CodeBadSegment, "duplicate"},
		"an endless line":              {compress(t, lines(t, good)[0], strings.Repeat("x", 7<<20)), CodeBadSegment, "longer than"},
		"a bomb":                       {compress(t, lines(t, good)[0], bomb()), CodeBadSegment, "more than"},
		"too large":                    {bytes.Repeat([]byte{0x28}, wire.MaxSegment+1), CodeBadSegment, "magic"},
		"padding":                      {append([]byte{0x50, 0x2A, 0x4D, 0x18, 0, 8, 0, 0}, append(make([]byte, 2048), good...)...), CodeBadSegment, "decode to no more"},
		"a large frame":                {append(slices.Clone(good[:len(good)-5]), make([]byte, wire.MaxSegment)...), CodeBadSegment, ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.AcceptSegment(t.Context(), agent, run.ID, 1, bytes.NewReader(c.data))
			var refused *wire.Error
			if !errors.As(err, &refused) || refused.Code != c.code || !strings.Contains(refused.Message, c.want) {
				t.Errorf("error %v, want a %s with %q", err, c.code, c.want)
			}
			if len(w.objects()) != 0 {
				t.Errorf("a segment that was refused left %v", w.objects())
			}
			if got := w.partOfRun(run.ID, agent).Segments; got != 0 {
				t.Errorf("%d segments are recorded", got)
			}
		})
	}
	w.put(agent, run.ID, 1, good) // and nothing of it stands in the way of the truth
}

// A body that is compressed badly enough to be within the format's limits but
// beyond those of an upload.
func TestTooLargeSegment(t *testing.T) {
	w, agent, _, run := collecting(t)
	frames := lines(t, configSegment(t, agent, run.ID, 1, "x"))
	// A skippable frame is valid zstd, carries nothing and costs its size.
	skip := append([]byte{0x50, 0x2A, 0x4D, 0x18, 0, 0, 0x90, 0}, make([]byte, 0x900000)...)
	data := append(skip, compress(t, frames...)...)
	_, err := w.AcceptSegment(t.Context(), agent, run.ID, 1, bytes.NewReader(data))
	var refused *wire.Error
	if !errors.As(err, &refused) || refused.Code != CodeTooLarge {
		t.Errorf("error %v", err)
	}
	if len(w.objects()) != 0 {
		t.Errorf("it left %v", w.objects())
	}
}

// One agent cannot fill the disk.
func TestTelemetryOfAHostIsBounded(t *testing.T) {
	w, agent, _, run := collecting(t)
	w.HostBytes = 3000
	refusedAsTooLarge := func(sequence int64, text string) {
		t.Helper()
		_, err := w.AcceptSegment(t.Context(), agent, run.ID, sequence, bytes.NewReader(configSegment(t, agent, run.ID, sequence, text)))
		var refused *wire.Error
		if !errors.As(err, &refused) || refused.Code != CodeTooLarge {
			t.Errorf("error %v", err)
		}
	}
	refusedAsTooLarge(1, strings.Repeat("x", 4000))
	w.put(agent, run.ID, 1, configSegment(t, agent, run.ID, 1, strings.Repeat("x", 2000)))
	refusedAsTooLarge(2, strings.Repeat("x", 2000))
	w.HostBytes = 100
	refusedAsTooLarge(2, "")
	if len(w.objects()) != 1 {
		t.Errorf("there are the objects %v", w.objects())
	}
}

func TestSegmentsNotForTheRun(t *testing.T) {
	w, agent, other, run := collecting(t)
	stranger := "i-00000000000000000"
	data := configSegment(t, agent, run.ID, 1, "PermitRootLogin no\n")
	refusedWith := func(code string, agent, run string, sequence int64, data []byte) *wire.Error {
		t.Helper()
		_, err := w.AcceptSegment(t.Context(), agent, run, sequence, bytes.NewReader(data))
		var refused *wire.Error
		if !errors.As(err, &refused) || refused.Code != code {
			t.Fatalf("error %v, want %s", err, code)
		}
		return refused
	}
	refusedWith(CodeUnknownAgent, stranger, run.ID, 1, data)
	refusedWith(CodeUnknownRun, agent, "0-AAAAAAAA", 1, data)
	refusedWith(CodeMalformed, agent, run.ID, 0, data)
	if e := refusedWith(CodeOutOfOrder, agent, run.ID, 2, configSegment(t, agent, run.ID, 2, "")); e.Expected != 1 {
		t.Errorf("segment %d is expected", e.Expected)
	}
	w.put(agent, run.ID, 1, data)
	w.put(agent, run.ID, 1, data) // the acknowledgement was lost
	if e := refusedWith(CodeOutOfOrder, agent, run.ID, 1, configSegment(t, agent, run.ID, 1, "other")); e.Expected != 0 {
		t.Errorf("segment %d is expected", e.Expected)
	}
	if e := refusedWith(CodeOutOfOrder, agent, run.ID, 9, data); e.Expected != 2 {
		t.Errorf("segment %d is expected", e.Expected)
	}
	if got := w.partOfRun(run.ID, agent); got.Segments != 1 || len(w.objects()) != 1 || got.Telemetry[0].Count != 1 {
		t.Errorf("a repeated segment was kept: %+v, %v", got, w.objects())
	}

	late := w.enrol()
	refusedWith(CodeNotYours, late, run.ID, 1, configSegment(t, late, run.ID, 1, ""))
	complete := wire.CompleteRequest{Segments: 1}
	for range 2 {
		if err := w.CompleteCollection(t.Context(), agent, run.ID, complete); err != nil {
			t.Fatal(err)
		}
	}
	refusedWith(CodeRunOver, agent, run.ID, 2, configSegment(t, agent, run.ID, 2, ""))
	w.put(agent, run.ID, 1, data)
	w.put(other, run.ID, 1, configSegment(t, other, run.ID, 1, ""))
	if err := w.StopRun(t.Context(), run.ID, inspector.SkipEvaluation); err != nil {
		t.Fatal(err)
	}
	refusedWith(CodeRunOver, other, run.ID, 2, configSegment(t, other, run.ID, 2, ""))
	if err := w.Revoke(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	refusedWith(CodeUnknownAgent, other, run.ID, 2, data)
}

func TestCompleteLies(t *testing.T) {
	w, agent, _, run := collecting(t)
	w.put(agent, run.ID, 1, configSegment(t, agent, run.ID, 1, "x"))
	for name, c := range map[string]struct {
		agent, run string
		say        wire.CompleteRequest
		want       string
		expected   int64
	}{
		"more segments than came":    {agent, run.ID, wire.CompleteRequest{Segments: 3}, CodeOutOfOrder, 2},
		"fewer segments than came":   {agent, run.ID, wire.CompleteRequest{Segments: 0}, CodeMalformed, 0},
		"less than none":             {agent, run.ID, wire.CompleteRequest{Segments: -1}, CodeMalformed, 0},
		"a failure without a reason": {agent, run.ID, wire.CompleteRequest{Failed: true, Reason: "\x00\n"}, CodeMalformed, 0},
		"a run that there is not":    {agent, "0-AAAAAAAA", wire.CompleteRequest{Segments: 1}, CodeUnknownRun, 0},
		"an agent that there is not": {"i-0", run.ID, wire.CompleteRequest{Segments: 1}, CodeUnknownAgent, 0},
	} {
		t.Run(name, func(t *testing.T) {
			err := w.CompleteCollection(t.Context(), c.agent, c.run, c.say)
			var refused *wire.Error
			if !errors.As(err, &refused) || refused.Code != c.want || refused.Expected != c.expected {
				t.Errorf("error %#v, want %s", err, c.want)
			}
		})
	}
}

// A connection that breaks, or an object store that does, is not the segment's
// fault: the agent is to send it again.
func TestInterruptedUploads(t *testing.T) {
	w, agent, _, run := collecting(t)
	data := configSegment(t, agent, run.ID, 1, strings.Repeat("PermitRootLogin no\n", 1000))
	cut := errors.New("connection reset")
	for name, body := range map[string]io.Reader{
		"in its middle":       io.MultiReader(bytes.NewReader(data[:len(data)/2]), iotest.ErrReader(cut)),
		"before its end":      io.MultiReader(bytes.NewReader(data[:len(data)-1]), iotest.ErrReader(io.ErrUnexpectedEOF)),
		"at once":             iotest.ErrReader(cut),
		"with its last bytes": iotest.DataErrReader(io.MultiReader(bytes.NewReader(data), iotest.ErrReader(cut))),
	} {
		_, err := w.AcceptSegment(t.Context(), agent, run.ID, 1, body)
		if !errors.Is(err, errInterrupted) || isRefusal(err) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	w.blobs.put = errors.New("no space left on device")
	if _, err := w.AcceptSegment(t.Context(), agent, run.ID, 1, bytes.NewReader(data)); !errors.Is(err, w.blobs.put) || isRefusal(err) {
		t.Errorf("full disk: error %v", err)
	}
	w.blobs.put = nil
	if len(w.objects()) != 0 {
		t.Errorf("it left %v", w.objects())
	}
	w.put(agent, run.ID, 1, data)
}

// Slow readers and tiny reads make no difference.
func TestSegmentInSmallPieces(t *testing.T) {
	w, agent, _, run := collecting(t)
	data := configSegment(t, agent, run.ID, 1, strings.Repeat("PermitRootLogin no\n", 10_000))
	if _, err := w.AcceptSegment(t.Context(), agent, run.ID, 1, iotest.OneByteReader(bytes.NewReader(data))); err != nil {
		t.Fatal(err)
	}
	w.put(agent, run.ID, 1, data)
}

// Of two uploads of one segment that race, one is kept and both acknowledged.
func TestRacingUploads(t *testing.T) {
	w, agent, _, run := collecting(t)
	data := configSegment(t, agent, run.ID, 1, "PermitRootLogin no\n")
	errs := make(chan error)
	for range 8 {
		go func() {
			_, err := w.AcceptSegment(t.Context(), agent, run.ID, 1, bytes.NewReader(data))
			errs <- err
		}()
	}
	for range 8 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if part := w.partOfRun(run.ID, agent); part.Segments != 1 || part.Telemetry[0].Count != 1 || len(w.objects()) != 1 {
		t.Errorf("%d segments, %v counted, %d objects", part.Segments, part.Telemetry, len(w.objects()))
	}
}

func FuzzAcceptSegment(f *testing.F) {
	w, agent, _, run := collecting(f)
	good := configSegment(f, agent, run.ID, 1, "PermitRootLogin no\n")
	f.Add(good, true)
	f.Add(good[:len(good)/2], true)
	for _, line := range lines(f, good) {
		f.Add([]byte(line), false)
	}
	f.Add([]byte(strings.Join(lines(f, good), "")), false)
	f.Fuzz(func(t *testing.T, data []byte, compressed bool) {
		if !compressed {
			data = compress(t, string(data))
		}
		w := *w
		w.t = t
		want := segmentID{run: run.ID, agent: agent, sequence: 1}
		segment, _, err := w.receive(t.Context(), want, bytes.NewReader(data))
		if err != nil {
			if !isRefusal(err) || len(w.objects()) != 0 {
				t.Fatalf("neither taken nor refused: %v, and there are the objects %v", err, w.objects())
			}
			return
		}
		// What was taken must be readable again.
		key, err := w.Service.keys.of(t.Context(), run.ID)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.readSegment(t.Context(), key, segment, host.New(agent)); err != nil {
			t.Fatal(err)
		}
		if err := w.blobs.Delete(t.Context(), segment.Blob); err != nil {
			t.Fatal(err)
		}
	})
}

// lines are the lines of a segment, with their newlines.
func lines(t testing.TB, data []byte) []string {
	t.Helper()
	dec, err := zstd.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	defer dec.Close()
	text, err := io.ReadAll(dec)
	if err != nil {
		t.Fatal(err)
	}
	return slices.Collect(strings.Lines(string(text)))
}

func compress(t testing.TB, lines ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	enc, err := zstd.NewWriter(&out, zstd.WithWindowSize(1<<20))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines {
		if _, err := io.WriteString(enc, line); err != nil {
			t.Fatal(err)
		}
	}
	if err := enc.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func change(lines []string, old, new string) []string {
	for i, line := range lines {
		lines[i] = strings.Replace(line, old, new, 1)
	}
	return lines
}

// bomb is valid lines that decompress to more than a segment may.
func bomb() string {
	line := `{"type":"text","sensor":"config","path":"/etc/x","text":"` + strings.Repeat("a", 1<<20) + `","size":1}` + "\n"
	return strings.Repeat(line, wire.MaxSegmentDecoded>>20+1)
}

// Segments and records cost more than their bytes.
func TestSegmentsAndRecordsOfAHostAreBounded(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]struct {
		part inspector.RunAgent
		more []inspector.MessageCount
		fits bool
	}{
		"the last segment":  {inspector.RunAgent{Segments: maxSegments - 1}, nil, true},
		"one segment more":  {inspector.RunAgent{Segments: maxSegments}, nil, false},
		"the last record":   {inspector.RunAgent{Telemetry: []inspector.MessageCount{{Count: maxRecords - 1}}}, []inspector.MessageCount{{Count: 1}}, true},
		"one record more":   {inspector.RunAgent{Telemetry: []inspector.MessageCount{{Count: maxRecords - 1}}}, []inspector.MessageCount{{Count: 1}, {Count: 1}}, false},
		"records of a kind": {inspector.RunAgent{}, []inspector.MessageCount{{Count: maxRecords + 1}}, false},
	} {
		err := w.fits(c.part, 0, c.more)
		var refused *wire.Error
		if c.fits != (err == nil) || err != nil && (!errors.As(err, &refused) || refused.Code != CodeTooLarge) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// A heartbeat has room for thousands of refusals; the same one costs a
// transaction once.
func TestManyRefusals(t *testing.T) {
	w, agent, _, run := collecting(t)
	beat := w.heartbeat()
	beat.Refused = slices.Repeat([]wire.Refusal{{Instruction: instructionID(wire.ActionOn, run.ID), Reason: "no\x1b[2J"}}, 5000)
	before := w.inForce.generation.Load()
	w.say(agent, beat)
	if n := w.inForce.generation.Load() - before; n != 1 {
		t.Errorf("%d transactions were made of a heartbeat that refuses one instruction", n)
	}
	if part := w.partOfRun(run.ID, agent); part.State != inspector.CollectionFailed || strings.Contains(part.Reason, "\x1b") {
		t.Errorf("the agent's part is %+v", part)
	}
}

// Saying what is known already, or nonsense, makes nobody else's heartbeat dearer.
func TestCompletionsThatChangeNothing(t *testing.T) {
	w, agent, _, run := collecting(t)
	w.put(agent, run.ID, 1, configSegment(t, agent, run.ID, 1, "x"))
	say := wire.CompleteRequest{Protocol: wire.Version, Segments: 1}
	if err := w.CompleteCollection(t.Context(), agent, run.ID, say); err != nil {
		t.Fatal(err)
	}
	before := w.inForce.generation.Load()
	for segments := range int64(5) {
		say.Segments = segments
		err := w.CompleteCollection(t.Context(), agent, run.ID, say)
		if (err == nil) != (segments == 1) {
			t.Errorf("%d segments: error %v", segments, err)
		}
	}
	if n := w.inForce.generation.Load() - before; n != 0 {
		t.Errorf("the duties of all agents were forgotten %d times", n)
	}
}
