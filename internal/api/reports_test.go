package api

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/inspector"
	"github.com/aws/aws-sdk-go-v2/service/inspector/types"
	"github.com/klauspost/compress/zstd"

	"assay/internal/assess"
	"assay/internal/inspector"
	"assay/internal/jobs"
)

// finished is the ARN of a run that is over, and that of one that goes on.
func (w *world) finished(name string) (over, going string) {
	w.t.Helper()
	w.addAgents(web0)
	target := w.do("CreateAssessmentTarget", object{"assessmentTargetName": name})["assessmentTargetArn"]
	template := w.do("CreateAssessmentTemplate", object{"assessmentTargetArn": target, "assessmentTemplateName": name, "durationInSeconds": 3600,
		"rulesPackageArns": []string{scope.PackageARN(inspector.PackagePractices).String()}})["assessmentTemplateArn"]
	over = w.do("StartAssessmentRun", object{"assessmentTemplateArn": template, "assessmentRunName": "one"})["assessmentRunArn"].(string)
	w.finish(over, 3, web0)
	going = w.do("StartAssessmentRun", object{"assessmentTemplateArn": template, "assessmentRunName": "two"})["assessmentRunArn"].(string)
	return over, going
}

// work runs the service's jobs until the test ends.
func (w *world) work() {
	w.t.Helper()
	service := w.api.Commands.(*assess.Service)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- service.Queue.(jobs.Worker).Run(ctx, service.Handlers(), 2) }()
	w.t.Cleanup(func() {
		cancel()
		check(w.t, <-ended)
	})
}

// kept are results as assess keeps them: zstd-compressed JSON.
func kept(t testing.TB) []byte {
	t.Helper()
	enc, err := zstd.NewWriter(nil)
	check(t, err)
	text, err := json.Marshal(assess.HostResults{Package: inspector.PackagePractices, Version: "1.0", EvaluatedAt: time.Now()})
	check(t, err)
	return enc.EncodeAll(text, nil)
}

func (w *world) get(method, url string) (*http.Response, []byte) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, url, nil)
	check(w.t, err)
	response, err := w.server.Client().Do(r)
	check(w.t, err)
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	check(w.t, err)
	return response, data
}

// report asks until a report is there, as clients do.
func (w *world) report(run string, kind types.ReportType, format types.ReportFileFormat) string {
	w.t.Helper()
	c := w.client()
	for range 3000 {
		out, err := c.GetAssessmentReport(w.t.Context(), &sdk.GetAssessmentReportInput{AssessmentRunArn: aws.String(run), ReportType: kind, ReportFileFormat: format})
		check(w.t, err)
		switch out.Status {
		case types.ReportStatusCompleted:
			return *out.Url
		case types.ReportStatusFailed:
			w.t.Fatal("the report failed")
		}
		if out.Url != nil {
			w.t.Errorf("an url while it is %s", out.Status)
		}
		time.Sleep(20 * time.Millisecond)
	}
	w.t.Fatal("the report is never there")
	return ""
}

func TestReports(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		over, going := w.finished("reports")
		first := w.do("GetAssessmentReport", object{"assessmentRunArn": over, "reportFileFormat": "PDF", "reportType": "FULL"})
		if first["status"] != "WORK_IN_PROGRESS" {
			t.Errorf("the first answer is %v", first)
		}
		w.work()
		for _, test := range []struct {
			kind         types.ReportType
			format       types.ReportFileFormat
			content, tag string
		}{
			{types.ReportTypeFinding, types.ReportFileFormatHtml, "text/html; charset=utf-8", "<!DOCTYPE html>"},
			{types.ReportTypeFull, types.ReportFileFormatPdf, "application/pdf", "%PDF-1.7"},
		} {
			link := w.report(over, test.kind, test.format)
			if !strings.HasPrefix(link, w.server.URL+"/reports/") || len(link) > 2048 {
				t.Errorf("the url is %s", link)
			}
			response, data := w.get("GET", link)
			h := response.Header
			if response.StatusCode != http.StatusOK || h.Get("Content-Type") != test.content || !bytes.HasPrefix(data, []byte(test.tag)) ||
				h.Get("Content-Length") != fmt.Sprint(len(data)) {
				t.Errorf("GET: %d %v, %d bytes: %.60q", response.StatusCode, h, len(data), data)
			}
			name := strings.ToLower(fmt.Sprintf("assessment-report-%s-%s.%s", over[strings.LastIndex(over, "/")+1:], test.kind, test.format))
			if !strings.Contains(strings.ToLower(h.Get("Content-Disposition")), name) || h.Get("X-Content-Type-Options") != "nosniff" ||
				h.Get("Cache-Control") != "no-store" || !strings.HasPrefix(h.Get("Content-Security-Policy"), "default-src 'none'; style-src 'unsafe-inline'") {
				t.Errorf("headers %v", h)
			}
			if response, data := w.get("HEAD", link); response.StatusCode != http.StatusOK || len(data) > 0 {
				t.Errorf("HEAD: %d, %d bytes", response.StatusCode, len(data))
			}
		}
		failed := w.fails("GetAssessmentReport", object{"assessmentRunArn": going, "reportFileFormat": "PDF", "reportType": "FULL"}, "AssessmentRunInProgressException", "")
		if runs := failed["assessmentRunArns"].([]any); len(runs) != 1 || runs[0] != going {
			t.Errorf("the run in progress: %v", failed)
		}
		w.do("StopAssessmentRun", object{"assessmentRunArn": going, "stopAction": "SKIP_EVALUATION"})
		w.fails("GetAssessmentReport", object{"assessmentRunArn": going, "reportFileFormat": "HTML", "reportType": "FINDING"}, "UnsupportedFeatureException", "")
		w.fails("GetAssessmentReport", object{"assessmentRunArn": over[:len(over)-1] + "_", "reportFileFormat": "HTML", "reportType": "FINDING"}, "InvalidInputException", "INVALID_ASSESSMENT_RUN_ARN")
		none := scope.Run("0-aaaaaaaa", "0-bbbbbbbb", "0-cccccccc").String()
		w.fails("GetAssessmentReport", object{"assessmentRunArn": none, "reportFileFormat": "HTML", "reportType": "FINDING"}, "NoSuchEntityException", "ASSESSMENT_RUN_DOES_NOT_EXIST")
	})
}

