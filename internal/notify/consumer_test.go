package notify

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"assay/internal/inspector"
	"assay/internal/testenv"
)

// python runs a script of testdata.
func python(t *testing.T, in any, script string, args ...string) string {
	t.Helper()
	program := testenv.Need(t, "python3", "python3")
	text, ok := in.(string)
	if !ok {
		data, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		text = string(data)
	}
	cmd := exec.Command(program, append([]string{"testdata/" + script}, args...)...)
	cmd.Stdin = strings.NewReader(text)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return strings.TrimSpace(string(out))
}

var messages = []struct{ message, understood string }{
	{`{"event":"ASSESSMENT_RUN_STARTED","target":"arn:aws:inspector:us-west-2:123456789012:target/0-0kFIPusq","template":"arn:aws:inspector:us-west-2:123456789012:target/0-0kFIPusq/template/0-4r1V2mAw","run":"arn:aws:inspector:us-west-2:123456789012:target/0-0kFIPusq/template/0-4r1V2mAw/run/0-MKkpXXPE","time":"2026-11-23T12:00:00.123Z"}`,
		"ASSESSMENT_RUN_STARTED 0-0kFIPusq 0-4r1V2mAw 0-MKkpXXPE"},
	{inspector.EventMessage{Event: inspector.RunStateChanged, NewState: inspector.CollectingData, Target: "a/t", Template: "a/te", Run: "a/r", Time: "2026-11-23T12:00:01.123Z"}.String(),
		"ASSESSMENT_RUN_STATE_CHANGED t te r COLLECTING_DATA"},
	{inspector.EventMessage{Event: inspector.FindingReported, Finding: "f", Target: "t", Template: "te", Run: "r", Time: inspector.EventTime(time.Now())}.String(),
		"FINDING_REPORTED t te r f"},
	{inspector.EventMessage{Event: inspector.RunCompleted, FindingsCount: inspector.FindingsCount([]inspector.PackageCount{{PackageARN: "arn:a", Findings: 14}, {PackageARN: "arn:b"}, {PackageARN: "arn:c", Findings: 2}}),
		Target: "t", Template: "te", Run: "r", Time: "2026-11-23T12:00:01.123Z"}.String(),
		"ASSESSMENT_RUN_COMPLETED t te r 16"},
	{inspector.EventMessage{Event: inspector.EnabledEvent, Target: "t", Template: "te", Time: "2026-11-23T12:00:01.123Z"}.String(), "ENABLE_ASSESSMENT_NOTIFICATIONS t te "},
}

// TestConsumers posts every kind of message in every format, and has what came read
// by a consumer of SNS's messages and verified by programs that share nothing with
// this one.
func TestConsumers(t *testing.T) {
	openssl := testenv.Need(t, "openssl", "openssl")
	text := "whsec_" + base64.StdEncoding.EncodeToString(secret)
	for _, format := range []inspector.WebhookFormat{inspector.FormatSNS, inspector.FormatLambda, inspector.FormatRaw} {
		r := newReceiver(t, nil)
		var box outbox
		w := r.webhook()
		w.Format = format
		for _, m := range messages {
			box.add(w, m.message)
		}
		box.deliver(t, Config{Version: "1.0"}, box.settled)
		for i, got := range r.got() {
			headers := map[string]string{}
			for name := range got.header {
				headers[strings.ToLower(name)] = got.header.Get(name)
			}
			in := got.body
			if format == inspector.FormatRaw {
				if got.body != messages[i].message || headers["content-type"] != "application/json" {
					t.Errorf("raw: %v %s", headers, got.body)
				}
				in = string(mustJSON(t, map[string]string{"Type": "Notification", "MessageId": headers["webhook-id"], "Message": got.body}))
			}
			if format == inspector.FormatSNS && (headers["x-amz-sns-message-type"] != "Notification" || headers["x-amz-sns-topic-arn"] != topic || headers["x-amz-sns-message-id"] != headers["webhook-id"]) {
				t.Errorf("sns: headers %v", headers)
			}
			if out := python(t, in, "consumer.py"); out != strings.TrimSpace(messages[i].understood) {
				t.Errorf("%s: the consumer understood %q, want %q, of %s", format, out, messages[i].understood, got.body)
			}
			if i > 0 {
				continue // one signature of each format is as good as all
			}
			delivery := map[string]any{"headers": headers, "body": got.body}
			if out := python(t, delivery, "verify.py", text); out != "valid" {
				t.Errorf("%s: python says %s", format, out)
			}
			delivery["body"] = strings.Replace(got.body, "STARTED", "stopped", 1)
			if out := python(t, delivery, "verify.py", text); out != "FORGED" {
				t.Errorf("%s: of a forged message python says %s", format, out)
			}
			if at, err := strconv.ParseInt(headers["webhook-timestamp"], 10, 64); err != nil || time.Since(time.Unix(at, 0)).Abs() > time.Minute {
				t.Errorf("the time of the attempt is %s", headers["webhook-timestamp"])
			}
			cmd := exec.Command(openssl, "dgst", "-sha256", "-mac", "HMAC", "-macopt", "hexkey:"+hex.EncodeToString(secret), "-binary")
			cmd.Stdin = strings.NewReader(headers["webhook-id"] + "." + headers["webhook-timestamp"] + "." + got.body)
			sum, err := cmd.Output()
			if want := "v1," + base64.StdEncoding.EncodeToString(sum); err != nil || headers["webhook-signature"] != want {
				t.Errorf("%s: openssl says %s (%v), we %s", format, want, err, headers["webhook-signature"])
			}
		}
	}
}

func mustJSON(t testing.TB, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// While a secret is exchanged both sign.
func TestTwoSecrets(t *testing.T) {
	r := newReceiver(t, nil)
	var box outbox
	box.add(r.webhook(), "{}")
	other := bytes.Repeat([]byte("x"), 32)
	box.entries[0].Secrets = [][]byte{other, secret}
	box.deliver(t, Config{}, box.settled)
	got := r.got()[0]
	delivery := map[string]any{"body": got.body, "headers": map[string]string{
		"webhook-id": got.header.Get("webhook-id"), "webhook-timestamp": got.header.Get("webhook-timestamp"), "webhook-signature": got.header.Get("webhook-signature"),
	}}
	for _, key := range [][]byte{secret, other} {
		if out := python(t, delivery, "verify.py", "whsec_"+base64.StdEncoding.EncodeToString(key)); out != "valid" {
			t.Errorf("one of two secrets: %s", out)
		}
	}
}

// The vector of the specification's own libraries
// (https://github.com/standard-webhooks/standard-webhooks).
func TestSignatureVector(t *testing.T) {
	key, err := base64.StdEncoding.DecodeString("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		t.Fatal(err)
	}
	h := map[string][]string{}
	sign(h, [][]byte{key}, "msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	if got := h["Webhook-Signature"][0]; got != "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" {
		t.Errorf("the signature is %s", got)
	}
}
