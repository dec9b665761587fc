package gateway

import (
	"bytes"
	"crypto/tls"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"assay/internal/assess"
	"assay/internal/identity"
	"assay/internal/inspector"
	"assay/internal/wire"
)

// An agent goes the whole way: enrol, beat, upload, complete; and renews.
func TestAnAgentsWay(t *testing.T) {
	d := openDoor(t)
	c := d.enrol()
	if got := c.beat(); len(got.Instructions) != 0 || got.Interval != 30 || time.Since(got.Now) > time.Minute {
		t.Errorf("before a run: %+v", got)
	}
	run := d.start()
	on := c.beat().Instructions
	if len(on) != 1 || on[0].Run != run.ID || on[0].Check() != nil {
		t.Fatalf("instructions %+v", on)
	}
	for range 2 { // the first acknowledgement may be lost
		var out wire.SegmentResponse
		status, refused, _ := c.do("PUT", wire.PathSegment(run.ID, 1), c.segment(run.ID, 1, "PermitRootLogin yes\n"), &out)
		if status != http.StatusOK && refused.Code != assess.CodeOutOfOrder || status == http.StatusOK && out.Sequence != 1 {
			t.Fatalf("%d %+v %+v", status, refused, out)
		}
	}
	status, refused, _ := c.do("POST", wire.PathComplete(run.ID), wire.CompleteRequest{Protocol: wire.Version, Segments: 1}, nil)
	if status != http.StatusOK {
		t.Fatalf("complete: %d %+v", status, refused)
	}
	done := d.await(run.ID, func(r inspector.Run) bool { return r.State.Final() })
	if done.State != inspector.Completed || done.FindingCounts[inspector.Medium] != 1 {
		t.Errorf("the run is %s with %v", done.State, done.FindingCounts)
	}
	status, refused, _ = c.do("PUT", wire.PathSegment(run.ID, 2), c.segment(run.ID, 2, "x"), nil)
	if status != http.StatusGone || refused.Code != assess.CodeRunOver {
		t.Errorf("a segment after the end: %d %+v", status, refused)
	}

	var renewed wire.RenewResponse
	if status, refused, _ := c.do("POST", wire.PathRenew, wire.RenewRequest{Protocol: wire.Version, CSR: c.csr()}, &renewed); status != http.StatusOK {
		t.Fatalf("renew: %d %+v", status, refused)
	}
	c.connect(c.certificate(renewed.Certificate))
	c.beat()
	for _, secret := range []string{"PRIVATE KEY", "assay-enroll-", "PermitRootLogin"} {
		if strings.Contains(d.log.String(), secret) {
			t.Errorf("%q is in the log", secret)
		}
	}
}

func TestCA(t *testing.T) {
	d := openDoor(t)
	resp, err := d.caller(nil).client.Get("https://" + d.addr + "/agent/v1/ca")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); !bytes.Equal(body, d.Authority.CA()) {
		t.Errorf("%s: %s", resp.Status, body)
	}
}

