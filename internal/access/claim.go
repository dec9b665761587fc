package access

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// claim is what a request says about its own signature, in the Authorization
// header or in the query.
type claim struct {
	credential credential
	at         time.Time
	expires    time.Duration // of the query form; 0: the header form
	signed     []string      // names of headers, in lower case, sorted
	signature  string
	token      string // of a session
}

// maxSigned bounds the signed headers. SDKs sign about ten.
const maxSigned = 100

// readClaim finds and parses the claim. All errors are *Error.
func readClaim(r *http.Request) (claim, error) {
	if authorization := r.Header.Values("Authorization"); len(authorization) > 0 {
		if len(authorization) > 1 {
			return claim{}, refuse(IncompleteSignature, "Request must contain one 'Authorization' header.")
		}
		return headerClaim(r, authorization[0])
	}
	_, raw := target(r)
	query, err := url.ParseQuery(raw)
	if err != nil || !query.Has("X-Amz-Algorithm") {
		return claim{}, refuse(MissingToken, "Missing Authentication Token")
	}
	return queryClaim(query)
}

// headerClaim reads "AWS4-HMAC-SHA256 Credential=..., SignedHeaders=..., Signature=...".
func headerClaim(r *http.Request, authorization string) (claim, error) {
	scheme, rest, _ := strings.Cut(authorization, " ")
	if scheme != algorithm {
		return claim{}, refuse(IncompleteSignature, "Unsupported AWS 'algorithm' in the Authorization header: it must be '%s'.", algorithm)
	}
	fields := map[string]string{}
	for part := range strings.SplitSeq(rest, ",") {
		name, value, ok := strings.Cut(strings.TrimSpace(part), "=")
		if !ok {
			return claim{}, refuse(IncompleteSignature, "A key=value pair in the Authorization header has no equal-sign.")
		}
		fields[name] = value
	}
	for _, name := range []string{"Credential", "Signature", "SignedHeaders"} {
		if fields[name] == "" {
			return claim{}, refuse(IncompleteSignature, "Authorization header requires '%s' parameter.", name)
		}
	}
	dates := r.Header.Values("X-Amz-Date")
	if len(dates) != 1 {
		return claim{}, refuse(IncompleteSignature, "Authorization header requires existence of one 'X-Amz-Date' header.")
	}
	c := claim{signature: fields["Signature"], token: r.Header.Get("X-Amz-Security-Token")}
	return c, c.parse(fields["Credential"], dates[0], fields["SignedHeaders"])
}

// maxExpires is how long a query form may be valid: seven days.
const maxExpires = 7 * 24 * 60 * 60

func queryClaim(query url.Values) (claim, error) {
	for _, name := range []string{"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date", "X-Amz-Expires"} {
		if len(query[name]) != 1 || query.Get(name) == "" {
			return claim{}, refuse(IncompleteSignature, "AWS query-string parameters must include '%s' once.", name)
		}
	}
	if query.Get("X-Amz-Algorithm") != algorithm {
		return claim{}, refuse(IncompleteSignature, "Unsupported AWS 'algorithm': 'X-Amz-Algorithm' must be '%s'.", algorithm)
	}
	seconds, err := strconv.Atoi(query.Get("X-Amz-Expires"))
	if err != nil || seconds < 1 || seconds > maxExpires {
		return claim{}, refuse(IncompleteSignature, "'X-Amz-Expires' must be a number of seconds between 1 and %d.", maxExpires)
	}
	c := claim{signature: query.Get("X-Amz-Signature"), token: query.Get("X-Amz-Security-Token"), expires: time.Duration(seconds) * time.Second}
	return c, c.parse(query.Get("X-Amz-Credential"), query.Get("X-Amz-Date"), query.Get("X-Amz-SignedHeaders"))
}

// parse fills in what both forms have.
func (c *claim) parse(credentialText, date, signed string) error {
	at, err := time.Parse(timeFormat, date)
	if err != nil {
		return refuse(IncompleteSignature, "Date must be in ISO-8601 'basic format'. See http://en.wikipedia.org/wiki/ISO_8601")
	}
	parts := strings.Split(credentialText, "/")
	if len(parts) != 5 {
		return refuse(IncompleteSignature, "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term.")
	}
	if parts[4] != terminator {
		return refuse(InvalidSignature, "Credential should be scoped with a valid terminator: '%s'.", terminator)
	}
	c.at = at
	c.credential = credential{keyID: parts[0], date: parts[1], region: parts[2], service: parts[3]}
	c.signed = strings.Split(signed, ";")
	if len(c.signed) > maxSigned || !slices.IsSorted(c.signed) || len(slices.Compact(slices.Clone(c.signed))) != len(c.signed) || signed != strings.ToLower(signed) {
		return refuse(IncompleteSignature, "SignedHeaders must be distinct lower-case names in order, separated by semicolons.")
	}
	return nil
}
