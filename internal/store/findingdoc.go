package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/klauspost/compress/s2"

	"assay/internal/inspector"
)

// findingDoc is what no query looks at.
type findingDoc struct {
	Rule           string                `json:"rule,omitempty"`
	Subject        string                `json:"subject,omitempty"`
	Title          string                `json:"title,omitempty"`
	Description    string                `json:"description,omitempty"`
	Recommendation string                `json:"recommendation,omitempty"`
	Confidence     int                   `json:"confidence,omitempty"`
	Attributes     []inspector.Attribute `json:"attributes,omitempty"`
	UserAttributes []inspector.Attribute `json:"user_attributes,omitempty"`
	Asset          inspector.Asset       `json:"asset"`
	Evidence       []inspector.Evidence  `json:"evidence,omitempty"`
	UpdatedAt      time.Time             `json:"updated_at"`
}

func docOf(f inspector.Finding) findingDoc {
	return findingDoc{f.Rule, f.Subject, f.Title, f.Description, f.Recommendation, f.Confidence, f.Attributes, f.UserAttributes, f.Asset, f.Evidence,
		f.UpdatedAt.UTC().Truncate(time.Microsecond)}
}

// packedWith1 starts a doc that is S2-compressed with the dictionary sample1. A doc
// that was written before docs were compressed is JSON, and starts with a brace.
const packedWith1 = 0x01

// sample1 is what documents have in common: names of members and usual phrases.
// What was written with it is read with it: it never changes. A better one is
// another, with a mark of its own.
const sample1 = `"evidence":[{"sensor":"text","record":"text:/etc/ssh/sshd_config","file":"/etc/ssh/sshd_config","line":1,"found":"PermitRootLogin yes","expected":"no"}],` +
	`"attributes":[{"Key":"BENCHMARK_ID","Value":"CIS Benchmark"},{"Key":"BENCHMARK_RULE_ID","Value":"1.1.2 Ensure that"},{"Key":"CIS_BENCHMARK_PROFILE","Value":"Level 1 - Server"},` +
	`{"Key":"RULE_TYPE","Value":"RecognizedPortWithListener"},{"Key":"PORT","Value":"22"},{"Key":"PROTOCOL","Value":"TCP"},{"Key":"PORT_GROUP_NAME","Value":"SSH"},` +
	`{"Key":"REACHABILITY_TYPE","Value":"Internet"},{"Key":"VPC","Value":"vpc-0"},{"Key":"ENI","Value":"eni-0"},{"Key":"ACL","Value":"acl-0"},{"Key":"IGW","Value":"igw-0"},{"Key":"SECURITY_GROUP","Value":"sg-0"}],` +
	`No potential security issues found Unsupported Operating System or Version. is not compliant with rule is reachable from the internet ` +
	`{"rule":"CVE-2026-1","subject":"openssl","title":"Instance i-0 is vulnerable to CVE-2026-1","description":"The package is installed, and is affected: an attacker can remotely cause a denial of service, execute arbitrary code or read memory, in versions before the one that fixes the issue. A vulnerability was found. It was discovered that does not properly check",` +
	`"recommendation":"Update the package to version or later, with the package manager of the system, and restart what uses it. See https://security-tracker.debian.org/tracker/CVE-2026-1","confidence":10,` +
	`"attributes":[{"Key":"CVE_ID","Value":"CVE-2026-1"},{"Key":"INSTANCE_ID","Value":"i-0"},{"Key":"package_name","Value":"openssl"},{"Key":"CVSS2_SCORE","Value":"5.0"},` +
	`{"Key":"CVSS2_SCORE_VECTOR","Value":"AV:N/AC:L/Au:N/C:N/I:N/A:P"},{"Key":"CVSS3_SCORE","Value":"7.5"},{"Key":"CVSS3_SCORE_VECTOR","Value":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],` +
	`"user_attributes":[{"Key":"team","Value":"a"}],"asset":{"agent":"i-0","auto_scaling_group":"asg","ami":"ami-0","hostname":"host.example.org","ipv4_addresses":["10.0.0.1"],"tags":[{"Key":"Name","Value":"web"}]},` +
	`"evidence":[{"sensor":"packages","record":"package:openssl","found":"1.1.1","expected":"at least 1.1.1"}],"updated_at":"2026-01-01T00:00:00.000000Z"}`

// packer packs docs. It is safe for concurrent use.
var packer = s2.MakeDict([]byte(sample1), nil)

// packDoc makes the doc of a finding.
func packDoc(d findingDoc) []byte {
	text := []byte(toJSON(d))
	out := make([]byte, 1, 1+s2.MaxEncodedLen(len(text)))
	out[0] = packedWith1
	return append(out, packer.Encode(out[1:cap(out)], text)...)
}

// packDocs makes the docs of findings on all processors: it is what the writer of a
// database would wait for.
func packDocs(findings []inspector.Finding) [][]byte {
	docs := make([][]byte, len(findings))
	share := len(findings)/runtime.GOMAXPROCS(0) + 1
	var group sync.WaitGroup
	for from := 0; from < len(findings); from += share {
		group.Go(func() {
			for i := from; i < min(from+share, len(findings)); i++ {
				docs[i] = packDoc(docOf(findings[i]))
			}
		})
	}
	group.Wait()
	return docs
}

// maxDoc bounds a doc that is unpacked, in bytes.
const maxDoc = 16 << 20

// scanned decodes a JSON column, packed or not.
func scanned(text []byte, into any) error {
	if len(text) == 0 || text[0] != packedWith1 {
		return json.Unmarshal(text, into)
	}
	if n, err := s2.DecodedLen(text[1:]); err != nil || n > maxDoc {
		return errors.New("a document of the database is damaged: its length is wrong")
	}
	text, err := packer.Decode(nil, text[1:])
	if err != nil {
		return fmt.Errorf("a document of the database is damaged: %w", err)
	}
	return jsonv2.Unmarshal(text, into) // in half the time
}
