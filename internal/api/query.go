package api

import (
	"encoding/xml"
	"errors"
	"mime"
	"net/http"
	"net/url"

	"assay/internal/access"
	"assay/internal/inspector"
)

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
	document, err := s.callSTS(w, r, call)
	if err != nil {
		return queryFailure(err, call)
	}
	return xmlAnswer(http.StatusOK, document, call)
}

// queryFailure is the answer to an error.
func queryFailure(err error, call *Call) answer {
	status, document := queryError(err, call)
	return xmlAnswer(status, document, call)
}

func xmlAnswer(status int, document any, call *Call) answer {
	body, err := xml.MarshalIndent(document, "", "  ")
	if err != nil {
		call.cause = err
		return answer{http.StatusInternalServerError, "text/xml", nil}
	}
	return answer{status, "text/xml", append(body, '\n')}
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
	case errors.As(err, &domain) && domain.Kind == inspector.Unavailable:
		status, out.Type, out.Code = http.StatusServiceUnavailable, "Receiver", "ServiceUnavailable"
	default:
		call.cause = err
		status, out.Type, out.Code, out.Message = http.StatusInternalServerError, "Receiver", "InternalFailure", "Internal server error."
	}
	call.Error, call.Message = out.Code, out.Message
	return status, out
}
