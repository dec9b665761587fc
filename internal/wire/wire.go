// Package wire is the protocol between an agent and the service: the documents,
// the paths and the limits, with the protocol's dated history. Both sides decode
// through [Decode], which refuses what it does not know.
//
// The agent calls, the service answers; HTTP/1.1 over TLS 1.3. All but Enroll is
// authenticated by the agent's client certificate, whose common name is the
// agent's id.
//
//	POST /agent/v1/enroll                     EnrollRequest    -> EnrollResponse
//	POST /agent/v1/renew                      RenewRequest     -> RenewResponse
//	POST /agent/v1/heartbeat                  Heartbeat        -> HeartbeatResponse
//	PUT  /agent/v1/runs/{run}/segments/{seq}  a segment        -> SegmentResponse
//	POST /agent/v1/runs/{run}/complete        CompleteRequest  -> (empty)
//
// An error is answered with [Error] and a status: 400 malformed, 401 no or a bad
// certificate or token, 403 not this agent's, 404 no such run, 409 out of order,
// 410 the run takes no more telemetry, 413 too large, 422 a segment that is not
// what it claims, 429 and 503 later (Retry-After). The agent keeps what was
// answered with 429 or any 5xx, and gives up what was answered with any other.
//
// History of the protocol version:
//
//	1  2026-11-23  the first
//	   2026-11-26  Heartbeat.tiers: a service from before refuses it, so that services are updated before agents
package wire

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Version is the protocol version that this program speaks.
const Version = 1

// Limits of the protocol, enforced on both sides.
const (
	MaxDocument = 256 << 10 // bytes of any JSON document
	MaxSegment  = 8 << 20   // compressed bytes of a segment
	// MaxSegmentDecoded bounds a segment once decompressed: one line of the
	// longest kind always fits.
	MaxSegmentDecoded = 64 << 20
	MaxSegmentRecords = 500_000
)

// Paths of the protocol.
const (
	PathEnroll    = "/agent/v1/enroll"
	PathRenew     = "/agent/v1/renew"
	PathHeartbeat = "/agent/v1/heartbeat"
)

// PathSegment is where a segment is put.
func PathSegment(run string, sequence int64) string {
	return fmt.Sprintf("/agent/v1/runs/%s/segments/%d", run, sequence)
}

// PathComplete is where an agent says that a run's collection is over.
func PathComplete(run string) string { return "/agent/v1/runs/" + run + "/complete" }

// HostFacts is what an agent says of its host when it enrols and beats.
type HostFacts struct {
	Hostname      string   `json:"hostname"`
	FQDN          string   `json:"fqdn,omitempty"`
	OS            string   `json:"os"`                // "linux", "windows"
	OSName        string   `json:"os_name,omitempty"` // "Debian GNU/Linux 12 (bookworm)"
	Kernel        string   `json:"kernel,omitempty"`
	Architecture  string   `json:"architecture"`
	IPv4Addresses []string `json:"ipv4_addresses,omitempty"`
	InstanceID    string   `json:"instance_id,omitempty"` // as the host's own files tell it; a hint, not a proof
}

// EnrollRequest asks for a certificate for a key that never leaves the host.
type EnrollRequest struct {
	Protocol int       `json:"protocol"`
	Token    string    `json:"token"`
	CSR      []byte    `json:"csr"` // PKCS#10, DER; only its public key is used
	Version  string    `json:"version"`
	Facts    HostFacts `json:"facts"`
}

// EnrollResponse makes the host an agent.
type EnrollResponse struct {
	Agent       string `json:"agent"`       // "i-" and 17 hexadecimal digits
	Certificate []byte `json:"certificate"` // PEM, the leaf and its issuers
	CA          []byte `json:"ca"`          // PEM, what the agent is to trust from now on
	Interval    int    `json:"interval"`    // seconds between heartbeats
}

// RenewRequest asks for a new certificate under the one that the connection
// was made with.
type RenewRequest struct {
	Protocol int    `json:"protocol"`
	CSR      []byte `json:"csr"`
}

// RenewResponse carries it.
type RenewResponse struct {
	Certificate []byte `json:"certificate"`
	CA          []byte `json:"ca"`
}

// Heartbeat is what an agent tells, every Interval seconds.
type Heartbeat struct {
	Protocol int           `json:"protocol"`
	Version  string        `json:"version"`
	Boot     string        `json:"boot,omitempty"`
	Now      time.Time     `json:"now"` // the host's clock: the service tells the skew
	Facts    HostFacts     `json:"facts"`
	Sensors  []string      `json:"sensors"`          // that this agent has
	Tiers    []SensorTier  `json:"tiers,omitempty"`  // of those that observe by one of several ways
	Health   []string      `json:"health,omitempty"` // what is wrong, in sentences; empty is healthy
	Spool    Spool         `json:"spool"`
	Runs     []RunProgress `json:"runs,omitempty"`
	Refused  []Refusal     `json:"refused,omitempty"`
}

// SensorTier is the way by which a sensor observes now, or is expected to.
type SensorTier struct {
	Sensor   string    `json:"sensor"`
	Tier     string    `json:"tier,omitempty"`     // "ebpf/direct"; empty: none
	Expected bool      `json:"expected,omitempty"` // nothing is observed now, and nothing is proven
	Since    time.Time `json:"since,omitzero"`     // by the host's clock; zero where it is expected only
	Short    []string  `json:"short,omitempty"`    // why it is no better one, and what it is known not to see
}

// Spool is what waits on the agent's disk.
type Spool struct {
	Segments int   `json:"segments"`
	Bytes    int64 `json:"bytes"`
	Limit    int64 `json:"limit"`
}

