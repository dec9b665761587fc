package assess

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"assay/internal/inspector"
	"assay/internal/jobs"
	"assay/internal/store"
	"assay/internal/telemetry"
	"assay/internal/wire"
)

// serverTexts are n configuration files as the config sensor sends them, with its
// coverage: most of a snapshot.
func serverTexts(n int) []telemetry.Record {
	random := rand.New(rand.NewPCG(1, 2))
	records := make([]telemetry.Record, 0, n+1)
	for i := range n {
		var text strings.Builder
		for range 20 + random.IntN(60) {
			fmt.Fprintf(&text, "Option%d = %x # set by the distribution\n", random.IntN(500), random.Uint64())
		}
		records = append(records, &telemetry.Text{
			Path: fmt.Sprintf("/etc/part%d/file%d.conf", i%97, i), Text: text.String(), Size: int64(text.Len()),
			Digest: fmt.Sprintf("%064x", random.Uint64()),
		})
	}
	records[0] = &telemetry.Text{Path: "/etc/ssh/sshd_config", Text: "PermitRootLogin yes\n"}
	return append(records, &telemetry.Coverage{State: telemetry.Complete, Records: int64(n), Scope: []string{"/etc/**"}})
}

// BenchmarkAcceptSegment measures what the gateway's side of an upload costs:
// MB/s are of decoded JSON, checked, sealed, stored and recorded.
func BenchmarkAcceptSegment(b *testing.B) {
	w := newWorld(b)
	agent := w.enrol()
	w.HostBytes = 1 << 40
	run := w.start(w.template(24 * time.Hour))
	records := serverTexts(4000)
	var sequence int64
	var decoded int64
	for b.Loop() {
		b.StopTimer()
		sequence++
		data := segmentOf(b, header(agent, run.ID, sequence, telemetry.SensorConfig), telemetry.SensorConfig, records...)
		b.StartTimer()
		if _, err := w.AcceptSegment(b.Context(), agent, run.ID, sequence, bytes.NewReader(data)); err != nil {
			b.Fatal(err)
		}
		if decoded == 0 {
			segments, err := w.Store.Segments(b.Context(), run.ID, agent)
			if err != nil {
				b.Fatal(err)
			}
			decoded = segments[0].Decoded
			b.SetBytes(decoded)
			b.ReportMetric(float64(len(data))/1e6, "MB-compressed")
		}
	}
}

// BenchmarkEvaluate measures the evaluation of one host with some 7 MB of
// decoded telemetry: from sealed objects to findings in the database.
func BenchmarkEvaluate(b *testing.B) {
	w := newWorld(b)
	agent := w.enrol()
	run := w.start(w.template(time.Hour))
	w.put(agent, run.ID, 1, segmentOf(b, header(agent, run.ID, 1, telemetry.SensorConfig), telemetry.SensorConfig, serverTexts(2000)...))
	w.put(agent, run.ID, 2, kernelSegment(b, agent, run.ID, 2))
	if err := w.CompleteCollection(b.Context(), agent, run.ID, wire.CompleteRequest{Segments: 2}); err != nil {
		b.Fatal(err)
	}
	segments, err := w.Store.Segments(b.Context(), run.ID, agent)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(segments[0].Decoded + segments[1].Decoded)
	job := jobs.Job{Kind: jobEvaluate, Payload: []byte(run.ID + "/" + agent)}
	for b.Loop() {
		if err := w.evaluate(b.Context(), job); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		// Have it evaluated again.
		w.exec("UPDATE run_agents SET evaluated = false")
		w.exec("UPDATE runs SET state = $1, final = false", string(inspector.EvaluatingRules))
		w.rules.seen = nil
		b.StartTimer()
	}
}

// BenchmarkHeartbeat is a heartbeat without HTTP, with its share of writing down
// what many agents have told.
func BenchmarkHeartbeat(b *testing.B) {
	w := newWorld(b)
	const agents = 5000
	ids := make([]string, agents)
	err := w.Store.Update(b.Context(), func(tx *store.Tx) error {
		for i := range ids {
			ids[i] = w.AgentID(fmt.Appendf(nil, "%d", i))
			if err := tx.SaveAgent(b.Context(), inspector.Agent{ID: ids[i], EnrolledAt: noon}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	for _, id := range ids {
		if _, err := w.Heartbeat(b.Context(), id, w.heartbeat()); err != nil {
			b.Fatal(err)
		}
	}
	if err := w.Flush(b.Context()); err != nil {
		b.Fatal(err)
	}
	next := 0
	for b.Loop() {
		if _, err := w.Heartbeat(b.Context(), ids[next], w.heartbeat()); err != nil {
			b.Fatal(err)
		}
		if next++; next == agents {
			next = 0
			w.clock.add(time.Second)
			if err := w.Flush(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "beats/s")
}
