package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"assay/internal/inspector"
	"assay/internal/operator"
	"assay/internal/service"
)

// localAgent is the agent that `try` runs on this host.
type localAgent struct {
	program, state string
	log            string // the file that takes what it says

	id    string
	began time.Time
	cmd   *exec.Cmd
	done  chan struct{} // closed when it has ended
}

// identity is what the command line needs of the agent's identity.json.
type identity struct{ Agent, Server string }

func (a *localAgent) identity() (id identity, err error) {
	data, err := os.ReadFile(filepath.Join(a.state, "identity.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return id, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &id)
	}
	if err != nil {
		return id, fmt.Errorf("read who the agent of this host is: %w", err)
	}
	return id, nil
}

// prepareAgent enrols this host if it is not, or is for an address that the
// service had another time.
func (c *Command) prepareAgent(ctx context.Context, client *client, s *service.Service, a *localAgent) error {
	id, err := a.identity()
	if err != nil {
		return err
	}
	if id.Server != s.Client().Gateway {
		c.say("Enrolling this host.")
		if err := c.enroll(ctx, client, s, a); err != nil {
			return err
		}
		if id.Agent != "" { // or the target would have an agent that never answers
			if err := client.operator(ctx, operator.RevokeAgent, operator.RevokeRequest{ID: id.Agent}, nil); err != nil {
				return fmt.Errorf("revoke the agent that this host had: %w", err)
			}
		}
		if id, err = a.identity(); err != nil {
			return err
		}
	}
	a.id = id.Agent
	return nil
}

func (c *Command) enroll(ctx context.Context, client *client, s *service.Service, a *localAgent) error {
	var token operator.TokenResponse
	request := operator.TokenRequest{Seconds: 600, Uses: 1, Tags: []inspector.Tag{{Key: "assay", Value: thisHost}}}
	if err := client.operator(ctx, operator.CreateEnrollmentToken, request, &token); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, a.program, "enroll", "-force", "-server", s.Client().Gateway, "-ca", s.Folder().CA(), "-state", a.state)
	// The token goes by the environment: arguments can be read by everybody.
	cmd.Env = append(os.Environ(), "ASSAY_AGENT_TOKEN="+token.Token)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("enrol this host: %w: %s", err, strings.TrimSpace(string(out)))
	}
	return nil
}

// start starts the agent. ended is called when it has ended, whatever the reason.
func (a *localAgent) start(ended context.CancelCauseFunc) error {
	log, err := os.OpenFile(a.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open the agent's log: %w", err)
	}
	defer log.Close() // the agent has it
	a.began = time.Now()
	a.cmd = exec.Command(a.program, "run", "-state", a.state)
	a.cmd.Stdout, a.cmd.Stderr = log, log
	apart(a.cmd)
	if err := a.cmd.Start(); err != nil {
		return fmt.Errorf("start the agent: %w", err)
	}
	a.done = make(chan struct{})
	go func() {
		a.cmd.Wait() // its error says no more than the state
		ended(partEnded{fmt.Errorf("the agent has ended (%v)", a.cmd.ProcessState)})
		close(a.done)
	}()
	return nil
}

// stop lets the agent end, but not for ever.
func (a *localAgent) stop() {
	if runtime.GOOS == "windows" || a.cmd.Process.Signal(os.Interrupt) != nil {
		a.cmd.Process.Kill()
	}
	select {
	case <-a.done:
	case <-time.After(10 * time.Second):
		a.cmd.Process.Kill()
		<-a.done
	}
}

// heard waits until the agent has been heard of since it was started.
func (c *client) heard(ctx context.Context, agent *localAgent) error {
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		found := false
		err := c.agents(ctx, func(a operator.Agent) { found = found || a.ID == agent.id && a.SeenAt.After(agent.began) })
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil || found:
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
	return errors.New("the agent was not heard of within a minute")
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
