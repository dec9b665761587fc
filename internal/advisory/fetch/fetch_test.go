package fetch

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var content = bytes.Repeat([]byte("0123456789abcdef"), 64<<10) // 1 MiB

func hexSum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// quick is a client that does not wait.
func quick(t *testing.T, c Config) *Client {
	t.Helper()
	c.Pause, c.Stall = time.Millisecond, 300*time.Millisecond
	client, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL
}

// whole serves the content as a good server does, with ranges and conditions.
func whole(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("ETag", `"one"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
}

func file(t *testing.T, url string) File {
	return File{URL: url, Part: filepath.Join(t.TempDir(), "part"), Max: 4 << 20}
}

// TestOddType: what is no page is taken, whatever type the server gives it.
func TestOddType(t *testing.T) {
	f := file(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.Write(content)
	}))
	if got, err := quick(t, Config{}).Get(context.Background(), f); err != nil || got.SHA256 != hexSum(content) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestGet(t *testing.T) {
	f := file(t, serve(t, whole)+"/a")
	var last, total int64
	f.Progress = func(done, of int64) { last, total = done, of }
	f.SHA256 = strings.ToUpper(hexSum(content))
	got, err := quick(t, Config{}).Get(context.Background(), f)
	if err != nil || got.SHA256 != hexSum(content) || got.Size != int64(len(content)) || got.ETag != `"one"` || got.Unchanged {
		t.Fatalf("%+v, %v", got, err)
	}
	if have, err := os.ReadFile(f.Part); err != nil || !bytes.Equal(have, content) {
		t.Errorf("the part has %d bytes, %v", len(have), err)
	}
	if last != int64(len(content)) || total != last {
		t.Errorf("progress ended with %d of %d", last, total)
	}
	f.ETag, f.Part = `"one"`, filepath.Join(t.TempDir(), "part")
	if got, err := quick(t, Config{}).Get(context.Background(), f); err != nil || !got.Unchanged {
		t.Errorf("asked with the ETag of what is there: %+v, %v", got, err)
	}
}

// TestResume: a connection that breaks again and again delivers the file in the end,
// each byte once; also a later Get goes on.
func TestResume(t *testing.T) {
	var sent int
	f := file(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"one"`)
		http.ServeContent(&breaking{ResponseWriter: w, left: 400 << 10, sent: &sent}, r, "", time.Time{}, bytes.NewReader(content))
	}))
	if _, err := quick(t, Config{Attempts: 1}).Get(context.Background(), f); err == nil {
		t.Fatal("a transfer that broke is no failure")
	}
	got, err := quick(t, Config{}).Get(context.Background(), f)
	if err != nil || got.SHA256 != hexSum(content) {
		t.Fatalf("%+v, %v", got, err)
	}
	if sent > len(content)+3*64<<10 {
		t.Errorf("%d bytes were sent for a file of %d", sent, len(content))
	}
}

// breaking breaks the connection after some bytes.
type breaking struct {
	http.ResponseWriter
	left int
	sent *int
}

