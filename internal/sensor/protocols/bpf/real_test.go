//go:build linux

package bpf_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"assay/internal/testenv"
)

// greet serves connections of a test by a greeting and what else it says, line by line.
func greet(t *testing.T, greeting string, then ...string) uint16 {
	t.Helper()
	listener, port := listen(t, "127.0.0.1:0")
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_, _ = io.WriteString(c, greeting)
				for lines := bufio.NewReader(c); ; {
					if _, err := lines.ReadString('\n'); err != nil {
						return
					}
					if len(then) > 0 {
						_, _ = io.WriteString(c, then[0])
					}
				}
			}()
		}
	}()
	return port
}

// command runs a program that may fail, as it speaks with a server that hardly answers.
func command(t *testing.T, input string, program string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	c := exec.CommandContext(ctx, program, args...)
	c.Stdin = strings.NewReader(input)
	c.Env = []string{"HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH"), "TERM=dumb"}
	if out, err := c.CombinedOutput(); err != nil {
		t.Logf("%s %v: %v %s", program, args, err, out)
	}
}

// What clients of others really say.
func TestRealClients(t *testing.T) {
	p := load(t, 0)
	for name, c := range map[string]struct {
		program, pkg, input string
		args                []string // HOST:PORT and PORT are replaced
		greeting, then      string
		client, server      string
	}{
		"curl http":  {"curl", "curl", "", []string{"-s", "-m", "1", "http://HOST:PORT/x"}, "", "HTTP/1.0 200 OK\r\n\r\n", "http 1", "http 1"},
		"curl https": {"curl", "curl", "", []string{"-s", "-m", "1", "https://HOST:PORT/x"}, "", "", "tls 1", ""},
		"curl h2c":   {"curl", "curl", "", []string{"-s", "-m", "1", "--http2-prior-knowledge", "http://HOST:PORT/x"}, "", "", "http 1", ""},
		"curl ftp":   {"curl", "curl", "", []string{"-s", "-m", "1", "ftp://HOST:PORT/x"}, "220 ready\r\n", "500 no\r\n", "ftp 1", "ftp 1"},
		"curl smtp":  {"curl", "curl", "", []string{"-s", "-m", "1", "smtp://HOST:PORT"}, "220 ready\r\n", "500 no\r\n", "smtp 1", "smtp 1"},
		"curl pop3":  {"curl", "curl", "", []string{"-s", "-m", "1", "pop3://a:b@HOST:PORT"}, "+OK ready\r\n", "-ERR no\r\n", "pop3 1", "pop3 1"},
		"curl imap":  {"curl", "curl", "", []string{"-s", "-m", "1", "imap://a:b@HOST:PORT"}, "* OK ready\r\n", "* BYE\r\n", "imap 1", "imap 1"},
		"curl mqtt":  {"curl", "curl", "", []string{"-s", "-m", "1", "mqtt://HOST:PORT/x"}, "", "", "mqtt 1", ""},
		"curl ldap":  {"curl", "curl", "", []string{"-s", "-m", "1", "ldap://HOST:PORT/dc=x"}, "", "", "ldap 1", ""},
		"curl rtsp":  {"curl", "curl", "", []string{"-s", "-m", "1", "rtsp://HOST:PORT/x"}, "", "RTSP/1.0 400 Bad Request\r\n\r\n", "unknown 1", "unknown 1"},
		"a proxy":    {"curl", "curl", "", []string{"-s", "-m", "1", "-x", "http://HOST:PORT", "https://x.invalid/"}, "", "HTTP/1.1 403 no\r\n\r\n", "http-connect 1", "http-connect 1"},
		"ssh":        {"ssh", "openssh-client", "", []string{"-o", "BatchMode=yes", "-o", "ConnectTimeout=1", "-F", "none", "-p", "PORT", "x@HOST"}, "SSH-2.0-x\r\n", "", "ssh 1", "ssh 1"},
		"telnet":     {"telnet", "inetutils-telnet", "\n", []string{"HOST", "PORT"}, "\xff\xfd\x18\xff\xfd\x20", "", "telnet 1", "telnet 1"},
		"ftp":        {"ftp", "inetutils-ftp", "user a b\nquit\n", []string{"-n", "HOST", "PORT"}, "220 ready\r\n", "500 no\r\n", "ftp 1", "ftp 1"},
		"openssl":    {"openssl", "openssl", "", []string{"s_client", "-connect", "HOST:PORT"}, "", "", "tls 1", ""},
	} {
		t.Run(name, func(t *testing.T) {
			program := testenv.Need(t, c.program, c.pkg)
			port := greet(t, c.greeting, c.then)
			if c.then == "" { // else it would wait for ever
				port = hangUp(t, c.greeting)
			}
			args := make([]string, len(c.args))
			for i, a := range c.args {
				args[i] = strings.NewReplacer("HOST", "127.0.0.1", "PORT", strconv.Itoa(int(port))).Replace(a)
			}
			command(t, c.input, program, args...)
			if client, server := heard(t, p, port); client != c.client || server != c.server {
				t.Errorf("the client speaks %q and the server %q; want %q, %q", client, server, c.client, c.server)
			}
		})
	}
}

