package api

import (
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/inspector"
	"github.com/aws/smithy-go"
)

// A client whose clock is an hour off is refused once, learns the time from the
// answer, and goes on.
func TestSDKCorrectsItsClock(t *testing.T) {
	for _, off := range []time.Duration{time.Hour, -time.Hour} {
		w := newWorld(t)
		clock := func() time.Time { return time.Now().Add(off) }
		w.api.Now, w.api.verifier.Now = clock, clock
		client := func(attempts int) *sdk.Client {
			return sdk.NewFromConfig(aws.Config{
				Region: "us-east-1", BaseEndpoint: aws.String(w.server.URL), HTTPClient: w.server.Client(), RetryMaxAttempts: attempts,
				Credentials: credentials.NewStaticCredentialsProvider(w.key.KeyID, w.key.Secret, ""),
			})
		}
		_, err := client(1).ListFindings(t.Context(), &sdk.ListFindingsInput{})
		var refused smithy.APIError
		if !errors.As(err, &refused) || refused.ErrorCode() != "InvalidSignatureException" {
			t.Errorf("%v off: %v", off, err)
		}
		if _, err := client(3).ListFindings(t.Context(), &sdk.ListFindingsInput{}); err != nil {
			t.Errorf("%v off, tried again: %v", off, err)
		}
	}
}
