package api

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/xml"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"assay/internal/access"
	"assay/internal/inspector"
)

const (
	stsVersion = "2011-06-15"
)

// identityResponse is what GetCallerIdentity answers with.
type identityResponse struct {
	XMLName   xml.Name `xml:"https://sts.amazonaws.com/doc/2011-06-15/ GetCallerIdentityResponse"`
	ARN       string   `xml:"GetCallerIdentityResult>Arn"`
	UserID    string   `xml:"GetCallerIdentityResult>UserId"`
	Account   string   `xml:"GetCallerIdentityResult>Account"`
	RequestID string   `xml:"ResponseMetadata>RequestId"`
}

// errorResponse is an error of the query protocol.
type errorResponse struct {
	XMLName   xml.Name `xml:"https://sts.amazonaws.com/doc/2011-06-15/ ErrorResponse"`
	Type      string   `xml:"Error>Type"`
	Code      string   `xml:"Error>Code"`
	Message   string   `xml:"Error>Message"`
	RequestID string   `xml:"RequestId"`
}

// serveQuery answers a call of AWS STS.
func (s *Server) serveQuery(w http.ResponseWriter, r *http.Request, call *Call) answer {
	out, err := s.callerIdentity(w, r, call)
	status := http.StatusOK
	var document any = out
	if err != nil {
		status, document = queryError(err, call)
	}
	body, err := xml.MarshalIndent(document, "", "  ")
	if err != nil {
		call.cause = err
		return answer{http.StatusInternalServerError, "text/xml", nil}
	}
	return answer{status, "text/xml", append(body, '\n')}
}

func (s *Server) callerIdentity(w http.ResponseWriter, r *http.Request, call *Call) (*identityResponse, error) {
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
	call.Who, err = s.verifier.Verify(r.Context(), r, body, access.Want{Service: "sts"})
	if err != nil {
		return nil, err
	}
	if form.Get("Action") != "GetCallerIdentity" || form.Get("Version") != stsVersion {
		return nil, &protocolError{http.StatusBadRequest, "InvalidAction", "Could not find this operation in version " + stsVersion}
	}
	call.Operation = "GetCallerIdentity"
	if err := s.Authorize(r.Context(), call.Who, "sts:GetCallerIdentity"); err != nil {
		return nil, err
	}
	partition := s.Scope.Target("").Partition
	return &identityResponse{
		ARN: "arn:" + partition + ":iam::" + s.Scope.Account + ":user/" + call.Who.User, UserID: userID(call.Who.User),
		Account: s.Scope.Account, RequestID: call.ID,
	}, nil
}

// queryForm are the parameters of a POST's body or of a GET's query.
func queryForm(r *http.Request, body []byte) (url.Values, error) {
	text := r.URL.RawQuery
	if r.Method == http.MethodPost {
		if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/x-www-form-urlencoded" {
			return url.Values{}, nil
		}
		text = string(body)
	}
	form, err := url.ParseQuery(text)
	if err != nil || r.Method != http.MethodPost && r.Method != http.MethodGet {
		return nil, &protocolError{http.StatusBadRequest, "MalformedInput", "The parameters of the request could not be read"}
	}
	return form, nil
}

// userID is an id of IAM's form that stays the same for a user.
func userID(user string) string {
	sum := sha256.Sum256([]byte("assay user " + user))
	return "AIDA" + strings.ToUpper(base32.StdEncoding.EncodeToString(sum[:])[:17])
}

// queryError is the answer to an error, and a note of it in the call. The query
// protocol has names and statuses of its own for the errors of signatures.
func queryError(err error, call *Call) (int, errorResponse) {
	out := errorResponse{Type: "Sender", RequestID: call.ID, Message: err.Error()}
	status := http.StatusForbidden
	var refusal *access.Error
	var protocol *protocolError
	var domain *inspector.Err
	switch {
	case errors.As(err, &refusal):
		out.Code = map[access.Code]string{
			access.MissingToken: "MissingAuthenticationToken", access.IncompleteSignature: "IncompleteSignature", access.InvalidSignature: "SignatureDoesNotMatch",
			access.UnrecognizedClient: "InvalidClientTokenId", access.ExpiredToken: "ExpiredToken",
		}[refusal.Code]
		if refusal.Code == access.IncompleteSignature {
			status = http.StatusBadRequest
		}
	case errors.As(err, &protocol):
		status, out.Code = protocol.status, protocol.code
	case errors.As(err, &domain) && domain.Kind == inspector.AccessDenied:
		out.Code = "AccessDenied"
	default:
		call.cause = err
		status, out.Type, out.Code, out.Message = http.StatusInternalServerError, "Receiver", "InternalFailure", "Internal server error."
	}
	call.Error = out.Code
	return status, out
}
