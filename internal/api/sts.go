package api

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"encoding/xml"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"assay/internal/access"
)

// Two operations of AWS STS are served: GetCallerIdentity, which tools ask first,
// and GetSessionToken. AssumeRole is not: there are no roles in Assay whose
// permissions somebody could take on.
const stsVersion = "2011-06-15"

// identityResponse is what GetCallerIdentity answers with.
type identityResponse struct {
	XMLName   xml.Name `xml:"https://sts.amazonaws.com/doc/2011-06-15/ GetCallerIdentityResponse"`
	ARN       string   `xml:"GetCallerIdentityResult>Arn"`
	UserID    string   `xml:"GetCallerIdentityResult>UserId"`
	Account   string   `xml:"GetCallerIdentityResult>Account"`
	RequestID string   `xml:"ResponseMetadata>RequestId"`
}

// sessionResponse is what GetSessionToken answers with.
type sessionResponse struct {
	XMLName    xml.Name `xml:"https://sts.amazonaws.com/doc/2011-06-15/ GetSessionTokenResponse"`
	KeyID      string   `xml:"GetSessionTokenResult>Credentials>AccessKeyId"`
	Secret     string   `xml:"GetSessionTokenResult>Credentials>SecretAccessKey"`
	Token      string   `xml:"GetSessionTokenResult>Credentials>SessionToken"`
	Expiration string   `xml:"GetSessionTokenResult>Credentials>Expiration"`
	RequestID  string   `xml:"ResponseMetadata>RequestId"`
}

// callSTS takes a request through the stations of call.
func (s *Server) callSTS(w http.ResponseWriter, r *http.Request, call *Call) (document any, err error) {
	body, err := readBody(w, r)
	if err != nil {
		return nil, err
	}
	form, err := queryForm(r, body)
	if err != nil {
		return nil, err
	}
	if !form.Has("Action") {
		return nil, &protocolError{http.StatusBadRequest, "MissingAction", "The request must have an X-Amz-Target header or an Action parameter"}
	}
	if err := s.verify(r, body, access.Want{Service: "sts"}, call); err != nil {
		return nil, err
	}
	do := s.stsOperation(form.Get("Action"))
	if do == nil || form.Get("Version") != stsVersion {
		return nil, &protocolError{http.StatusBadRequest, "InvalidAction", "Could not find this operation in version " + stsVersion}
	}
	call.Operation, call.Action, call.Request = form.Get("Action"), "sts:"+form.Get("Action"), parameters(form)
	if err := s.Authorize(r.Context(), call.Who, call.Action); err != nil {
		return nil, err
	}
	return do(r.Context(), form, call)
}

func (s *Server) stsOperation(name string) func(context.Context, url.Values, *Call) (any, error) {
	switch {
	case name == "GetCallerIdentity":
		return s.callerIdentity
	case name == "GetSessionToken" && s.Sessions != nil:
		return s.sessionToken
	}
	return nil
}

// parameters are those of an operation as JSON, for the record.
func parameters(form url.Values) []byte {
	kept := map[string]string{}
	for name := range form {
		if name != "Action" && name != "Version" && !strings.HasPrefix(name, "X-Amz-") {
			kept[name] = form.Get(name)
		}
	}
	if len(kept) == 0 {
		return nil
	}
	text, _ := json.Marshal(kept) // strings: it cannot fail
	return text
}

func (s *Server) callerIdentity(_ context.Context, _ url.Values, call *Call) (any, error) {
	id := call.Who.UserID
	if id == "" {
		id = userID(call.Who.User)
	}
	return &identityResponse{
		ARN:    access.UserARN(s.Scope.Target("").Partition, s.Scope.Account, call.Who.User),
		UserID: id, Account: s.Scope.Account, RequestID: call.ID,
	}, nil
}

func (s *Server) sessionToken(_ context.Context, form url.Values, call *Call) (any, error) {
	if form.Has("SerialNumber") || form.Has("TokenCode") {
		return nil, &protocolError{http.StatusForbidden, "AccessDenied", "MultiFactorAuthentication failed: no user has an MFA device here"}
	}
	valid := access.DefaultSession
	if text := form.Get("DurationSeconds"); text != "" {
		seconds, err := strconv.Atoi(text)
		if err != nil {
			return nil, &protocolError{http.StatusBadRequest, "MalformedInput", "DurationSeconds is not a number"}
		}
		least, most := int(access.MinSession/time.Second), int(access.MaxSession/time.Second)
		if seconds < least || seconds > most {
			return nil, &protocolError{http.StatusBadRequest, "ValidationError", "1 validation error detected: Value '" + strconv.Itoa(seconds) +
				"' at 'durationSeconds' failed to satisfy constraint: Member must have value between " + strconv.Itoa(least) + " and " + strconv.Itoa(most)}
		}
		valid = time.Duration(seconds) * time.Second
	}
	c, err := s.Sessions.Issue(call.Who, s.Now(), valid)
	if err != nil {
		return nil, err
	}
	expiration := c.Expires.UTC().Format(time.RFC3339)
	call.Response, _ = json.Marshal(map[string]any{"credentials": map[string]string{"accessKeyId": c.KeyID, "expiration": expiration}})
	return &sessionResponse{KeyID: c.KeyID, Secret: c.Secret, Token: c.SessionToken, Expiration: expiration, RequestID: call.ID}, nil
}

// userID is an id of IAM's form that stays the same, for a key whose user has none.
func userID(user string) string {
	sum := sha256.Sum256([]byte("assay user " + user))
	return "AIDA" + strings.ToUpper(base32.StdEncoding.EncodeToString(sum[:])[:17])
}