// hangUp serves connections by a greeting, and closes them when something was said.
func hangUp(t *testing.T, greeting string) uint16 {
	t.Helper()
	listener, port := listen(t, "127.0.0.1:0")
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(c, greeting)
			_, _ = c.Read(make([]byte, 1<<12))
			c.Close()
		}
	}()
	return port
}

// What servers of others, and of Go, really say.
func TestRealServers(t *testing.T) {
	p := load(t, 0)
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	defer secure.Close()
	for name, c := range map[string]struct {
		server *httptest.Server
		speaks string
	}{"http": {plain, "http 1"}, "tls": {secure, "tls 1"}} {
		response, err := c.server.Client().Get(c.server.URL)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		port := uint16(c.server.Listener.Addr().(*net.TCPAddr).Port)
		if client, server := heard(t, p, port); client != c.speaks || server != c.speaks {
			t.Errorf("%s: %q, %q", name, client, server)
		}
	}
	// Who errs: HTTP to a server of TLS, which answers in the clear.
	port := uint16(secure.Listener.Addr().(*net.TCPAddr).Port)
	if response, err := http.Get("http://" + secure.Listener.Addr().String()); err == nil {
		response.Body.Close()
	}
	if client, server := heard(t, p, port); client != "http 1, tls 1" || server != "http 1, tls 1" {
		t.Errorf("%q, %q", client, server)
	}
	// And TLS to one of HTTP.
	if c, err := tls.Dial("tcp", plain.Listener.Addr().String(), &tls.Config{InsecureSkipVerify: true}); err == nil {
		c.Close()
	}
	port = uint16(plain.Listener.Addr().(*net.TCPAddr).Port)
	if client, server := heard(t, p, port); client != "http 1, tls 1" || server != "http 2" {
		t.Errorf("%q, %q", client, server)
	}
}

// The daemon of OpenSSH, which is on most hosts.
func TestRealSSHD(t *testing.T) {
	p := load(t, 0)
	daemon, keygen := testenv.Need(t, "sshd", "openssh-server"), testenv.Need(t, "ssh-keygen", "openssh-client")
	if _, err := os.Stat("/run/sshd"); err != nil {
		testenv.Missing(t, "the folder that sshd separates its privileges by")
	}
	key := filepath.Join(t.TempDir(), "key")
	if out, err := exec.Command(keygen, "-q", "-t", "ed25519", "-N", "", "-f", key).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	listener, port := listen(t, "127.0.0.1:0")
	pair := connect(t, listener)
	file, err := pair.server.File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	c := exec.Command(daemon, "-i", "-f", "/dev/null", "-h", key, "-o", "LogLevel=QUIET")
	c.Stdin, c.Stdout = file, file
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	pair.server.Close()
	line, err := bufio.NewReader(pair.client).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "SSH-2.0-") {
		t.Errorf("%q, %v", line, err)
	}
	fmt.Fprint(pair.client, "SSH-2.0-test\r\n")
	pair.client.Close()
	_ = c.Wait() // it says that its client has gone
	if client, server := heard(t, p, port); client != "ssh 1" || server != "ssh 1" {
		t.Errorf("%q, %q", client, server)
	}
}