// Whatever is wrong with a link, the answer is the same, and reads nothing.
func TestReportLinks(t *testing.T) {
	w := newWorld(t)
	over, _ := w.finished("links")
	w.work()
	link := w.report(over, types.ReportTypeFinding, types.ReportFileFormatHtml)
	parsed, err := url.Parse(link)
	check(t, err)
	parts := strings.Split(parsed.Path, "/")
	changed := func(path, expires, signature string) string {
		u, q := *parsed, parsed.Query()
		u.Path = path
		q.Set("expires", expires)
		q.Set("signature", signature)
		u.RawQuery = q.Encode()
		return u.String()
	}
	expires, signature := parsed.Query().Get("expires"), parsed.Query().Get("signature")
	other := strings.Repeat("0", len(parts[2]))
	_, refused := w.get("GET", w.server.URL+"/reports/")
	forged := fmt.Sprintf("%x", w.api.reportCode(other, expires)) // of a report that there is not
	for name, bad := range map[string]string{
		"no signature":       w.server.URL + parsed.Path,
		"another id":         changed("/reports/"+other+"/"+parts[3], expires, signature),
		"no report":          changed("/reports/"+other+"/"+parts[3], expires, forged),
		"another name":       changed("/reports/"+parts[2]+"/x.html", expires, signature),
		"a later expiry":     changed(parsed.Path, "99999999999", signature),
		"expiry in words":    changed(parsed.Path, "never", signature),
		"another signature":  changed(parsed.Path, expires, strings.Repeat("0", len(signature))),
		"a short signature":  changed(parsed.Path, expires, signature[:20]),
		"half a byte":        changed(parsed.Path, expires, signature+"0"),
		"the id with a tail": changed("/reports/"+parts[2]+"/"+parts[3]+"/x", expires, signature),
	} {
		if response, data := w.get("GET", bad); response.StatusCode != http.StatusForbidden || !bytes.Equal(data, refused) {
			t.Errorf("%s: %d %s", name, response.StatusCode, data)
		}
	}
	if response, _ := w.get("POST", link); response.StatusCode == http.StatusOK {
		t.Error("POST reads the report")
	}
	now := w.api.Now
	w.api.Now = func() time.Time { return now().Add(urlLife) }
	if response, data := w.get("GET", link); response.StatusCode != http.StatusForbidden || !bytes.Equal(data, refused) {
		t.Errorf("an url that has expired: %d %s", response.StatusCode, data)
	}
	w.api.Now = now
	if response, _ := w.get("GET", link); response.StatusCode != http.StatusOK {
		t.Errorf("the right url: %d", response.StatusCode)
	}
	w.do("DeleteAssessmentRun", object{"assessmentRunArn": over})
	if response, data := w.get("GET", link); response.StatusCode != http.StatusForbidden || !bytes.Equal(data, refused) {
		t.Errorf("the report of a deleted run: %d %s", response.StatusCode, data)
	}
}

// slow takes long to give a document, longer than the server's time to write.
type slow struct {
	Commands
	size int
	fail bool
}

func (s slow) OpenReport(context.Context, string) (inspector.Report, io.ReadCloser, error) {
	reader, writer := io.Pipe()
	go func() {
		n := s.size
		if s.fail {
			n /= 2
		}
		for range n {
			time.Sleep(20 * time.Millisecond)
			writer.Write([]byte("x"))
		}
		if s.fail {
			writer.CloseWithError(errors.New("tampered with"))
		}
		writer.Close()
	}()
	return inspector.Report{Run: "0-aaaaaaaa", Type: inspector.ReportFull, Format: inspector.ReportPDF, Size: int64(s.size)}, reader, nil
}

// A download is not cut off by the time that other answers have, and one that
// cannot go on is seen to have failed.
func TestReportDownloads(t *testing.T) {
	w := newWorld(t)
	commands := w.api.Commands
	for _, fail := range []bool{false, true} {
		w.api.Commands = slow{commands, 20, fail}
		server := httptest.NewUnstartedServer(w.api)
		server.Config.WriteTimeout = 100 * time.Millisecond
		server.Config.ErrorLog = nil
		server.TLS = &tls.Config{}
		server.StartTLS()
		link := w.api.reportURL(server.URL, inspector.Report{ID: "a", Run: "0-aaaaaaaa", Type: inspector.ReportFull, Format: inspector.ReportPDF})
		var data []byte
		response, err := server.Client().Get(link)
		if err == nil {
			data, err = io.ReadAll(response.Body)
			response.Body.Close()
		}
		if !fail && (err != nil || len(data) != 20) {
			t.Errorf("%d of 20 bytes: %v", len(data), err)
		}
		if fail && err == nil {
			t.Errorf("%d bytes of a report that cannot be read to its end look whole", len(data))
		}
		server.Close()
	}
}
