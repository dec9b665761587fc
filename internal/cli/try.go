package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"assay/internal/api/model"
	"assay/internal/inspector"
	"assay/internal/operator"
	"assay/internal/service"
)

// thisHost is the name of the target that `try` makes.
const thisHost = "this-host"

// try starts a service in this process and an agent beside it, assesses this host,
// and prints what was found. It is what `make run` runs.
func (c *Command) try(ctx context.Context, v verb, args []string) error {
	var flags serviceFlags
	var assessing assessFlags
	set := c.flags(v)
	flags.register(set)
	assessing.register(set)
	agent := set.String("agent", besideUs("assay-agent"), "the agent `program`")
	set.Lookup("log-level").DefValue, flags.level = "warn", "warn"
	set.Lookup("heartbeat").DefValue, flags.config.Interval = "1s", time.Second
	if err := c.parse(set, args, 0, 0); err != nil {
		return err
	}
	threshold, err := assessing.threshold()
	if err != nil {
		return err
	}
	config, err := c.settle(&flags)
	if err != nil {
		return err
	}
	if !given(set, "api") {
		config.API = freeAddress(config.API)
	}
	if !given(set, "gateway") {
		config.Gateway = freeAddress(config.Gateway)
	}
	return c.tryWith(ctx, config, *agent, assessing, threshold)
}

func (c *Command) tryWith(ctx context.Context, config service.Config, agent string, flags assessFlags, threshold inspector.Severity) error {
	s, err := service.Open(ctx, config)
	if err != nil {
		return err
	}
	// The service outlives ctx until the agent has stopped.
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(serving) }()
	result := c.tryOn(ctx, s, agent, flags, threshold)
	stop()
	return errors.Join(result, <-ended)
}

func (c *Command) tryOn(ctx context.Context, s *service.Service, agent string, flags assessFlags, threshold inspector.Severity) error {
	c.say("The service is at %s, its data in %s.", s.Client().Endpoint, s.Folder())
	client, err := c.newClientOf(s.Client(), s.Folder().CA())
	if err != nil {
		return err
	}
	stop, err := c.startAgent(ctx, client, s, agent)
	if err != nil {
		return err
	}
	defer stop()
	target, err := client.thisHost(ctx)
	if err != nil {
		return err
	}
	c.say("Assessing this host.")
	result := c.assessTarget(ctx, client, target, flags, threshold)
	var code exitError
	if result != nil && !errors.As(result, &code) {
		return result
	}
	if !flags.json {
		c.hints(s)
	}
	if c.Terminal {
		c.say("The service goes on until Ctrl-C.")
		<-ctx.Done()
	}
	return result
}

func (c *Command) say(format string, args ...any) { fmt.Fprintf(c.Stderr, format+"\n", args...) }

// hints tells how to go on.
func (c *Command) hints(s *service.Service) {
	us, data := "assay", ""
	if self, err := os.Executable(); err == nil {
		if path, err := exec.LookPath("assay"); err != nil || path != self {
			us = relative(self)
		}
	}
	if s.Folder() != defaultData {
		data = " -data " + string(s.Folder())
	}
	fmt.Fprintln(c.Stdout, "\nGo on:")
	if !c.Terminal {
		fmt.Fprintf(c.Stdout, "  %s serve%s &                  the service again: it ends with this command\n", us, data)
	}
	fmt.Fprintf(c.Stdout, `  %[1]s findings%[2]s                 the findings of the last run; -json for programs
  %[1]s results%[2]s                  every rule that was checked, and what could not be
  %[1]s explain%[2]s FINDING          the evidence
  eval "$(%[1]s env%[2]s)"
  aws --endpoint-url $ASSAY_ENDPOINT inspector list-findings
`, us, data)
	if os.Geteuid() > 0 {
		fmt.Fprintln(c.Stdout, "\nThe agent ran as a normal user: it could not see all. Run this as root for the whole picture.")
	}
}

// relative is a path as one would type it here.
func relative(path string) string {
	here, err := os.Getwd()
	if err != nil {
		return path
	}
	short, err := filepath.Rel(here, path)
	if err != nil || strings.HasPrefix(short, "..") {
		return path
	}
	return "." + string(filepath.Separator) + short
}