func (b *breaking) Write(p []byte) (int, error) {
	if len(p) > b.left {
		b.ResponseWriter.Write(p[:b.left])
		*b.sent += b.left
		b.ResponseWriter.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	b.left -= len(p)
	*b.sent += len(p)
	return b.ResponseWriter.Write(p)
}

// TestChangedMeanwhile: what was begun of one file is never completed with another's bytes.
func TestChangedMeanwhile(t *testing.T) {
	other := bytes.Repeat([]byte("x"), len(content))
	for name, validator := range map[string]func(n int) (header, value string){
		"etag":          func(n int) (string, string) { return "ETag", fmt.Sprintf(`"%d"`, n) },
		"weak etag":     func(n int) (string, string) { return "ETag", `W/"same"` },
		"no validators": func(n int) (string, string) { return "X", "" },
		"last modified": func(n int) (string, string) {
			return "Last-Modified", time.Unix(1700000000+int64(n), 0).UTC().Format(http.TimeFormat)
		},
	} {
		t.Run(name, func(t *testing.T) {
			n, sent := 0, 0
			f := file(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
				n++
				header, value := validator(n)
				w.Header().Set(header, value)
				modified, _ := http.ParseTime(w.Header().Get("Last-Modified"))
				if n == 1 {
					w = &breaking{ResponseWriter: w, left: 400 << 10, sent: &sent}
					http.ServeContent(w, r, "", modified, bytes.NewReader(content))
					return
				}
				http.ServeContent(w, r, "", modified, bytes.NewReader(other))
			}))
			if got, err := quick(t, Config{}).Get(context.Background(), f); err != nil || got.SHA256 != hexSum(other) {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
}

// TestNoRange: servers that ignore, refuse or answer a range wrongly.
func TestNoRange(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"ignores":    func(w http.ResponseWriter, r *http.Request) { w.Write(content) },
		"refuses":    func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusRequestedRangeNotSatisfiable) },
		"other part": func(w http.ResponseWriter, r *http.Request) { part(w, "bytes 5-1048575/1048576", content[5:]) },
		"nonsense":   func(w http.ResponseWriter, r *http.Request) { part(w, "bytes", content[5:]) },
	} {
		t.Run(name, func(t *testing.T) {
			sent := 0
			f := file(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("ETag", `"one"`)
				switch {
				case r.Header.Get("Range") != "":
					answer(w, r)
				case sent == 0:
					(&breaking{ResponseWriter: w, left: 100, sent: &sent}).Write(content)
				default:
					w.Write(content)
				}
			}))
			if got, err := quick(t, Config{}).Get(context.Background(), f); err != nil || got.SHA256 != hexSum(content) {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
}

func part(w http.ResponseWriter, header string, body []byte) {
	w.Header().Set("Content-Range", header)
	w.WriteHeader(http.StatusPartialContent)
	w.Write(body)
}

// TestHostile: each ends with an error that says what to do, in bounded time and space.
func TestHostile(t *testing.T) {
	free := make(chan struct{})
	t.Cleanup(func() { close(free) })
	hang := func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		select {
		case <-free:
		case <-r.Context().Done():
		}
	}
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"silent": {func(w http.ResponseWriter, r *http.Request) { w.Write(content[:5000]); hang(w, r) }, "the server sent nothing"},
		"drips": {func(w http.ResponseWriter, r *http.Request) {
			for {
				w.Write([]byte("x"))
				w.(http.Flusher).Flush()
				select {
				case <-free:
					return
				case <-r.Context().Done():
					return
				case <-time.After(10 * time.Millisecond):
				}
			}
		}, "fewer than 1024 bytes"},
		"no answer": {func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "timeout"},
		"declares much": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "99999999999")
			w.Write(content)
		}, "at most 4194304"},
		"sends much": {func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := w.Write(content); err != nil {
					return
				}
			}
		}, "more than 4194304"},
		"declares more than it sends": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "2000000")
			w.Write(content)
		}, "unexpected EOF"},
		"empty": {func(w http.ResponseWriter, r *http.Request) {}, "empty"},
		"page":  {func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("\n<!DOCTYPE HTML><title>Login")) }, "web page"},
		"page of another type": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/zip")
			w.Write([]byte("<html>"))
		}, "web page"},
		"page by type": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.Write([]byte("<!-- portal --><body>"))
		}, "web page"},
		"loop":                   {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/again", http.StatusFound) }, "elsewhere more than 5"},
		"not found":              {http.NotFound, "404"},
		"refused":                {func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(407) }, "proxy"},
		"fails":                  {func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(503) }, "503"},
		"unchanged that we lack": {func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(304) }, "not asked"},
		"no http at all":         {func(w http.ResponseWriter, r *http.Request) { raw(w, "garbage\x00\xff\n\n") }, "malformed"},
		"endless header": {func(w http.ResponseWriter, r *http.Request) {
			raw(w, "HTTP/1.1 200 OK\r\n"+strings.Repeat("X: "+strings.Repeat("y", 1000)+"\r\n", 1000))
		}, "header"},
		"another hash": {func(w http.ResponseWriter, r *http.Request) { w.Write(content[1:]) }, "SHA-256"},
		"other scheme on redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "ftp://example.org/a", http.StatusFound)
		}, "ftp"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := quick(t, Config{Attempts: 2, Header: 200 * time.Millisecond})
			f := file(t, serve(t, c.answer)+"/f?token=secret")
			f.URL = strings.Replace(f.URL, "://", "://user:secret@", 1)
			f.SHA256 = hexSum(content)
			_, err := client.Get(context.Background(), f)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secret") {
				t.Errorf("%v; want something with %q, and no secret", err, c.want)
			}
			if err != nil && !strings.Contains(err.Error(), "http://127.0.0.1") {
				t.Errorf("%v does not say where", err)
			}
			if info, err := os.Stat(f.Part); err == nil && info.Size() > f.Max {
				t.Errorf("%d bytes on disk", info.Size())
			}
		})
	}
}

func raw(w http.ResponseWriter, text string) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	io.WriteString(conn, text)
	conn.Close()
}

