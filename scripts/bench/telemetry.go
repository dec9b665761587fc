//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"assay/internal/agent/credential"
	"assay/internal/agent/uplink"
	"assay/internal/inspector"
	"assay/internal/telemetry"
	"assay/internal/wire"
)

const (
	sendingAgents = 40
	goalTelemetry = 100 // MB of decoded JSON a second and core
	goalEvaluate  = 20  // milliseconds a host
)

// telemetry has many agents send this host's telemetry to the real service, and
// has it evaluate all of them: from the socket to sealed objects and rows, and
// from there to findings in the database.
func (b *bench) telemetry(ctx context.Context) error {
	path, err := b.snapshot(ctx)
	if err != nil {
		return err
	}
	records, err := readRecords(path)
	if err != nil {
		return err
	}
	s, err := b.serve(ctx)
	if err != nil {
		return err
	}
	defer s.stop()
	ids, err := s.enrol(ctx, sendingAgents)
	if err != nil {
		return err
	}
	var upload, evaluate, clock []float64
	var senders []*sender
	for range 3 {
		run, err := s.start(ctx)
		if err != nil {
			return err
		}
		senders = nil
		for _, id := range ids {
			sender, err := prepare(ctx, id, records)
			if err != nil {
				return err
			}
			senders = append(senders, sender)
		}
		began := time.Now()
		cpu, err := spent(s.pid(), func() error { return each(senders, func(s *sender) error { return s.send(ctx) }) })
		if err != nil {
			return fmt.Errorf("send telemetry: %w", err)
		}
		upload, clock = append(upload, cpu.Seconds()), append(clock, time.Since(began).Seconds())
		if cpu, err = spent(s.pid(), func() error { return s.evaluate(ctx, run, senders) }); err != nil {
			return fmt.Errorf("evaluate telemetry: %w", err)
		}
		evaluate = append(evaluate, cpu.Seconds())
	}
	one, hosts := senders[0], float64(len(senders))
	mb := float64(one.decoded) / 1e6
	b.table.plain("telemetry of a host", mb, fmt.Sprintf("MB in %d segments", len(one.segments)))
	b.table.above("telemetry taken, sealed, stored", mb*hosts/median(upload), "MB/s/core", goalTelemetry)
	b.table.plain("  and by the clock, on one core", mb*hosts/median(clock), "MB/s")
	b.table.below("evaluation of a host, sealed objects to findings", median(evaluate)*1e3/hosts, "ms", goalEvaluate)
	return nil
}

// evaluate has a run's telemetry evaluated, and waits for its end.
func (s *running) evaluate(ctx context.Context, run string, senders []*sender) error {
	if err := each(senders, func(s *sender) error { return s.complete(ctx) }); err != nil {
		return err
	}
	state, err := s.await(ctx, run)
	if err == nil && state != string(inspector.Completed) && state != string(inspector.CompletedWithErrors) {
		err = fmt.Errorf("the run ended as %s", state)
	}
	return err
}

func each(senders []*sender, do func(*sender) error) error {
	errs := make([]error, len(senders))
	var group sync.WaitGroup
	slots := make(chan struct{}, 8)
	for i, s := range senders {
		group.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			errs[i] = do(s)
		})
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// sensorRecords is what a sensor has told.
type sensorRecords struct {
	sensor  string
	records []telemetry.Record
}

// readRecords reads a snapshot's records, by sensor.
func readRecords(path string) ([]sensorRecords, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	r, err := telemetry.NewReader(file, telemetry.Limits{})
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var all []sensorRecords
	for {
		rec, err := r.Next()
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		sensor := telemetry.SensorOf(rec)
		if len(all) == 0 || all[len(all)-1].sensor != sensor {
			all = append(all, sensorRecords{sensor: sensor})
		}
		last := &all[len(all)-1]
		last.records = append(last.records, rec)
	}
}

// sender is an agent with a host's telemetry ready to be sent.
type sender struct {
	client   *uplink.Client
	run      string
	segments [][]byte
	decoded  int64
}

// prepare asks what the run wants of the agent and makes the segments of it.
func prepare(ctx context.Context, id credential.Identity, all []sensorRecords) (*sender, error) {
	client, err := uplink.New(uplink.Options{Server: id.Server, TLS: credential.ClientTLS(func() credential.Identity { return id }), Version: "0.1.0"})
	if err != nil {
		return nil, err
	}
	var names []string
	for _, one := range all {
		names = append(names, one.sensor)
	}
	order, err := instruction(ctx, client, names)
	if err != nil {
		return nil, err
	}
	s := &sender{client: client, run: order.Run}
	wanted := map[string]bool{}
	for _, name := range order.Sensors {
		wanted[name] = true
	}
	for _, one := range all {
		if !wanted[one.sensor] {
			continue
		}
		if err := s.add(id.Agent, one); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// instruction beats until the run that was just started has one for the agent.
func instruction(ctx context.Context, client *uplink.Client, sensors []string) (wire.Instruction, error) {
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		answer, _, err := client.Heartbeat(ctx, wire.Heartbeat{Protocol: wire.Version, Version: "0.1.0", Now: time.Now().UTC(), Facts: facts(0), Sensors: sensors})
		switch {
		case err != nil:
			return wire.Instruction{}, err
		case len(answer.Instructions) == 1:
			return answer.Instructions[0], nil
		case time.Now().After(end):
			return wire.Instruction{}, errors.New("the agent was given no instruction for the run")
		}
	}
}

func (s *sender) add(agent string, one sensorRecords) error {
	var out bytes.Buffer
	w, err := telemetry.NewWriter(&out, telemetry.Header{
		Agent: agent, Version: "0.1.0", Root: "/", Started: time.Now().UTC(), Run: s.run, Sequence: int64(len(s.segments) + 1), OneSensor: one.sensor,
	})
	if err != nil {
		return err
	}
	for _, rec := range one.records {
		if err := w.Write(one.sensor, rec); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	s.segments, s.decoded = append(s.segments, out.Bytes()), s.decoded+w.Bytes()
	return nil
}

func (s *sender) send(ctx context.Context) error {
	for i, data := range s.segments {
		open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }
		if _, err := s.client.PutSegment(ctx, s.run, int64(i+1), int64(len(data)), open); err != nil {
			return err
		}
	}
	return nil
}

func (s *sender) complete(ctx context.Context) error {
	return s.client.Complete(ctx, s.run, wire.CompleteRequest{Protocol: wire.Version, Segments: int64(len(s.segments))})
}
