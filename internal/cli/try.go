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
	"slices"
	"strings"
	"time"

	"assay/internal/api/model"
	"assay/internal/inspector"
	"assay/internal/service"
)

// thisHost is the name of the target that `try` makes.
const thisHost = "this-host"

// try starts a service in this process and an agent beside it, assesses this host,
// and prints what was found. It is what `make run` runs.
func (c *Command) try(ctx context.Context, set *flag.FlagSet, args []string) error {
	var flags serviceFlags
	var assessing assessFlags
	flags.register(set)
	assessing.register(set)
	agent := set.String("agent", besideUs("assay-agent"), "the agent `program`")
	set.Lookup("log-level").DefValue, flags.level = "warn", "warn"
	set.Lookup("heartbeat").DefValue, flags.config.Interval = "1s", time.Second
	if err := c.parse(set, args, 0, 0); err != nil {
		return err
	}
	if err := assessing.check(); err != nil {
		return err
	}
	config, err := c.settle(&flags)
	if err != nil {
		return err
	}
	if n := len(config.Roles); n > 0 && n < 3 {
		return usagef("it needs all roles")
	}
	// An address that was asked for is not changed, wherever it was.
	last, _ := service.Folder(config.Data).Client() // the agent knows the address of the last time
	if config.API == set.Lookup("api").DefValue {
		config.API = freeAddress(last.Endpoint, config.API)
	}
	if config.Gateway == set.Lookup("gateway").DefValue {
		config.Gateway = freeAddress(last.Gateway, config.Gateway)
	}
	return c.tryWith(ctx, config, *agent, assessing)
}

// partEnded is why a try ends early: the service or the agent has.
type partEnded struct{ error }

func (c *Command) tryWith(ctx context.Context, config service.Config, agent string, flags assessFlags) error {
	s, err := service.Open(ctx, config)
	if err != nil {
		return err
	}
	// The service outlives ctx until the agent has stopped.
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	trying, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	ended := make(chan error, 1)
	go func() {
		err := s.Serve(serving)
		cancel(partEnded{errors.New("the service has ended")})
		ended <- err
	}()
	result := c.tryOn(trying, cancel, s, config, agent, flags)
	stop()
	return worse(result, <-ended)
}

// worse joins what an assessment came to and how its service ended: a service that
// failed wins over any exit code.
func worse(result, served error) error {
	var code exitError
	if served != nil && errors.As(result, &code) {
		return served
	}
	return errors.Join(result, served)
}

func (c *Command) tryOn(ctx context.Context, cancel context.CancelCauseFunc, s *service.Service, config service.Config, program string, flags assessFlags) error {
	c.say("The service is at %s, its data in %s.", s.Client().Endpoint, s.Folder())
	client, err := c.newClientOf(s.Client(), s.Folder().CA())
	if err != nil {
		return err
	}
	a := &localAgent{program: program, state: filepath.Join(string(s.Folder()), "agent"), log: filepath.Join(string(s.Folder()), "agent.log")}
	if err := c.prepareAgent(ctx, client, s, a); err != nil {
		return err
	}
	if err := a.start(cancel); err != nil {
		return err
	}
	defer a.stop()
	err = client.heard(ctx, a)
	var result error
	if err == nil {
		result, err = c.assessHost(ctx, client, flags)
	}
	if err != nil {
		return fmt.Errorf("%w; the agent's log is %s", err, a.log)
	}
	if !flags.json {
		c.hints(s, config, c.Terminal && ctx.Err() == nil)
	}
	if c.Terminal {
		if ctx.Err() == nil {
			c.say("The service goes on until Ctrl-C.")
		}
		<-ctx.Done()
		var part partEnded
		if errors.As(context.Cause(ctx), &part) {
			return part
		}
	}
	return result
}

// assessHost assesses the target that try makes. result is an exit code.
func (c *Command) assessHost(ctx context.Context, client *client, flags assessFlags) (result, err error) {
	target, err := client.thisHost(ctx)
	if err != nil {
		return nil, err
	}
	if flags.observe > 0 {
		c.say("Assessing this host, and observing it for %s; Ctrl-C ends that early.", lasting(flags.observe))
	} else {
		c.say("Assessing this host: going over all its files can take a minute.")
	}
	flags.endEarly = true // the service ends with this command
	flags.how = `make run ARGS="-observe 3m"`
	err = c.assessTarget(ctx, client, target, flags)
	var code exitError
	if errors.As(err, &code) {
		return code, nil
	}
	return nil, err
}

func (c *Command) say(format string, args ...any) { fmt.Fprintf(c.Stderr, format+"\n", args...) }

// hints tells how to go on; serving: the service does.
func (c *Command) hints(s *service.Service, config service.Config, serving bool) {
	us, data := "assay", ""
	if self, err := os.Executable(); err == nil {
		if path, err := exec.LookPath("assay"); err != nil || path != self {
			us = relative(self)
		}
	}
	if s.Folder() != defaultData {
		data = " -data " + string(s.Folder())
	}
	commands := [][2]string{
		{us + " findings" + data, "the findings of the last run; -json for programs"},
		{us + " results" + data, "every rule that was checked, and what could not be"},
		{us + " explain" + data + " FINDING", "the evidence"},
	}
	if !serving {
		again := [2]string{us + " serve" + data + doors(config, s.Client()) + " &", "the service again: it ends with this command"}
		commands = slices.Insert(commands, 0, again)
	}
	width := 0
	for _, line := range commands {
		width = max(width, len(line[0]))
	}
	fmt.Fprintln(c.Stdout, "\nGo on:")
	for _, line := range commands {
		fmt.Fprintf(c.Stdout, "  %-*s %s\n", width+9, line[0], line[1])
	}
	fmt.Fprintf(c.Stdout, `  eval "$(%s env%s)"
  aws --endpoint-url $ASSAY_ENDPOINT inspector list-findings
`, us, data)
	if os.Geteuid() > 0 {
		fmt.Fprintln(c.Stdout, "\nThe agent ran as a normal user: it could not see all. Run this as root for the whole picture.")
	}
}

// doors are the flags of serve with which the service is again where it is now: this
// host's agent knows its gateway by that.
func doors(config service.Config, now service.Client) (flags string) {
	for _, door := range []struct{ flag, usual, asked, url string }{
		{"api", usualAPI, config.API, now.Endpoint},
		{"gateway", usualGateway, config.Gateway, now.Gateway},
	} {
		host, _, _ := net.SplitHostPort(door.asked)
		address := net.JoinHostPort(host, door.url[strings.LastIndex(door.url, ":")+1:])
		if address != door.usual {
			flags += " -" + door.flag + " " + address
		}
	}
	return flags
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

// thisHost finds or makes the target of the hosts that `try` has enrolled.
func (c *client) thisHost(ctx context.Context) (string, error) {
	if target, err := c.target(ctx, thisHost); target != "" || err != nil {
		return target, err
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

// freeAddress is the address of a door the last time, if that was on this host only
// and is free, else the usual one, else one with a free port.
func freeAddress(last, usual string) string {
	last, local := strings.CutPrefix(last, "https://localhost:")
	if local && free("127.0.0.1:"+last) {
		return "127.0.0.1:" + last
	}
	if free(usual) {
		return usual
	}
	host, _, _ := net.SplitHostPort(usual)
	return net.JoinHostPort(host, "0")
}

// free tells whether nobody listens at an address.
func free(address string) bool {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return false
	}
	l.Close()
	return true
}