// startAgent enrols this host if it is not, starts the agent, and waits for its
// first heartbeat. What the agent says goes to a file in the data folder.
func (c *Command) startAgent(ctx context.Context, client *client, s *service.Service, agent string) (stop func(), err error) {
	state := filepath.Join(string(s.Folder()), "agent")
	if _, err := os.Stat(filepath.Join(state, "identity.json")); errors.Is(err, os.ErrNotExist) {
		c.say("Enrolling this host.")
		if err := c.enroll(ctx, client, s, agent, state); err != nil {
			return nil, err
		}
	}
	path := filepath.Join(string(s.Folder()), "agent.log")
	log, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the agent's log: %w", err)
	}
	began := time.Now()
	cmd := exec.Command(agent, "run", "-state", state)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start the agent: %w", err), log.Close())
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	stop = func() {
		if runtime.GOOS == "windows" || cmd.Process.Signal(os.Interrupt) != nil {
			cmd.Process.Kill()
		}
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			cmd.Process.Kill()
		}
		log.Close()
	}
	if err := client.heard(ctx, began, ended); err != nil {
		stop()
		return nil, fmt.Errorf("%w; its log is %s", err, path)
	}
	return stop, nil
}

func (c *Command) enroll(ctx context.Context, client *client, s *service.Service, agent, state string) error {
	var token operator.TokenResponse
	request := operator.TokenRequest{Seconds: 600, Uses: 1, Tags: []inspector.Tag{{Key: "assay", Value: thisHost}}}
	if err := client.operator(ctx, operator.CreateEnrollmentToken, request, &token); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, agent, "enroll", "-server", s.Client().Gateway, "-ca", s.Folder().CA(), "-state", state)
	// The token goes by the environment: arguments can be read by everybody.
	cmd.Env = append(os.Environ(), "ASSAY_AGENT_TOKEN="+token.Token)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("enrol this host: %w: %s", err, strings.TrimSpace(string(out)))
	}
	return nil
}

// heard waits until an agent has been heard of since a time.
func (c *client) heard(ctx context.Context, since time.Time, ended <-chan error) error {
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		var answer operator.AgentsResponse
		if err := c.operator(ctx, operator.ListAgents, operator.PageRequest{MaxResults: page}, &answer); err != nil {
			return err
		}
		for _, a := range answer.Agents {
			if a.SeenAt.After(since) {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-ended:
			return fmt.Errorf("the agent has ended (%v)", err)
		case <-time.After(100 * time.Millisecond):
		}
	}
	return errors.New("the agent was not heard of within a minute")
}

// thisHost finds or makes the target of the hosts that `try` has enrolled.
func (c *client) thisHost(ctx context.Context) (string, error) {
	if target, err := c.target(ctx, thisHost); err == nil {
		return target, nil
	}
	var group model.CreateResourceGroupResponse
	err := c.inspector(ctx, "CreateResourceGroup", map[string]any{
		"resourceGroupTags": []inspector.Tag{{Key: "assay", Value: thisHost}},
	}, &group)
	if err != nil {
		return "", err
	}
	var target model.CreateAssessmentTargetResponse
	err = c.inspector(ctx, "CreateAssessmentTarget", map[string]any{
		"assessmentTargetName": thisHost, "resourceGroupArn": group.ResourceGroupArn,
	}, &target)
	return target.AssessmentTargetArn, err
}

// besideUs is a program in the folder of this one, or its bare name.
func besideUs(name string) string {
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	self, err := os.Executable()
	if err != nil {
		return name
	}
	path := filepath.Join(filepath.Dir(self), name)
	if _, err := os.Stat(path); err != nil {
		return name
	}
	return path
}

// given tells whether a flag was set, wherever.
func given(set *flag.FlagSet, name string) bool {
	found := false
	set.Visit(func(f *flag.Flag) { found = found || f.Name == name })
	return found
}

// freeAddress is the address if nobody listens there, else one with a free port.
func freeAddress(address string) string {
	l, err := net.Listen("tcp", address)
	if err != nil {
		host, _, _ := net.SplitHostPort(address)
		return net.JoinHostPort(host, "0")
	}
	l.Close()
	return address
}