func TestRefusals(t *testing.T) {
	d := openDoor(t)
	c, nobody := d.enrol(), d.caller(nil)
	run := d.start()
	complete := wire.CompleteRequest{Protocol: wire.Version, Segments: 1}
	enroll := wire.EnrollRequest{Protocol: wire.Version, Token: d.token(1), CSR: nobody.csr(), Version: "1", Facts: facts}
	with := func(change func(*wire.EnrollRequest)) wire.EnrollRequest {
		e := enroll
		change(&e)
		return e
	}
	for name, k := range map[string]struct {
		from   *caller
		method string
		path   string
		body   any
		status int
		code   string
	}{
		"no certificate":            {nobody, "POST", wire.PathHeartbeat, c.heartbeat(), 401, codeNoCertificate},
		"no certificate to upload":  {nobody, "PUT", wire.PathSegment(run.ID, 1), c.segment(run.ID, 1, "x"), 401, codeNoCertificate},
		"no certificate to renew":   {nobody, "POST", wire.PathRenew, wire.RenewRequest{Protocol: 1, CSR: nobody.csr()}, 401, codeNoCertificate},
		"no such path":              {c, "GET", "/", nil, 404, codeUnknownPath},
		"no such method":            {c, "GET", wire.PathHeartbeat, nil, 404, codeUnknownPath},
		"no JSON":                   {c, "POST", wire.PathHeartbeat, strings.NewReader("beat"), 400, assess.CodeMalformed},
		"an unknown member":         {c, "POST", wire.PathHeartbeat, strings.NewReader(`{"protocol":1,"exec":"id"}`), 400, assess.CodeMalformed},
		"something behind":          {c, "POST", wire.PathHeartbeat, strings.NewReader(`{"protocol":1} {}`), 400, assess.CodeMalformed},
		"a doubled member":          {c, "POST", wire.PathHeartbeat, strings.NewReader(`{"protocol":1,"protocol":1}`), 400, assess.CodeMalformed},
		"a newer protocol":          {c, "POST", wire.PathHeartbeat, wire.Heartbeat{Protocol: 2}, 400, codeProtocol},
		"a large document":          {c, "POST", wire.PathHeartbeat, strings.NewReader(`{"version":"` + strings.Repeat("x", wire.MaxDocument) + `"}`), 413, assess.CodeTooLarge},
		"no such run":               {c, "PUT", wire.PathSegment("0-AAAAAAAA", 1), c.segment("0-AAAAAAAA", 1, "x"), 404, assess.CodeUnknownRun},
		"no run's id":               {c, "PUT", "/agent/v1/runs/x..y/segments/1", c.segment(run.ID, 1, "x"), 404, assess.CodeUnknownRun},
		"a sequence that is no one": {c, "PUT", "/agent/v1/runs/" + run.ID + "/segments/-1", c.segment(run.ID, 1, "x"), 400, assess.CodeMalformed},
		"a huge sequence":           {c, "PUT", "/agent/v1/runs/" + run.ID + "/segments/99999999999999999999", c.segment(run.ID, 1, "x"), 400, assess.CodeMalformed},
		"out of order":              {c, "PUT", wire.PathSegment(run.ID, 2), c.segment(run.ID, 2, "x"), 409, assess.CodeOutOfOrder},
		"no segment":                {c, "PUT", wire.PathSegment(run.ID, 1), strings.NewReader("x"), 422, assess.CodeBadSegment},
		"a large segment":           {c, "PUT", wire.PathSegment(run.ID, 1), bytes.NewReader(make([]byte, wire.MaxSegment+1)), 413, assess.CodeTooLarge},
		"complete too early":        {c, "POST", wire.PathComplete(run.ID), complete, 409, assess.CodeOutOfOrder},
		"an unknown token":          {nobody, "POST", wire.PathEnroll, with(func(e *wire.EnrollRequest) { e.Token = "x" }), 401, assess.CodeBadToken},
		"no certificate request":    {nobody, "POST", wire.PathEnroll, with(func(e *wire.EnrollRequest) { e.CSR = []byte("x") }), 400, assess.CodeMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			status, refused, _ := k.from.do(k.method, k.path, k.body, nil)
			if status != k.status || refused.Code != k.code || refused.Message == "" {
				t.Errorf("%d %+v, want %d %s", status, refused, k.status, k.code)
			}
		})
	}
	// What was refused has cost the token nothing.
	if status, refused, _ := nobody.do("POST", wire.PathEnroll, enroll, &wire.EnrollResponse{}); status != http.StatusOK {
		t.Errorf("enrolling after all: %d %+v", status, refused)
	}
}

// An agent is who its certificate says, whatever it writes.
func TestAgentsCannotSpeakForOthers(t *testing.T) {
	d := openDoor(t)
	c, liar := d.enrol(), d.enrol()
	run := d.start()
	status, refused, _ := liar.do("PUT", wire.PathSegment(run.ID, 1), c.segment(run.ID, 1, "x"), nil)
	if status != http.StatusUnprocessableEntity || !strings.Contains(refused.Message, "names the agent") {
		t.Errorf("another agent's segment: %d %+v", status, refused)
	}
	part, _, err := d.store.RunAgent(t.Context(), run.ID, c.id)
	if err != nil || part.Segments != 0 {
		t.Errorf("%d segments, %v", part.Segments, err)
	}
}

