package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"assay/internal/agent"
	"assay/internal/agent/collect"
	"assay/internal/agent/credential"
	"assay/internal/agent/spool"
	"assay/internal/agent/state"
	"assay/internal/agent/uplink"
	"assay/internal/durable"
)

func runFlags(fs *flag.FlagSet, s *settings) {
	serviceFlags(fs, s)
	fs.Int64Var(&s.spoolLimit, "spool-limit", spool.DefaultLimit, "`BYTES` of telemetry to keep until the service has them")
	fs.DurationVar(&s.timeout, "sensor-timeout", collect.DefaultTimeout, "`TIME` that one sensor may take")
	observeWithFlag(fs, s)
	fs.StringVar(&s.logLevel, "log-level", "info", "log from this `LEVEL` on: debug, info, warn, error")
}

func run(ctx context.Context, c *Cmd, s *settings) error {
	proxy, err := uplink.Proxy(s.getenv)
	if err != nil {
		return usageError{err}
	}
	if s.spoolLimit <= 0 || s.timeout <= 0 {
		return usagef("-spool-limit and -sensor-timeout must be greater than zero")
	}
	log, err := c.log(s)
	if err != nil {
		return err
	}
	sensors, err := s.sensorsOf(c)
	if err != nil {
		return err
	}
	if err := s.enrollFirst(ctx, c, log); err != nil {
		return err
	}
	// A collector of garbage that runs more often costs little here: the
	// agent idles, and its telemetry streams to the disk.
	debug.SetGCPercent(40)
	// What a peak needed is to be given back: the memory of the agent is that of others.
	debug.SetMemoryLimit(28 << 20)
	return agent.Run(ctx, agent.Config{
		State: s.state, Sensors: sensors, Version: c.Version, Proxy: proxy,
		SpoolLimit: s.spoolLimit, Timeout: s.timeout, Log: log,
	})
}

// enrollFirst enrols a host that has a token in its settings and no identity:
// so an image can be prepared that enrols when it boots. It tries until the
// service answers.
func (s *settings) enrollFirst(ctx context.Context, c *Cmd, log *slog.Logger) error {
	if _, err := credential.Load(s.state); !errors.Is(err, credential.ErrNotEnrolled) {
		return err
	}
	if s.server == "" || s.token == "" && s.tokenFile == "" {
		return nil // agent.Run says what to do
	}
	if err := state.Prepare(s.state); err != nil {
		return err
	}
	lock, err := durable.TryLock(s.state)
	if err != nil {
		return err
	}
	defer lock.Unlock()
	for said := ""; ; {
		id, err := s.enroll(ctx, c)
		if err == nil {
			log.Info("the host is enrolled", "agent", id.Agent, "server", id.Server)
			return nil
		}
		var usage usageError
		var status *uplink.StatusError
		if errors.As(err, &usage) || errors.As(err, &status) && status.Final() || errors.As(err, &status) && status.Status == 401 {
			return err
		}
		if err.Error() != said {
			said = err.Error()
			log.Warn("the host could not be enrolled yet", "error", said)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the host is not enrolled: %w", err)
		case <-time.After(30 * time.Second):
		}
	}
}
