package api

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"assay/internal/api/model"
	"assay/internal/inspector"
)

// ReportCommands make reports.
type ReportCommands interface {
	RequestReport(ctx context.Context, run string, kind inspector.ReportType, format inspector.ReportFormat) (inspector.Report, error)
	OpenReport(ctx context.Context, id string) (inspector.Report, io.ReadCloser, error)
}

const (
	reportPath = "/reports/"

	// urlLife is how long the url of a report is good for, after it was given.
	urlLife = 15 * time.Minute

	// stall is for how long a download may stand still.
	stall = 2 * time.Minute
)

func (s *Server) getReport(ctx context.Context, in *model.GetAssessmentReportRequest) (*model.GetAssessmentReportResponse, error) {
	r, err := s.run(ctx, in.AssessmentRunArn)
	if err != nil {
		return nil, err
	}
	p, err := s.Commands.RequestReport(ctx, r.ID, inspector.ReportType(in.ReportType), inspector.ReportFormat(in.ReportFileFormat))
	if err != nil {
		return nil, err
	}
	out := &model.GetAssessmentReportResponse{Status: string(p.Status)}
	if p.Status == inspector.ReportCompleted {
		out.Url = s.reportURL(baseOf(ctx), p)
	}
	return out, nil
}

// reportURL is where a report can be read without a signature until the url
// expires. It holds two secrets: the report's id, and a code over id and expiry.
func (s *Server) reportURL(base string, p inspector.Report) string {
	expires := strconv.FormatInt(s.Now().Add(urlLife).Unix(), 10)
	query := url.Values{"expires": {expires}, "signature": {hex.EncodeToString(s.reportCode(p.ID, expires))}}
	return base + reportPath + p.ID + "/" + reportName(p) + "?" + query.Encode()
}

// reportName is the name under which a browser keeps a report.
func reportName(p inspector.Report) string {
	return "assessment-report-" + p.Run + "-" + strings.ToLower(string(p.Type)) + "." + strings.ToLower(string(p.Format))
}

// reportCode is over the id and the expiry as it is written in the url.
func (s *Server) reportCode(id, expires string) []byte {
	// A key of its own, so that no page token is a code of a report.
	key := hmac.New(sha256.New, s.TokenKey)
	key.Write([]byte("report urls"))
	mac := hmac.New(sha256.New, key.Sum(nil))
	mac.Write([]byte(id + "\n" + expires))
	return mac.Sum(nil)
}

// isReport tells requests for reports from calls of the API.
func isReport(r *http.Request) bool {
	return strings.HasPrefix(r.URL.Path, reportPath) && (r.Method == http.MethodGet || r.Method == http.MethodHead)
}

// serveReport answers a request for a report. Whatever is wrong with one has the
// same answer.
func (s *Server) serveReport(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cache-Control", "no-store")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("X-Frame-Options", "DENY")
	header.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox")
	p, document, err := s.openReport(r)
	if errors.Is(err, fs.ErrNotExist) {
		http.Error(w, "This link is not valid, or not any more. Call GetAssessmentReport for a new one.", http.StatusForbidden)
		return
	}
	if err != nil && r.Context().Err() != nil {
		return // whoever asked has hung up
	}
	if err != nil {
		s.Log.Error("a report could not be read", "error", err)
		http.Error(w, "The report cannot be read now.", http.StatusInternalServerError)
		return
	}
	defer document.Close()
	kind, disposition := "application/pdf", "attachment"
	if p.Format == inspector.ReportHTML {
		kind, disposition = "text/html; charset=utf-8", "inline"
	}
	header.Set("Content-Type", kind)
	header.Set("Content-Disposition", fmt.Sprintf("%s; filename=%q", disposition, reportName(p)))
	header.Set("Content-Length", strconv.FormatInt(p.Size, 10))
	if r.Method == http.MethodHead {
		return
	}
	n, err := io.Copy(patient{w, http.NewResponseController(w)}, document)
	s.Log.Info("report read", slog.String("run", p.Run), slog.String("remote", r.RemoteAddr), slog.Int64("bytes", n))
	if err != nil {
		// Whoever reads must not take a part for the whole.
		panic(http.ErrAbortHandler)
	}
}

func (s *Server) openReport(r *http.Request) (inspector.Report, io.ReadCloser, error) {
	id, name, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, reportPath), "/")
	expires := r.URL.Query().Get("expires")
	code, err := hex.DecodeString(r.URL.Query().Get("signature"))
	if err != nil || !hmac.Equal(code, s.reportCode(id, expires)) {
		return inspector.Report{}, nil, fs.ErrNotExist
	}
	until, err := strconv.ParseInt(expires, 10, 64)
	if err != nil || s.Now().Unix() >= until {
		return inspector.Report{}, nil, fs.ErrNotExist
	}
	p, document, err := s.Commands.OpenReport(r.Context(), id)
	if err == nil && name != reportName(p) {
		document.Close()
		return p, nil, fs.ErrNotExist
	}
	return p, document, err
}

// patient is a response that may take as long as it takes, if only it moves on.
type patient struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

func (p patient) Write(data []byte) (int, error) {
	// Where there is no deadline to be set, there is none to be met.
	if err := p.control.SetWriteDeadline(time.Now().Add(stall)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, err
	}
	return p.w.Write(data)
}

type baseKey struct{}

// withBase notes by which address the client calls: its signature covers the host.
func withBase(r *http.Request) context.Context {
	scheme := "https://"
	if r.TLS == nil {
		scheme = "http://"
	}
	return context.WithValue(r.Context(), baseKey{}, scheme+r.Host)
}

func baseOf(ctx context.Context) string {
	base, _ := ctx.Value(baseKey{}).(string)
	return base
}