func TestRevokedAgents(t *testing.T) {
	d := openDoor(t)
	c := d.enrol()
	c.beat()
	if err := d.Service.Revoke(t.Context(), c.id); err != nil {
		t.Fatal(err)
	}
	for name, k := range map[string]struct {
		method, path string
		body         any
	}{
		"heartbeat": {"POST", wire.PathHeartbeat, c.heartbeat()},
		"renew":     {"POST", wire.PathRenew, wire.RenewRequest{Protocol: 1, CSR: c.csr()}},
		"segment":   {"PUT", wire.PathSegment("0-AAAAAAAA", 1), c.segment("0-AAAAAAAA", 1, "x")},
		"complete":  {"POST", wire.PathComplete("0-AAAAAAAA"), wire.CompleteRequest{Protocol: 1, Segments: 1}},
	} {
		for range 3 {
			status, refused, _ := c.do(k.method, k.path, k.body, nil)
			if status != http.StatusUnauthorized || refused.Code != assess.CodeUnknownAgent || !strings.Contains(refused.Message, "enrol") {
				t.Errorf("%s: %d %+v", name, status, refused)
			}
		}
	}
	if got := strings.Count(d.log.String(), "code=unknown_agent"); got != 1 {
		t.Errorf("it was logged %d times:\n%s", got, d.log)
	}
}

