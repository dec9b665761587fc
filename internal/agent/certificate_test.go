package agent_test

import (
	"crypto/tls"
	"strings"
	"testing"
	"time"

	"assay/internal/agent/credential"
	"assay/internal/agent/gatewaytest"
	"assay/internal/agent/uplink"
)

func TestCertificateRenewsItself(t *testing.T) {
	t.Parallel()
	g := gatewaytest.New(t)
	g.Life, g.Backdate = time.Hour, 23*time.Hour
	dir := enrolled(t, g)
	before, err := credential.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	g.Do(func() { g.Life, g.Backdate = 24*time.Hour, 0 })
	start(t, dir)
	until(t, "it is renewed", func() bool { return g.Renewals() > 0 })
	n := len(g.Beats())
	until(t, "beats go on", func() bool { return len(g.Beats()) > n+1 })
	after, err := credential.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if g.Renewals() != 1 || after.Agent != before.Agent || !after.NotAfter().After(before.NotAfter()) || string(after.Key) == string(before.Key) {
		t.Errorf("after %d renewals: %v until %v, before until %v", g.Renewals(), after, after.NotAfter(), before.NotAfter())
	}
}

func TestExpiredCertificateSaysWhatToDo(t *testing.T) {
	t.Parallel()
	g := gatewaytest.New(t)
	g.Life, g.Backdate = -time.Minute, time.Hour
	dir := enrolled(t, g)
	stop, log := start(t, dir, some("a", 1, 1))
	until(t, "it is logged", func() bool { return strings.Contains(log.String(), "assay-agent enroll") })
	until(t, "the refusal is logged", func() bool { return strings.Contains(log.String(), "what=heartbeat") })
	time.Sleep(1500 * time.Millisecond) // further tries must not be logged
	stop()
	if n := strings.Count(log.String(), "level=WARN"); n != 2 {
		t.Errorf("%d warnings for one trouble with the certificate and one with the heartbeat:\n%s", n, log)
	}
}

func TestEnrolmentIsRefused(t *testing.T) {
	t.Parallel()
	g, other := gatewaytest.New(t), gatewaytest.New(t)
	pin := func(p string) *tls.Config {
		c, err := uplink.TrustPin(p)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	foreign := request(t, other).Trust
	tests := []struct {
		name   string
		change func(*credential.Request)
		want   string // in the error; empty: none
	}{
		{"good", func(*credential.Request) {}, ""},
		{"a pin", func(r *credential.Request) { r.Trust = pin(g.Pin) }, ""},
		{"another's pin", func(r *credential.Request) { r.Trust = pin(other.Pin) }, "pinned"},
		{"another's CA", func(r *credential.Request) { r.Trust = foreign }, "does not trust"},
		{"the system's roots", func(r *credential.Request) { r.Trust = nil }, "does not trust"},
		{"a wrong token", func(r *credential.Request) { r.Token = "a-wrong-secret" }, "401"},
		{"no token", func(r *credential.Request) { r.Token = "" }, "token"},
		{"http", func(r *credential.Request) { r.Server = "http://" + strings.TrimPrefix(g.URL, "https://") }, "https://"},
		{"nobody there", func(r *credential.Request) { r.Server = "https://127.0.0.1:1" }, "refused"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := request(t, g)
			test.change(&r)
			_, err := credential.Enroll(t.Context(), r)
			switch {
			case test.want == "" && err != nil:
				t.Error(err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("the error is %v, and should say %q", err, test.want)
			case err != nil && r.Token != "" && strings.Contains(err.Error(), r.Token):
				t.Errorf("the token is in the error: %v", err)
			}
		})
	}
}
