package notify

import (
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unicode"

	"assay/internal/inspector"
)

// TestFaultyEndpoints delivers to endpoints each of which has a fault for its first
// answers, and wants the message to arrive, or to be given up where that is right.
func TestFaultyEndpoints(t *testing.T) {
	const faults = 2
	hijack := func(w http.ResponseWriter, send string) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			conn.Write([]byte(send))
			conn.Close()
		}
	}
	for name, test := range map[string]struct {
		fault http.HandlerFunc
		want  string // in the error
		dead  bool
	}{
		"is well":        {fault: nil},
		"answers 500":    {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }, "answered 500", false},
		"answers 400":    {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(400) }, "answered 400", false},
		"answers 403":    {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403) }, "answered 403", false},
		"answers 410":    {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(410) }, "it is gone", true},
		"answers 429":    {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Retry-After", "0"); w.WriteHeader(429) }, "answered 429", false},
		"redirects":      {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Location", "/other"); w.WriteHeader(307) }, "redirects are not followed", false},
		"hangs up":       {func(w http.ResponseWriter, _ *http.Request) { hijack(w, "") }, "EOF", false},
		"speaks no HTTP": {func(w http.ResponseWriter, _ *http.Request) { hijack(w, "220 smtp.example ESMTP\r\n") }, "malformed HTTP", false},
		"has endless heads": {func(w http.ResponseWriter, _ *http.Request) {
			hijack(w, "HTTP/1.1 200 OK\r\nX: "+strings.Repeat("x", 1<<20)+"\r\n\r\n")
		}, "exceeded", false},
		"hangs": {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "in time", false},
		"answers 500 at large": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(500)
			for range 1000 {
				w.Write(make([]byte, 1<<16))
			}
		}, "answered 500", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var calls atomic.Int64
			r := newReceiver(t, func(w http.ResponseWriter, r *http.Request) {
				if test.fault != nil && calls.Add(1) <= faults {
					test.fault(w, r)
				}
			})
			var box outbox
			box.add(r.webhook(), `{"event":"e"}`)
			box.deliver(t, Config{Timeout: 500 * time.Millisecond}, box.settled)
			e := box.entries[0]
			switch {
			case test.fault == nil:
				if len(e.outcomes) != 1 || e.State != inspector.Delivered {
					t.Errorf("the outcomes are %+v", e.outcomes)
				}
				return
			case test.dead:
				if len(e.outcomes) != 1 || e.State != inspector.DeliveryDead {
					t.Errorf("the outcomes are %+v", e.outcomes)
				}
			case len(e.outcomes) != faults+1 || e.State != inspector.Delivered:
				t.Errorf("the outcomes are %+v", e.outcomes)
			}
			first := e.outcomes[0]
			if !strings.Contains(first.Error, test.want) || strings.Contains(first.Error, "hunter2") || first.Status == "" {
				t.Errorf("the first outcome is %+v, want an error with %q", first, test.want)
			}
			ids := map[string]bool{}
			for _, got := range r.got() {
				ids[got.header.Get("Webhook-Id")] = true
			}
			if len(ids) != 1 {
				t.Errorf("the attempts have the ids %v", ids)
			}
		})
	}
}

// An answer of 200 counts, however its body ends: it was said that all came.
func TestBodyThatEndsEarly(t *testing.T) {
	r := newReceiver(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		w.Write([]byte("some"))
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	var box outbox
	box.add(r.webhook(), "{}")
	box.deliver(t, Config{}, box.settled)
	if e := box.entries[0]; e.State != inspector.Delivered || len(e.outcomes) != 1 {
		t.Errorf("the outcomes are %+v", e.outcomes)
	}
}

func TestGivenUpAfterAll(t *testing.T) {
	r := newReceiver(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(502) })
	var box outbox
	box.add(r.webhook(), "{}")
	counts := map[string]int{}
	var mu sync.Mutex
	box.deliver(t, Config{Done: func(kind, result string) { mu.Lock(); counts[kind+" "+result]++; mu.Unlock() }}, box.settled)
	if e := box.entries[0]; e.State != inspector.DeliveryDead || len(e.outcomes) != Attempts || e.outcomes[Attempts-1].Status != inspector.PublishFailed {
		t.Errorf("the outcomes are %+v", e.outcomes)
	}
	if counts["webhook again"] != Attempts-1 || counts["webhook dead"] != 1 {
		t.Errorf("counted are %v", counts)
	}
}

// Messages come in their order, and a failing endpoint does not see a storm.
func TestOrder(t *testing.T) {
	r := newReceiver(t, nil)
	var box outbox
	w := r.webhook()
	w.Format = inspector.FormatRaw
	const n = 3*inARow + 7
	for i := range n {
		box.add(w, fmt.Sprint(i))
	}
	box.deliver(t, Config{}, box.settled)
	got := r.got()
	if len(got) != n {
		t.Fatalf("%d came", len(got))
	}
	for i, g := range got {
		if g.body != fmt.Sprint(i) {
			t.Fatalf("%d. came %s", i, g.body)
		}
	}
}