// Certificates that are expired, foreign, or a door's own end the handshake or
// are refused; so does an older TLS.
func TestForeignCertificates(t *testing.T) {
	d := openDoor(t)
	long := func() time.Time { return time.Now().Add(-identity.AgentLife - 48*time.Hour) }
	encoded, err := d.Authority.Encode()
	if err != nil {
		t.Fatal(err)
	}
	early, err := identity.ParseAuthority(encoded, long)
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := identity.NewAuthority("test", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	for name, authority := range map[string]*identity.Authority{"expired": early, "foreign": foreign} {
		c := d.caller(nil)
		text, err := authority.AgentCertificate("i-0123456789abcdef0", c.csr())
		if err != nil {
			t.Fatal(err)
		}
		c.connect(c.certificate(text))
		resp, err := c.client.Get("https://" + d.addr + "/agent/v1/ca")
		if err == nil {
			resp.Body.Close()
			t.Errorf("%s: %s", name, resp.Status)
		} else if !strings.Contains(err.Error(), "tls: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := d.log.String(); !strings.Contains(got, "expired") {
		t.Errorf("the log does not say what was wrong:\n%s", got)
	}

	door, err := d.Server.GetCertificate(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := d.caller(door)
	if resp, err := c.client.Post("https://"+d.addr+wire.PathHeartbeat, "", strings.NewReader("{}")); err == nil {
		resp.Body.Close()
		if resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("a door's certificate: %s", resp.Status)
		}
	}

	_, err = tls.Dial("tcp", d.addr, &tls.Config{RootCAs: d.Authority.Pool(), MaxVersion: tls.VersionTLS12})
	if err == nil || !strings.Contains(err.Error(), "protocol version") {
		t.Errorf("TLS 1.2: %v", err)
	}
	conn, err := tls.Dial("tcp", d.addr, &tls.Config{RootCAs: d.Authority.Pool(), NextProtos: []string{"h2", "http/1.1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if got := conn.ConnectionState().NegotiatedProtocol; got != "http/1.1" {
		t.Errorf("the protocol is %q", got)
	}
}

func TestFailedEnrolmentsAreSlowedDown(t *testing.T) {
	d := openDoor(t)
	c := d.caller(nil)
	guess := wire.EnrollRequest{Protocol: wire.Version, Token: "assay-enroll-guess", CSR: c.csr(), Version: "1", Facts: facts}
	for i := range failureBurst {
		if status, _, _ := c.do("POST", wire.PathEnroll, guess, nil); status != http.StatusUnauthorized {
			t.Fatalf("attempt %d: %d", i, status)
		}
	}
	status, _, header := c.do("POST", wire.PathEnroll, guess, nil)
	if status != http.StatusTooManyRequests || header.Get("Retry-After") == "" {
		t.Errorf("one more: %d, Retry-After %q", status, header.Get("Retry-After"))
	}
	if strings.Contains(d.log.String(), "guess") {
		t.Error("a token is in the log")
	}
}

// With all slots in use, uploads are put off; so is an agent's second one.
func TestUploadsAreBounded(t *testing.T) {
	d := openDoor(t, func(c *Config) { c.Uploads = 1 })
	one, two := d.enrol(), d.enrol()
	run := d.start()
	data := one.segment(run.ID, 1, "x").Bytes()
	body, slow := io.Pipe()
	result := make(chan int)
	go func() {
		status, _, _ := one.do("PUT", wire.PathSegment(run.ID, 1), body, &wire.SegmentResponse{})
		result <- status
	}()
	slow.Write(data[:10])
	for d.uploads.taken() == 0 {
		time.Sleep(time.Millisecond)
	}
	status, _, header := two.do("PUT", wire.PathSegment(run.ID, 1), two.segment(run.ID, 1, "x"), nil)
	if status != http.StatusServiceUnavailable || header.Get("Retry-After") == "" {
		t.Errorf("another agent: %d, Retry-After %q", status, header.Get("Retry-After"))
	}
	status, _, header = one.do("PUT", wire.PathSegment(run.ID, 1), bytes.NewReader(data), nil)
	if status != http.StatusTooManyRequests || header.Get("Retry-After") == "" {
		t.Errorf("the same agent: %d, Retry-After %q", status, header.Get("Retry-After"))
	}
	slow.Write(data[10:])
	slow.Close()
	if status := <-result; status != http.StatusOK {
		t.Errorf("the slow one: %d", status)
	}
	if status, _, _ := two.do("PUT", wire.PathSegment(run.ID, 1), two.segment(run.ID, 1, "x"), &wire.SegmentResponse{}); status != http.StatusOK {
		t.Errorf("afterwards: %d", status)
	}
}

// A client that stops sending loses its connection, and is not told that its
// segment was bad.
func TestSlowClients(t *testing.T) {
	d := openDoor(t, func(c *Config) { c.UploadTime, c.DocTime = 50*time.Millisecond, 50*time.Millisecond })
	c := d.enrol()
	run := d.start()
	for _, k := range []struct{ method, path string }{
		{"PUT", wire.PathSegment(run.ID, 1)}, {"POST", wire.PathComplete(run.ID)},
	} {
		body, slow := io.Pipe()
		go slow.Write([]byte(`{`))
		status, _, header := c.do(k.method, k.path, body, nil)
		if status != http.StatusServiceUnavailable || header.Get("Retry-After") == "" {
			t.Errorf("%s: %d, Retry-After %q", k.path, status, header.Get("Retry-After"))
		}
		slow.Close()
	}
}

func TestTooManyConnections(t *testing.T) {
	d := openDoor(t, func(c *Config) { c.Connections = 1 })
	first, err := tls.Dial("tcp", d.addr, &tls.Config{RootCAs: d.Authority.Pool()})
	if err != nil {
		t.Fatal(err)
	}
	if second, err := tls.Dial("tcp", d.addr, &tls.Config{RootCAs: d.Authority.Pool()}); err == nil {
		second.Close()
		t.Error("a second connection was taken")
	}
	first.Close()
	for { // until the server has seen the end of the first
		third, err := tls.Dial("tcp", d.addr, &tls.Config{RootCAs: d.Authority.Pool()})
		if err == nil {
			third.Close()
			return
		}
		time.Sleep(time.Millisecond)
	}
}

func TestQuiet(t *testing.T) {
	for line, want := range map[string]string{
		"http: TLS handshake error from 10.0.0.1:4711: remote error: tls: unknown certificate": "TLS handshake: remote error: tls: unknown certificate",
		"http: TLS handshake error from [::1]:4711: EOF":                                       "TLS handshake: EOF",
		"http: Accept error: too many open files":                                              "http: Accept error: too many open files",
	} {
		if got := quiet(line); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestNetwork(t *testing.T) {
	for remote, want := range map[string]string{
		"10.0.0.1:5": "10.0.0.1/32", "[2001:db8::1]:5": "2001:db8::/64", "[::ffff:10.0.0.1]:5": "10.0.0.1/32", "[fe80::1%eth0]:5": "fe80::/64",
	} {
		if got := network(remote).String(); got != want {
			t.Errorf("%s: %s, want %s", remote, got, want)
		}
	}
}