func TestNeverToPlain(t *testing.T) {
	target := serve(t, whole)
	secure := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/here" {
			whole(w, r)
			return
		}
		http.Redirect(w, r, target, http.StatusFound)
	}))
	defer secure.Close()
	client := quick(t, Config{CA: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw})})
	f := file(t, secure.URL)
	if _, err := client.Get(context.Background(), f); !errors.Is(err, errInsecure) {
		t.Errorf("sent from https to http: %v", err)
	}
	if _, err := client.Text(context.Background(), secure.URL, 100); !errors.Is(err, errInsecure) {
		t.Errorf("sent from https to http: %v", err)
	}
	f.URL += "/here"
	if _, err := client.Get(context.Background(), f); err != nil {
		t.Errorf("with the authority: %v", err)
	}
	if _, err := quick(t, Config{Attempts: 1}).Get(context.Background(), f); err == nil || !strings.Contains(err.Error(), "-ca") {
		t.Errorf("without the authority: %v", err)
	}
	if _, err := New(Config{CA: []byte("none")}); err == nil {
		t.Error("took a file without certificates")
	}
}

func TestMirror(t *testing.T) {
	var asked, user string
	mirror := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.RequestURI()
		user, _, _ = r.BasicAuth()
		whole(w, r)
	})
	client := quick(t, Config{Mirror: strings.Replace(mirror, "://", "://u:secret@", 1) + "/feeds/"})
	f := file(t, "https://storage.example.org/Rocky%20Linux/all.zip?a=b")
	if _, err := client.Get(context.Background(), f); err != nil {
		t.Fatal(err)
	}
	if asked != "/feeds/storage.example.org/Rocky%20Linux/all.zip?a=b" || user != "u" {
		t.Errorf("the mirror was asked for %s by %q", asked, user)
	}
	for _, bad := range []string{"mirror", "ftp://a/b", "://", "file:///etc"} {
		if _, err := New(Config{Mirror: bad}); err == nil {
			t.Errorf("took the mirror %q", bad)
		}
	}
}

func TestText(t *testing.T) {
	n := 0
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if n++; n == 1 {
			w.WriteHeader(500)
			return
		}
		io.WriteString(w, "archive-2025.tar.zst\n")
	})
	client := quick(t, Config{})
	if got, err := client.Text(context.Background(), url, 100); err != nil || got != "archive-2025.tar.zst\n" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := client.Text(context.Background(), url, 5); err == nil {
		t.Error("took a text that is too long")
	}
	var status Status
	if _, err := client.Text(context.Background(), serve(t, http.NotFound), 100); !errors.As(err, &status) || status.Code != 404 {
		t.Errorf("not found: %v", err)
	}
}

// TestStopped: who ends the context ends the transfer, and what came stays for the next.
func TestStopped(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	f := file(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Range") != "" {
			whole(w, r)
			return
		}
		w.Header().Set("ETag", `"one"`)
		w.Write(content[:len(content)/2])
		w.(http.Flusher).Flush()
		<-r.Context().Done() // the rest never comes
	}))
	f.Progress = func(done, _ int64) { cancel() }
	if _, err := quick(t, Config{}).Get(ctx, f); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if info, err := os.Stat(f.Part); err != nil || info.Size() == 0 {
		t.Errorf("nothing stayed: %v", err)
	}
	f.Progress = nil
	if got, err := quick(t, Config{}).Get(context.Background(), f); err != nil || got.SHA256 != hexSum(content) {
		t.Errorf("%+v, %v", got, err)
	}
}

func FuzzMeta(f *testing.F) {
	f.Add([]byte(`{"url":"http://x/","etag":"\"one\""}`), []byte("0123"))
	f.Add([]byte(`{}`), []byte(""))
	f.Add([]byte("null"), content[:100])
	server := httptest.NewServer(http.HandlerFunc(whole))
	f.Cleanup(server.Close)
	client, err := New(Config{Pause: time.Millisecond})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, meta, part []byte) {
		file := file(t, server.URL)
		os.WriteFile(file.Part, part, 0o600)
		os.WriteFile(metaFile(file.Part), bytes.ReplaceAll(meta, []byte("http://x/"), []byte(server.URL)), 0o600)
		file.SHA256 = hexSum(content)
		// Whatever was left behind, what is taken over has the publisher's hash; and a
		// second try at the latest has it.
		if _, err := client.Get(context.Background(), file); err != nil {
			if got, err := client.Get(context.Background(), file); err != nil || got.SHA256 != hexSum(content) {
				t.Errorf("%+v, %v", got, err)
			}
		}
	})
}