// RunProgress is how far an agent is with a run.
type RunProgress struct {
	Run      string `json:"run"`
	State    string `json:"state"`    // "collecting", "uploading", "complete", "failed"
	Sequence int64  `json:"sequence"` // of the last segment that was acknowledged
	Reason   string `json:"reason,omitempty"`
}

// Refusal says that an instruction was not carried out, any part of it.
type Refusal struct {
	Instruction string `json:"instruction"` // its id
	Reason      string `json:"reason"`
}

// HeartbeatResponse carries all instructions that are in force for the agent.
type HeartbeatResponse struct {
	Now          time.Time     `json:"now"`      // the service's clock, in which Until is meant
	Interval     int           `json:"interval"` // seconds to the next heartbeat
	Instructions []Instruction `json:"instructions,omitempty"`
}

// The actions that there are.
const (
	ActionOn  = "sensors_on"  // collect the sensors for the run, and observe until Until
	ActionOff = "sensors_off" // stop observing; what is in the spool is still sent
)

// Instruction switches predefined sensors on or off. An agent that does not know
// the action, a sensor or a member refuses the whole instruction and reports it.
type Instruction struct {
	ID      string    `json:"id"`
	Action  string    `json:"action"`
	Run     string    `json:"run"`
	Sensors []string  `json:"sensors,omitempty"` // names; of sensors_on
	Until   time.Time `json:"until,omitzero"`    // of sensors_on, by the service's clock
	Jitter  int       `json:"jitter,omitempty"`  // seconds; wait a random part of them first
}

// maxID bounds an instruction's id, in bytes: what is refused is told by it.
const maxID = 256

// runPattern is what a run's id may be: it becomes part of paths.
var runPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)

// Check tells what is wrong with an instruction, as far as can be told without
// knowing the sensors.
func (i *Instruction) Check() error {
	switch {
	case i.ID == "":
		return errors.New("the instruction has no id")
	case len(i.ID) > maxID:
		return fmt.Errorf("the instruction's id is longer than %d bytes", maxID)
	case i.Run == "":
		return errors.New("the instruction names no run")
	case !runPattern.MatchString(i.Run):
		return errors.New("the instruction's run is not 1 to 64 letters, digits, hyphens and underscores")
	case i.Action != ActionOn && i.Action != ActionOff:
		return fmt.Errorf("there is no action %q", i.Action)
	case i.Action == ActionOn && len(i.Sensors) == 0:
		return errors.New("the instruction names no sensor to switch on")
	case i.Action == ActionOn && i.Until.IsZero():
		return errors.New("the instruction says no time to switch the sensors off")
	case i.Action == ActionOff && len(i.Sensors) > 0:
		return errors.New("sensors are switched off together, not by name")
	case i.Jitter < 0 || i.Jitter > 3600:
		return fmt.Errorf("a jitter of %d seconds is out of range", i.Jitter)
	}
	return nil
}

// SegmentResponse acknowledges a segment: it is durable, the agent may forget it.
type SegmentResponse struct {
	Sequence int64 `json:"sequence"` // the last one of this agent and run that is durable
}

// CompleteRequest says that the collection is over and how many segments it has.
type CompleteRequest struct {
	Protocol int    `json:"protocol"`
	Segments int64  `json:"segments"` // the last sequence number; 0 if nothing could be collected
	Failed   bool   `json:"failed,omitempty"`
	Reason   string `json:"reason,omitempty"` // required where Failed
}

// Error is the answer to a request that was not carried out.
type Error struct {
	Code     string `json:"code"`               // for programs: "out_of_order", "unknown_run", ...
	Message  string `json:"message"`            // a sentence: what was wrong, and what to do
	Expected int64  `json:"expected,omitempty"` // of out_of_order: the sequence that is wanted
}

func (e *Error) Error() string { return e.Message }

// Decode reads one document strictly: bounded, no unknown or doubled members,
// nothing behind it.
func Decode(r io.Reader, into any) error {
	data, err := io.ReadAll(io.LimitReader(r, MaxDocument+1))
	if err != nil {
		return err
	}
	if len(data) > MaxDocument {
		return fmt.Errorf("the document is larger than %d bytes", MaxDocument)
	}
	return json.Unmarshal(data, into, json.RejectUnknownMembers(true))
}

// DecodeHeartbeatResponse is Decode for the agent: an instruction that it cannot
// understand is refused as a whole, and does not take the others with it. The id
// of a refused instruction is empty where it could not be read.
func DecodeHeartbeatResponse(r io.Reader) (HeartbeatResponse, []Refusal, error) {
	var doc struct {
		Now          time.Time        `json:"now"`
		Interval     int              `json:"interval"`
		Instructions []jsontext.Value `json:"instructions"`
	}
	if err := Decode(r, &doc); err != nil {
		return HeartbeatResponse{}, nil, err
	}
	response := HeartbeatResponse{Now: doc.Now, Interval: doc.Interval}
	var refused []Refusal
	for _, raw := range doc.Instructions {
		var i Instruction
		err := json.Unmarshal(raw, &i, json.RejectUnknownMembers(true))
		if err == nil {
			err = i.Check()
		}
		if err != nil {
			refused = append(refused, Refusal{Instruction: instructionID(raw), Reason: err.Error()})
			continue
		}
		response.Instructions = append(response.Instructions, i)
	}
	return response, refused, nil
}

// instructionID is the id of an instruction of which nothing else is known to
// be right.
func instructionID(raw jsontext.Value) string {
	var i struct {
		ID string `json:"id"`
	}
	if json.Unmarshal(raw, &i) != nil || len(i.ID) > maxID {
		return ""
	}
	return i.ID
}

// Encode writes one document.
func Encode(w io.Writer, v any) error { return json.MarshalWrite(w, v) }