// TestSlowEndpoints has more endpoints hang than there are places, and one that is
// well: it gets everything while they hang.
func TestSlowEndpoints(t *testing.T) {
	release := make(chan struct{})
	slow := newReceiver(t, func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	well := newReceiver(t, nil)
	var box outbox
	for i := range 2 * atOnce {
		w := slow.webhook()
		w.ID = fmt.Sprintf("0-slow%04d", i)
		box.add(w, "{}")
		box.add(w, "{}")
	}
	first := len(box.entries)
	for range 20 {
		w := well.webhook()
		w.ID = "0-well"
		box.add(w, "{}")
	}
	box.deliver(t, Config{Timeout: 300 * time.Millisecond, Pause: func(int) time.Duration { return time.Second }}, func() bool {
		box.mu.Lock()
		defer box.mu.Unlock()
		for _, e := range box.entries[first:] {
			if e.State != inspector.Delivered {
				return false
			}
		}
		return true
	})
	close(release)
}

// Of places for endpoints that fail there are so many and no more.
func TestPlacesOfFailingEndpoints(t *testing.T) {
	c, now := New(Config{}), time.Now()
	name := func(i int) string { return fmt.Sprintf("d%d", i) }
	for i := range atOnce {
		if !c.begin(name(i), now) {
			t.Fatalf("there is no %d. place", i)
		}
	}
	if c.begin("one more", now) {
		t.Error("there are more places than there are")
	}
	for i := range atOnce {
		c.end(name(i), true, 0)
	}
	if c.begin(name(0), now) {
		t.Error("an endpoint that failed has no pause")
	}
	later := now.Add(time.Minute)
	taken := 0
	for i := range atOnce {
		if c.begin(name(i), later) {
			taken++
		}
	}
	if taken != failingOnce {
		t.Errorf("endpoints that fail take %d places", taken)
	}
	if !c.begin("well", later) {
		t.Error("endpoints that fail take all places")
	}
	c.end("well", false, 0)
	if _, kept := c.state["well"]; kept {
		t.Error("an endpoint that is well is remembered")
	}
}

func TestRetryAfterIsKept(t *testing.T) {
	c := New(Config{Backoff: func(int) time.Duration { return time.Second }})
	for _, test := range []struct{ wait, least, most time.Duration }{
		{0, 0, 2 * time.Second}, {time.Minute, 59 * time.Second, time.Minute}, {1000 * time.Hour, longestWait - time.Second, longestWait},
	} {
		o := c.decide(1, result{err: errors.New("x"), wait: test.wait})
		if in := time.Until(o.RetryAt); o.State != inspector.DeliveryPending || in < test.least || in > test.most {
			t.Errorf("%v: tried again in %v", test.wait, in)
		}
	}
}

func TestSchedule(t *testing.T) {
	total := time.Duration(0)
	for i := 1; i < Attempts; i++ {
		for range 100 {
			if pause := Backoff(i); pause < schedule[i-1]*4/5 || pause > schedule[i-1]*6/5 {
				t.Errorf("the pause after attempt %d is %v", i, pause)
			}
		}
		total += schedule[i-1]
	}
	if total < 22*time.Hour || total > 26*time.Hour {
		t.Errorf("a delivery is tried for %v, not about a day", total)
	}
	if Backoff(0) <= 0 || Backoff(1000) > 10*time.Hour {
		t.Error("attempts without a pause")
	}
}

func TestRetryAfterHeader(t *testing.T) {
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"": 0, "120": 2 * time.Minute, " 5 ": 5 * time.Second, "-1": 0, "1e9": 0, "99999999999999999999": 0, "soon": 0,
		"Thu, 26 Nov 2026 12:10:00 GMT": 10 * time.Minute, "Thu, 26 Nov 2026 11:10:00 GMT": 0,
	} {
		if got := retryAfter(value, now); got != want {
			t.Errorf("%q: %v, want %v", value, got, want)
		}
	}
}

func FuzzRetryAfter(f *testing.F) {
	f.Add("120")
	f.Add("Thu, 26 Nov 2026 12:10:00 GMT")
	f.Fuzz(func(t *testing.T, value string) {
		if got := retryAfter(value, time.Now()); got < 0 {
			t.Errorf("%q: %v", value, got)
		}
	})
}

