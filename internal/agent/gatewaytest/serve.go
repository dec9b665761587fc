package gatewaytest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"assay/internal/telemetry"
	"assay/internal/wire"
)

// ServeHTTP answers an agent.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	hook := g.Hook
	g.mu.Unlock()
	if hook != nil && hook(w, r) {
		return
	}
	g.Answer(w, r)
}

// Answer answers as a service should. A Hook calls it to have the work done and
// then spoil the answer.
func (g *Gateway) Answer(w http.ResponseWriter, r *http.Request) {
	if r.ProtoMajor != 1 || r.TLS == nil {
		g.t.Errorf("a request came over %s", r.Proto)
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, wire.MaxSegment+1))
	if err != nil {
		return // the agent went away
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if r.URL.Path == wire.PathEnroll {
		g.enroll(w, body)
		return
	}
	if len(r.TLS.VerifiedChains) == 0 {
		Refuse(w, http.StatusUnauthorized, wire.Error{Code: "no_certificate", Message: "come with a certificate"})
		return
	}
	agent := r.TLS.VerifiedChains[0][0].Subject.CommonName
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/agent/v1/"), "/")
	switch {
	case r.URL.Path == wire.PathHeartbeat:
		g.heartbeat(w, body)
	case r.URL.Path == wire.PathRenew:
		var req wire.RenewRequest
		g.decode(body, &req)
		g.renewals++
		reply(w, wire.RenewResponse{Certificate: g.issue(agent, req.CSR), CA: g.CA})
	case len(parts) == 4 && parts[2] == "segments" && r.Method == http.MethodPut:
		g.segment(w, agent, parts[1], parts[3], body)
	case len(parts) == 3 && parts[2] == "complete":
		g.complete(w, parts[1], body)
	default:
		Refuse(w, http.StatusNotFound, wire.Error{Code: "unknown", Message: "there is no such path"})
	}
}

func (g *Gateway) decode(body []byte, into any) {
	if err := wire.Decode(bytes.NewReader(body), into); err != nil {
		g.t.Errorf("the agent sent what cannot be decoded: %v", err)
	}
}

func (g *Gateway) enroll(w http.ResponseWriter, body []byte) {
	var req wire.EnrollRequest
	g.decode(body, &req)
	if req.Token != Token {
		Refuse(w, http.StatusUnauthorized, wire.Error{Code: "token", Message: "the token is not known, has expired or was used up"})
		return
	}
	g.agents++
	id := AgentID(g.agents)
	reply(w, wire.EnrollResponse{Agent: id, Certificate: g.issue(id, req.CSR), CA: g.CA, Interval: g.Interval})
}

func (g *Gateway) heartbeat(w http.ResponseWriter, body []byte) {
	var beat wire.Heartbeat
	g.decode(body, &beat)
	g.beats = append(g.beats, beat)
	orders := g.Orders
	if orders == nil {
		orders = []any{}
	}
	reply(w, map[string]any{
		"now": time.Now().Add(g.Skew).UTC(), "interval": g.Interval, "instructions": orders,
	})
}

func (g *Gateway) segment(w http.ResponseWriter, agent, id, sequence string, body []byte) {
	run, ok := g.runs[id]
	if !ok {
		run = &Run{}
		g.runs[id] = run
	}
	run.Puts++
	n, err := strconv.Atoi(sequence)
	if err == nil {
		err = check(body, agent, id, int64(n))
	}
	have := len(run.Segments)
	switch {
	case err != nil:
		g.t.Errorf("segment %s of the run %s: %v", sequence, id, err)
		Refuse(w, http.StatusUnprocessableEntity, wire.Error{Code: "segment", Message: err.Error()})
	case n <= have && n >= 1 && bytes.Equal(run.Segments[n-1], body):
		reply(w, wire.SegmentResponse{Sequence: int64(have)})
	case n <= have:
		g.t.Errorf("segment %d of the run %s came again with other bytes", n, id)
		Refuse(w, http.StatusConflict, wire.Error{Code: "out_of_order", Message: "another segment", Expected: int64(have + 1)})
	case n > have+1:
		Refuse(w, http.StatusConflict, wire.Error{Code: "out_of_order", Message: "a gap", Expected: int64(have + 1)})
	default:
		run.Segments = append(run.Segments, body)
		reply(w, wire.SegmentResponse{Sequence: int64(n)})
	}
}

func (g *Gateway) complete(w http.ResponseWriter, id string, body []byte) {
	var req wire.CompleteRequest
	g.decode(body, &req)
	run, ok := g.runs[id]
	if !ok {
		run = &Run{}
		g.runs[id] = run
	}
	if int(req.Segments) != len(run.Segments) {
		Refuse(w, http.StatusConflict, wire.Error{Code: "out_of_order", Message: "there are others", Expected: int64(len(run.Segments) + 1)})
		return
	}
	run.Complete = &req
}

// check reads a segment to its end.
func check(body []byte, agent, run string, sequence int64) error {
	r, err := telemetry.NewReader(bytes.NewReader(body), telemetry.Limits{Records: wire.MaxSegmentRecords, Bytes: wire.MaxSegmentDecoded})
	if err != nil {
		return err
	}
	defer r.Close()
	if h := r.Header(); h.Agent != agent || h.Run != run || h.Sequence != sequence || h.OneSensor == "" {
		return fmt.Errorf("its header says %s, %s, %d, %q", h.Agent, h.Run, h.Sequence, h.OneSensor)
	}
	_, err = records(r)
	return err
}

func records(r *telemetry.Reader) (list []telemetry.Record, err error) {
	for {
		rec, err := r.Next()
		if err == io.EOF {
			return list, nil
		}
		if err != nil {
			return nil, err
		}
		if telemetry.SensorOf(rec) != r.Header().OneSensor {
			return nil, fmt.Errorf("a record of the sensor %q is in a segment of %q", telemetry.SensorOf(rec), r.Header().OneSensor)
		}
		list = append(list, rec)
	}
}

// Records returns all records of a run's segments, in order.
func (r Run) Records() (list []telemetry.Record, err error) {
	for _, s := range r.Segments {
		reader, err := telemetry.NewReader(bytes.NewReader(s), telemetry.Limits{})
		if err != nil {
			return nil, err
		}
		recs, err := records(reader)
		reader.Close()
		if err != nil {
			return nil, err
		}
		list = append(list, recs...)
	}
	return list, nil
}
