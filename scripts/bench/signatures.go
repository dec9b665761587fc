//go:build linux

package main

import (
	"bytes"
	"context"
	"net/http"
	"time"

	"assay/internal/access"
)

const goalSignature = 20 // microseconds

// oneKey is a source of one access key.
type oneKey access.Credential

func (k oneKey) Credential(_ context.Context, id, _ string) (access.Credential, bool, error) {
	return access.Credential(k), id == k.KeyID, nil
}

// signatures measures what it costs to check the signature of a request.
func (b *bench) signatures(ctx context.Context) error {
	now := time.Now()
	key := access.Credential{KeyID: "AKIAIOSFODNN7EXAMPLE", User: "bench", Secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}
	body := []byte(`{"maxResults":500,"filter":{"severities":["High"]}}`)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://assay.example:8443/", bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "InspectorService.ListFindings")
	access.Sign(r, body, key, "eu-central-1", "inspector", now)
	r.RequestURI, r.Host = "/", "assay.example:8443"
	verifier := access.Verifier{Source: oneKey(key), Now: func() time.Time { return now }}
	want := access.Want{Service: "inspector", Headers: []string{"x-amz-target"}}
	const checks = 2000
	took, err := repeated(func() error {
		for range checks {
			if _, err := verifier.Verify(ctx, r, body, want); err != nil {
				return err
			}
		}
		return nil
	})
	b.table.below("a signature check", took.Seconds()*1e6/checks, "us", goalSignature)
	return err
}
