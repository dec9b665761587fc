// Package audit keeps the record of every call: who called what, from where, with
// which parameters, and whether it was allowed. Events have the shape of AWS
// CloudTrail's
// (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html),
// so that what reads those reads these.
//
// A Log appends events to a file a day, as JSON lines; Read reads them back. The
// events of what changes something are on the disk before Append returns.
package audit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Event is one call.
type Event struct {
	Version      string          `json:"eventVersion"`
	Identity     Identity        `json:"userIdentity"`
	Time         time.Time       `json:"eventTime"`
	Source       string          `json:"eventSource"` // "inspector.amazonaws.com"
	Name         string          `json:"eventName"`   // "ListFindings"
	Region       string          `json:"awsRegion"`
	SourceIP     string          `json:"sourceIPAddress"`
	UserAgent    string          `json:"userAgent"`
	ErrorCode    string          `json:"errorCode,omitempty"`
	ErrorMessage string          `json:"errorMessage,omitempty"`
	Request      json.RawMessage `json:"requestParameters"`
	Response     json.RawMessage `json:"responseElements"`
	RequestID    string          `json:"requestID"`
	ID           string          `json:"eventID"`
	ReadOnly     bool            `json:"readOnly"`
	Type         string          `json:"eventType"` // "AwsApiCall"
	Management   bool            `json:"managementEvent"`
	Account      string          `json:"recipientAccountId"`
	Category     string          `json:"eventCategory"` // "Management"
}

// Identity is who called.
type Identity struct {
	Type        string   `json:"type"` // "IAMUser"; "Unknown": nobody who could be told
	PrincipalID string   `json:"principalId,omitempty"`
	ARN         string   `json:"arn,omitempty"`
	Account     string   `json:"accountId,omitempty"`
	AccessKey   string   `json:"accessKeyId,omitempty"`
	User        string   `json:"userName,omitempty"`
	Session     *Session `json:"sessionContext,omitempty"` // of temporary credentials
}

// Session tells of temporary credentials.
type Session struct {
	Attributes struct {
		Created time.Time `json:"creationDate"`
		MFA     string    `json:"mfaAuthenticated"` // "false"
	} `json:"attributes"`
}

// Anonymous tells whether nobody has signed the call.
func (e Event) Anonymous() bool { return e.Identity.Type == "Unknown" }

// ReadOnly tells whether an operation changes nothing, by its name.
func ReadOnly(operation string) bool {
	for _, verb := range []string{"List", "Describe", "Get", "Preview", "Explain", "Compare", "Simulate", "Lookup"} {
		if strings.HasPrefix(operation, verb) {
			return true
		}
	}
	return false
}

// maxParameters bounds what an event keeps of a request, and of an answer.
const maxParameters = 16 << 10

// hidden stands for a secret, as CloudTrail writes it.
const hidden = "HIDDEN_DUE_TO_SECURITY_REASONS"

// Parameters makes requestParameters or responseElements of JSON: without secrets.
// Where they are too long, long texts and lists are cut, so that nobody keeps what
// was asked out of the record by asking for more; of what is too long even then the
// size is told. What is no JSON object becomes null.
func Parameters(text []byte) json.RawMessage {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var object map[string]any
	if len(text) == 0 || decoder.Decode(&object) != nil || object == nil {
		return nil
	}
	hide(object)
	out, err := json.Marshal(object)
	if err == nil && len(out) > maxParameters {
		out, err = json.Marshal(shorten(object))
	}
	if err != nil {
		return nil
	}
	if len(out) > maxParameters {
		return omitted(len(text))
	}
	return out
}

// What is left of texts and lists where parameters are too long.
const (
	shortText = 512 // bytes
	shortList = 10
)

// shorten cuts long texts and lists.
func shorten(value any) any {
	switch v := value.(type) {
	case string:
		if len(v) > shortText {
			return fmt.Sprintf("%s... (%d bytes)", Short(v, shortText), len(v))
		}
	case json.Number:
		if len(v) > shortText {
			return fmt.Sprintf("a number of %d digits", len(v))
		}
	case map[string]any:
		for name, inner := range v {
			v[name] = shorten(inner)
		}
	case []any:
		n := len(v)
		if n > shortList {
			v = append(v[:shortList:shortList], fmt.Sprintf("... (%d entries)", n))
		}
		for i := range v {
			v[i] = shorten(v[i])
		}
		return v
	}
	return value
}

// omitted stands for what is too long.
func omitted(size int) json.RawMessage {
	return fmt.Appendf(nil, `{"omitted":true,"originalSize":%d}`, size)
}

// hide replaces the values of members whose names say that they are secret.
func hide(value any) {
	switch v := value.(type) {
	case map[string]any:
		for name, inner := range v {
			if _, object := inner.(map[string]any); secret(name) && !(object && strings.EqualFold(name, "credentials")) {
				v[name] = hidden
			} else if address, text := inner.(string); text && strings.EqualFold(name, "url") {
				v[name] = withoutQuery(address)
			} else {
				hide(inner)
			}
		}
	case []any:
		for _, inner := range v {
			hide(inner)
		}
	}
}

// withoutQuery is a URL without its query, in which services have their keys.
func withoutQuery(address string) string {
	if before, query, _ := strings.Cut(address, "?"); query != "" {
		return before + "?" + hidden
	}
	return address
}

func secret(name string) bool {
	name = strings.ToLower(name)
	if name == "nexttoken" {
		return false
	}
	for _, part := range []string{"secret", "password", "token", "credential", "private", "signature"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}

// Short cuts a text of a stranger's to a number of bytes, at a rune.
func Short(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most]
}
