package gateway

import (
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// HTTPServer is a server for the gateway, to be run with ServeTLS(listener, "",
// ""): TLS 1.3 and HTTP/1.1 only, client certificates verified where they are
// given, and bounds for everything that a client can be slow with.
func (g *Gateway) HTTPServer() *http.Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Server{
		Handler:           g,
		TLSConfig:         g.TLSConfig(),
		Protocols:         protocols,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       g.UploadTime + 10*time.Second,
		WriteTimeout:      g.UploadTime + time.Minute,
		IdleTimeout:       3 * time.Minute, // longer than the time between heartbeats
		MaxHeaderBytes:    16 << 10,
		ConnState:         g.limitConnections(),
		ErrorLog:          slog.NewLogLogger(serverLog{g.Log.Handler(), g.once}, slog.LevelWarn),
	}
}

// TLSConfig is how the door speaks TLS. A certificate that is expired or not the
// authority's ends the handshake; whether one is needed, and whether its agent
// is still welcome, is asked at every request.
func (g *Gateway) TLSConfig() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS13,
		NextProtos:     []string{"http/1.1"},
		GetCertificate: g.Server.GetCertificate,
		ClientAuth:     tls.VerifyClientCertIfGiven,
		ClientCAs:      g.Authority.Pool(),
		Time:           g.Now,
	}
}

// limitConnections closes connections that are one too many, before their
// handshake costs anything.
func (g *Gateway) limitConnections() func(net.Conn, http.ConnState) {
	var open atomic.Int64
	return func(c net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			if open.Add(1) > int64(g.Connections) {
				g.once.warn("", "too many connections", "connections refused: too many are open", "limit", g.Connections)
				c.Close()
			}
		case http.StateClosed, http.StateHijacked:
			open.Add(-1)
		}
	}
}

// quiet tells a handshake error's reason without its address, so that one client
// or scanner cannot fill the log.
func quiet(line string) string {
	if _, reason, ok := strings.Cut(line, "TLS handshake error from "); ok {
		if _, reason, ok = strings.Cut(reason, ": "); ok {
			return "TLS handshake: " + reason
		}
	}
	return line
}
