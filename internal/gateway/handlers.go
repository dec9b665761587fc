package gateway

import (
	"crypto/x509"
	"net/http"
	"regexp"
	"strconv"
	"time"

	"assay/internal/assess"
	"assay/internal/wire"
)

// enroll makes a host an agent. The certificate is made before the token is used
// up: a request that cannot be signed costs no use.
func (g *Gateway) enroll(w http.ResponseWriter, r *http.Request) {
	if g.failures.tooMany(r.RemoteAddr) {
		g.later(w, http.StatusTooManyRequests, failureEvery, "too many failed enrolments came from this address; try again later")
		return
	}
	var in wire.EnrollRequest
	if !g.decode(w, r, &in, &in.Protocol) {
		g.failures.failed(r.RemoteAddr)
		return
	}
	agent, cert, refused := g.sign(in.CSR)
	if refused == nil {
		if err := g.Service.Enroll(r.Context(), in.Token, agent, in.Facts, in.Version); err != nil {
			g.failures.failed(r.RemoteAddr)
			g.fail(w, r, r.RemoteAddr, err)
			return
		}
		g.Log.Info("agent enrolled", "agent", agent, "remote", r.RemoteAddr)
		g.answer(w, wire.EnrollResponse{
			Agent: agent, Certificate: cert, CA: g.Authority.CA(),
			Interval: int(g.Service.Interval() / time.Second),
		})
		return
	}
	g.failures.failed(r.RemoteAddr)
	g.refuse(w, r, r.RemoteAddr, refused)
}

// sign makes the certificate for a key that was not seen before. The agent's id
// follows from the key, so that a host whose answer was lost gets the same one
// when it asks again.
func (g *Gateway) sign(request []byte) (agent string, cert []byte, refused *wire.Error) {
	csr, err := x509.ParseCertificateRequest(request)
	if err != nil {
		return "", nil, &wire.Error{Code: assess.CodeMalformed, Message: "the certificate request cannot be read: " + err.Error()}
	}
	agent = g.Service.AgentID(csr.RawSubjectPublicKeyInfo)
	if cert, err = g.Authority.AgentCertificate(agent, request); err != nil {
		return "", nil, &wire.Error{Code: assess.CodeMalformed, Message: err.Error()}
	}
	return agent, cert, nil
}

func (g *Gateway) renew(w http.ResponseWriter, r *http.Request) {
	var in wire.RenewRequest
	if !g.decode(w, r, &in, &in.Protocol) {
		return
	}
	agent := agentOf(r)
	if err := g.Service.Admit(r.Context(), agent); err != nil {
		g.fail(w, r, agent, err)
		return
	}
	cert, err := g.Authority.AgentCertificate(agent, in.CSR)
	if err != nil {
		g.refuse(w, r, agent, &wire.Error{Code: assess.CodeMalformed, Message: err.Error()})
		return
	}
	g.answer(w, wire.RenewResponse{Certificate: cert, CA: g.Authority.CA()})
}

func (g *Gateway) heartbeat(w http.ResponseWriter, r *http.Request) {
	var in wire.Heartbeat
	if !g.decode(w, r, &in, &in.Protocol) {
		return
	}
	out, err := g.Service.Heartbeat(r.Context(), agentOf(r), in)
	if err != nil {
		g.fail(w, r, agentOf(r), err)
		return
	}
	g.answer(w, out)
}

func (g *Gateway) segment(w http.ResponseWriter, r *http.Request) {
	agent := agentOf(r)
	run, ok := g.runOf(w, r)
	if !ok {
		return
	}
	sequence, err := strconv.ParseInt(r.PathValue("sequence"), 10, 64)
	if err != nil || sequence < 1 {
		g.refuse(w, r, agent, &wire.Error{Code: assess.CodeMalformed, Message: "the segment's sequence number is not a number from 1 on"})
		return
	}
	if r.ContentLength > wire.MaxSegment {
		g.refuse(w, r, agent, &wire.Error{Code: assess.CodeTooLarge, Message: "the segment is larger than a segment may be"})
		return
	}
	release, busy := g.uploads.take(agent)
	if release == nil {
		g.overloaded(w, agent, busy)
		return
	}
	defer release()
	g.deadline(w, g.UploadTime)
	last, err := g.Service.AcceptSegment(r.Context(), agent, run, sequence, r.Body)
	if err != nil {
		g.fail(w, r, agent, err)
		return
	}
	g.answer(w, wire.SegmentResponse{Sequence: last})
}

// overloaded asks an agent to come back. The delay differs by agent so that they
// do not all come back at once.
func (g *Gateway) overloaded(w http.ResponseWriter, agent string, busy bool) {
	if busy {
		g.later(w, http.StatusTooManyRequests, time.Second, "this agent is uploading a segment already; they are sent one after the other")
		return
	}
	g.once.warn("", "uploads", "uploads are put off: as many as are allowed at once go on", "limit", g.Uploads)
	spread := time.Duration(agent[len(agent)-1]%8) * time.Second
	g.later(w, http.StatusServiceUnavailable, 2*time.Second+spread, "the service is receiving as much as it can; try again later")
}

func (g *Gateway) complete(w http.ResponseWriter, r *http.Request) {
	run, ok := g.runOf(w, r)
	if !ok {
		return
	}
	var in wire.CompleteRequest
	if !g.decode(w, r, &in, &in.Protocol) {
		return
	}
	if err := g.Service.CompleteCollection(r.Context(), agentOf(r), run, in); err != nil {
		g.fail(w, r, agentOf(r), err)
		return
	}
	w.WriteHeader(http.StatusOK)
}

var runPattern = regexp.MustCompile(`^0-[0-9A-Za-z]{8}$`)

func (g *Gateway) runOf(w http.ResponseWriter, r *http.Request) (string, bool) {
	run := r.PathValue("run")
	if !runPattern.MatchString(run) {
		g.refuse(w, r, agentOf(r), &wire.Error{Code: assess.CodeUnknownRun, Message: "there is no such run"})
		return "", false
	}
	return run, true
}
