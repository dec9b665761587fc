package cli

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"

	"assay/internal/agent/credential"
	"assay/internal/agent/hostfacts"
	"assay/internal/agent/state"
	"assay/internal/agent/uplink"
	"assay/internal/durable"
)

func stateFlag(fs *flag.FlagSet, s *settings) {
	fs.StringVar(&s.state, "state", DefaultState, "`DIR` in which the agent keeps its identity and its spool")
}

func serviceFlags(fs *flag.FlagSet, s *settings) {
	stateFlag(fs, s)
	fs.StringVar(&s.server, "server", "", "`URL` of the service's door for agents: https://assay.example:8444")
	fs.StringVar(&s.token, "token", "", "enrolment `TOKEN`, from assay agents token")
	fs.StringVar(&s.tokenFile, "token-file", "", "`FILE` with the token; - is standard input")
	fs.StringVar(&s.ca, "ca", "", "`FILE` with the service's CA in PEM")
	fs.StringVar(&s.caPin, "ca-pin", "", "`PIN` of the CA's public key: sha256: and 64 hexadecimal digits")
}

func enrollFlags(fs *flag.FlagSet, s *settings) {
	serviceFlags(fs, s)
	fs.BoolVar(&s.force, "force", false, "replace an identity that is there already")
	fs.BoolVar(&s.json, "json", false, "print JSON")
}

func enroll(ctx context.Context, c *Cmd, s *settings) error {
	if err := state.Prepare(s.state); err != nil {
		return err
	}
	lock, err := durable.TryLock(s.state)
	if errors.Is(err, durable.ErrLocked) {
		return fmt.Errorf("an agent runs with %s: stop it, enrol, and start it again", s.state)
	}
	if err != nil {
		return err
	}
	defer lock.Unlock()
	if err := s.mayEnroll(); err != nil {
		return err
	}
	id, err := s.enroll(ctx, c)
	if err != nil {
		return err
	}
	if s.json {
		return json.MarshalWrite(c.Stdout, struct {
			Agent       string    `json:"agent"`
			Server      string    `json:"server"`
			Certificate time.Time `json:"certificate_until"`
		}{id.Agent, id.Server, id.NotAfter().UTC()})
	}
	_, err = fmt.Fprintf(c.Stdout, "This host is now the agent %s of %s.\n", id.Agent, id.Server)
	return err
}

// mayEnroll refuses to replace an identity that is still good.
func (s *settings) mayEnroll() error {
	id, err := credential.Load(s.state)
	switch {
	case errors.Is(err, credential.ErrNotEnrolled) || s.force:
		return nil
	case err != nil:
		return err
	case time.Now().After(id.NotAfter()):
		return nil
	}
	return fmt.Errorf("this host is the agent %s of %s already; -force enrols it as a new one", id.Agent, id.Server)
}

// enroll asks for an identity and saves it. The caller holds the lock.
func (s *settings) enroll(ctx context.Context, c *Cmd) (credential.Identity, error) {
	var none credential.Identity
	if s.server == "" {
		return none, usagef("-server is missing: the address of the service")
	}
	token, err := s.theToken(c.Stdin)
	if err != nil {
		return none, fmt.Errorf("read the token: %w", err)
	}
	if token == "" {
		return none, usagef("-token is missing: make one with assay agents token")
	}
	trust, err := s.trust()
	if err != nil {
		return none, err
	}
	proxy, err := uplink.Proxy(s.getenv)
	if err != nil {
		return none, usageError{err}
	}
	id, err := credential.Enroll(ctx, credential.Request{
		Server: s.server, Token: token, Trust: trust, Proxy: proxy, Facts: hostfacts.Collect(), Version: c.Version,
	})
	if err != nil {
		return none, err
	}
	return id, id.Save(s.state)
}

// trust is nil if neither a CA nor a pin was given: the system's roots decide.
func (s *settings) trust() (*tls.Config, error) {
	switch {
	case s.ca != "" && s.caPin != "":
		return nil, usagef("-ca and -ca-pin exclude one another")
	case s.caPin != "":
		config, err := uplink.TrustPin(s.caPin)
		if err != nil {
			return nil, usagef("-ca-pin: %w", err)
		}
		return config, nil
	case s.ca != "":
		pem, err := readSettings(s.ca)
		if err != nil {
			return nil, fmt.Errorf("read the CA: %w", err)
		}
		config, err := uplink.TrustPEM([]byte(pem))
		if err != nil {
			return nil, fmt.Errorf("read the CA %s: %w", s.ca, err)
		}
		return config, nil
	}
	return nil, nil
}