func TestTLS(t *testing.T) {
	r := &receiver{}
	r.Server = httptest.NewUnstartedServer(r.record(nil))
	r.Server.Config.ErrorLog = nil
	r.Server.StartTLS()
	defer r.Close()
	ca := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: r.Certificate().Raw}))
	for name, test := range map[string]struct {
		ca, url, want string
	}{
		"a certificate of nobody's":          {"", r.URL, "certificate"},
		"a certificate of the webhook's":     {ca, r.URL, ""},
		"a certificate for another name":     {ca, strings.Replace(r.URL, "127.0.0.1", "localhost", 1), "certificate"},
		"an endpoint that speaks plain HTTP": {"", strings.Replace(newReceiver(t, nil).URL, "http:", "https:", 1), "HTTP response to HTTPS"},
	} {
		w := inspector.Webhook{ID: "0-hook", URL: test.url, Format: inspector.FormatRaw, CA: test.ca}
		var box outbox
		box.add(w, "{}")
		o := New(Config{}).Try(t.Context(), box.entries[0].Outgoing)
		if test.want == "" && o.State != inspector.Delivered || !strings.Contains(o.Error, test.want) {
			t.Errorf("%s: %+v", name, o)
		}
	}
}

// TestForbiddenAddresses tries to have events sent where a cloud tells secrets, and
// plain http to other hosts.
func TestForbiddenAddresses(t *testing.T) {
	for address, want := range map[string]string{
		"169.254.169.254:80": "metadata", "[::ffff:169.254.169.254]:80": "metadata", "[64:ff9b::a9fe:a9fe]:80": "metadata", "[fd00:ec2::254]:80": "metadata",
		"[fd00:ec2::254%eth0]:443": "metadata", "169.254.170.2:80": "metadata", "169.254.169.253:80": "metadata", "[fe80::a9fe:a9fe%eth0]:80": "metadata",
		"[64:ff9b:1::a9fe:a9fe]:80": "metadata", "[2002:a9fe:a9fe::1]:80": "metadata", "[::a9fe:a9fe]:80": "metadata", "168.63.129.16:80": "metadata",
		"[2002:a00:1::1]:80": "another host", "0.0.0.0:80": "another host", "[::]:80": "another host", "10.0.0.1:80": "another host",
		"127.0.0.1:80": "", "[::1]:80": "", "nonsense": "not an address",
	} {
		err := mayDial(address, true)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", address, err, want)
		}
		if err := mayDial(address, false); (err == nil) != (want == "" || want == "another host") {
			t.Errorf("%s, without that: %v", address, err)
		}
	}
	for _, url := range []string{
		"http://169.254.169.254/latest/meta-data/", "https://169.254.169.254/", "http://[fd00:ec2::254]/", "http://[::ffff:a9fe:a9fe]/",
	} {
		var box outbox
		box.add(inspector.Webhook{ID: "0-hook", URL: url, Format: inspector.FormatRaw, PlainHTTP: true}, "{}")
		o := New(Config{Timeout: 3 * time.Second}).Try(t.Context(), box.entries[0].Outgoing)
		if o.State == inspector.Delivered || !strings.Contains(o.Error, "metadata") {
			t.Errorf("%s: %+v", url, o)
		}
	}
}

// Whoever answers has a part in the error, which people see in a terminal.
func TestPlainErrors(t *testing.T) {
	if got := plain("bad\x1b[2J\nanswer\u009b1m \xff"); strings.ContainsFunc(got, unicode.IsControl) || !strings.Contains(got, "answer") {
		t.Errorf("%q", got)
	}
}

// An endpoint that answers slowly gives its place to others after a while.
func TestSlowEndpointGivesItsTurnUp(t *testing.T) {
	r := newReceiver(t, nil)
	var box outbox
	for range 5 {
		box.add(r.webhook(), "{}")
	}
	now := time.Now()
	c := New(Config{Now: func() time.Time { now = now.Add(15 * time.Second); return now }})
	c.begin(r.webhook().ID, now)
	c.work(t.Context(), &box, r.webhook().ID)
	left := 0
	for _, e := range box.entries {
		if e.State != inspector.Delivered {
			left++
		}
	}
	if left == 0 || left == 5 {
		t.Errorf("%d of 5 are left", left)
	}
}

func FuzzMayDial(f *testing.F) {
	for _, seed := range []string{"169.254.169.254:80", "[fd00:ec2::254]:80", "[::1%lo]:1", ":0"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, address string) {
		host, _, err := net.SplitHostPort(address)
		if ip := net.ParseIP(host); err == nil && ip != nil && ip.Equal(net.IPv4(169, 254, 169, 254)) && mayDial(address, false) == nil {
			t.Errorf("%s may be dialed", address)
		}
	})
}

// A database that is away is waited for.
func TestOutboxThatIsAway(t *testing.T) {
	r := newReceiver(t, nil)
	var box outbox
	box.add(r.webhook(), "{}")
	box.away = errors.New("the database is away")
	var once sync.Once
	began := time.Now()
	box.deliver(t, Config{}, func() bool {
		if time.Since(began) > 50*time.Millisecond {
			once.Do(func() { box.mu.Lock(); box.away = nil; box.mu.Unlock() })
		}
		return box.settled()
	})
}
