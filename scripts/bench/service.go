//go:build linux

package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"assay/internal/access"
	"assay/internal/agent/credential"
	"assay/internal/agent/uplink"
	"assay/internal/inspector"
	"assay/internal/operator"
	"assay/internal/service"
	"assay/internal/wire"
)

// running is `assay serve` in a process of its own, on one core, as a client sees it.
type running struct {
	cmd  *exec.Cmd
	use  service.Client
	ca   []byte
	http *http.Client
}

// serve starts the service with the defaults of the command line.
func (b *bench) serve(ctx context.Context) (*running, error) {
	data, err := os.MkdirTemp(b.work, "data-")
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, b.program("assay"), "serve", "-data", data, "-api", "127.0.0.1:0", "-gateway", "127.0.0.1:0",
		"-region", "eu-central-1", "-log-level", "warn")
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &running{cmd: cmd}
	if err := s.meet(ctx, service.Folder(data)); err != nil {
		s.stop()
		return nil, fmt.Errorf("start the service: %w", err)
	}
	return s, nil
}

// meet waits until the service answers.
func (s *running) meet(ctx context.Context, folder service.Folder) error {
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		err := s.greet(ctx, folder)
		if err == nil || time.Now().After(end) || ctx.Err() != nil {
			return err
		}
	}
}

func (s *running) greet(ctx context.Context, folder service.Folder) (err error) {
	if s.use, err = folder.Client(); err != nil {
		return err
	}
	if s.ca, err = os.ReadFile(folder.CA()); err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(s.ca)
	s.http = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}, Timeout: time.Minute}
	return s.call(ctx, "InspectorService.ListRulesPackages", map[string]any{}, nil)
}

func (s *running) pid() int { return s.cmd.Process.Pid }

func (s *running) stop() {
	s.cmd.Process.Signal(syscall.SIGTERM)
	s.cmd.Wait()
}

// call calls an operation of the API.
func (s *running) call(ctx context.Context, target string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.use.Endpoint+"/", bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", target)
	access.Sign(r, body, access.Credential{KeyID: s.use.AccessKey, Secret: s.use.Secret}, s.use.Region, "inspector", time.Now())
	answer, err := s.http.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s: %s", target, answer.Status, data)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(data, out)
}

// tag is what every agent here has, so that one target has them all.
var tag = inspector.Tag{Key: "for", Value: "bench"}

func (s *running) token(ctx context.Context) (string, error) {
	var answer operator.TokenResponse
	err := s.call(ctx, operator.Service+"."+operator.CreateEnrollmentToken, operator.TokenRequest{Tags: []inspector.Tag{tag}}, &answer)
	return answer.Token, err
}

// enrol makes so many agents, as agents do it.
func (s *running) enrol(ctx context.Context, n int) ([]credential.Identity, error) {
	token, err := s.token(ctx)
	if err != nil {
		return nil, err
	}
	trust, err := uplink.TrustPEM(s.ca)
	if err != nil {
		return nil, err
	}
	ids, errs := make([]credential.Identity, n), make([]error, n)
	var group sync.WaitGroup
	slots := make(chan struct{}, 8)
	for i := range ids {
		group.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			ids[i], errs[i] = credential.Enroll(ctx, credential.Request{
				Server: s.use.Gateway, Token: token, Trust: trust, Version: "0.1.0", Facts: facts(i),
			})
		})
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, fmt.Errorf("enrol an agent: %w", err)
		}
	}
	return ids, nil
}

func facts(i int) wire.HostFacts {
	return wire.HostFacts{
		Hostname: fmt.Sprintf("host-%04d", i), FQDN: fmt.Sprintf("host-%04d.example.net", i), OS: "linux", OSName: "Debian GNU/Linux 12 (bookworm)",
		Kernel: "6.1.0-28-amd64", Architecture: "x86_64", IPv4Addresses: []string{fmt.Sprintf("192.0.2.%d", i%250)},
	}
}

// start starts an assessment of all agents, with the rules packages that need no more
// than a snapshot, and returns the run's ARN.
func (s *running) start(ctx context.Context) (string, error) {
	return s.startWith(ctx, time.Hour, []inspector.PackageID{inspector.PackageCVE, inspector.PackagePractices})
}

func (s *running) startWith(ctx context.Context, d time.Duration, packages []inspector.PackageID) (string, error) {
	var arns []string
	for _, id := range packages {
		arns = append(arns, inspector.Scope{Region: s.use.Region, Account: s.use.Account}.PackageARN(id).String())
	}
	var group struct{ ResourceGroupArn string }
	var target struct{ AssessmentTargetArn string }
	var template struct{ AssessmentTemplateArn string }
	var run struct{ AssessmentRunArn string }
	for _, step := range []struct {
		operation string
		in        func() map[string]any
		out       any
	}{
		{"CreateResourceGroup", func() map[string]any { return map[string]any{"resourceGroupTags": []inspector.Tag{tag}} }, &group},
		{"CreateAssessmentTarget", func() map[string]any {
			return map[string]any{"assessmentTargetName": inspector.NewID(), "resourceGroupArn": group.ResourceGroupArn}
		}, &target},
		{"CreateAssessmentTemplate", func() map[string]any {
			return map[string]any{"assessmentTargetArn": target.AssessmentTargetArn, "assessmentTemplateName": "t",
				"durationInSeconds": int(d.Seconds()), "rulesPackageArns": arns}
		}, &template},
		{"StartAssessmentRun", func() map[string]any {
			return map[string]any{"assessmentTemplateArn": template.AssessmentTemplateArn}
		}, &run},
	} {
		if err := s.call(ctx, "InspectorService."+step.operation, step.in(), step.out); err != nil {
			return "", err
		}
	}
	return run.AssessmentRunArn, nil
}

// await waits until a run is over and returns its state.
func (s *running) await(ctx context.Context, run string) (string, error) {
	for {
		var described struct{ AssessmentRuns []struct{ State string } }
		err := s.call(ctx, "InspectorService.DescribeAssessmentRuns", map[string]any{"assessmentRunArns": []string{run}}, &described)
		if err != nil {
			return "", err
		}
		if len(described.AssessmentRuns) == 1 && inspector.RunState(described.AssessmentRuns[0].State).Final() {
			return described.AssessmentRuns[0].State, nil
		}
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-time.After(250 * time.Millisecond):
		}
	}
}

// snapshot makes a snapshot of this host and returns its path.
func (b *bench) snapshot(ctx context.Context) (string, error) {
	path := filepath.Join(b.work, "snapshot")
	_, err := command(ctx, []int{0, 3}, b.program("assay-agent"), "collect", "-o", path)
	return path, err
}
