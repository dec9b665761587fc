package access

import (
	"net/http"
	"strings"
	"time"
)

// Sign signs a request of ours as its last change: host, content-type, date and
// target, in the header form. body is all of it. The command line's calls are
// signed by it; everybody else brings an SDK.
func Sign(r *http.Request, body []byte, key Credential, region, service string, now time.Time) {
	now = now.UTC()
	r.Header.Set("X-Amz-Date", now.Format(timeFormat))
	if r.Host == "" {
		r.Host = r.URL.Host
	}
	signed := []string{"content-type", "host", "x-amz-date", "x-amz-target"}
	c := credential{keyID: key.KeyID, date: now.Format(dateFormat), region: region, service: service}
	canonical := canonicalRequest(r, signed, payloadHash(body))
	r.Header.Set("Authorization", algorithm+
		" Credential="+c.keyID+"/"+c.scope()+
		", SignedHeaders="+strings.Join(signed, ";")+
		", Signature="+sign(key.Secret, c, stringToSign(now, c, canonical)))
}
