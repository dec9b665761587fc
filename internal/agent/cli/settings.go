package cli

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	common "assay/internal/settings"
)

// settings are all flags of all commands, and the environment.
type settings struct {
	state    string
	logLevel string

	server, token, tokenFile, ca, caPin string
	force                               bool

	spoolLimit int64
	timeout    time.Duration
	observe    time.Duration
	ways       string // of observing

	json    bool
	root    string
	sensors string
	output  string

	env map[string]string // the process's, and agent.env's below it
}

func newSettings() *settings { return &settings{env: map[string]string{}} }

// names are the settings that agent.cfg may have.
func names() []string {
	return []string{"state", "server", "token", "token-file", "ca", "ca-pin", "spool-limit", "sensor-timeout", "observe-with", "log-level"}
}

// maxSettings bounds a file of settings, in bytes.
const maxSettings = 64 << 10

// load fills in what the command line has not set.
func (s *settings) load(flags *flag.FlagSet, environment []string) error {
	for _, e := range environment {
		if name, value, ok := strings.Cut(e, "="); ok {
			s.env[name] = value
		}
	}
	from := common.Source{Prefix: "ASSAY_AGENT", Getenv: s.getenv, File: DefaultConfig, Known: names()}
	if err := s.readEnv(filepath.Join(filepath.Dir(from.Named(flags)), "agent.env")); err != nil {
		return usageError{err}
	}
	if err := from.Fill(flags); err != nil {
		return usageError{err}
	}
	return nil
}

// readEnv reads agent.env into the environment, which wins.
func (s *settings) readEnv(name string) error {
	text, err := readSettings(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	vars, err := parseEnv(text)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	for name, value := range vars {
		if _, ok := s.env[name]; !ok {
			s.env[name] = value
		}
	}
	return nil
}

func readSettings(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSettings+1))
	if err == nil && len(data) > maxSettings {
		err = fmt.Errorf("%s is larger than %d bytes", name, maxSettings)
	}
	return string(data), err
}

// parseEnv reads agent.env: NAME=value lines as systemd's EnvironmentFile has
// them, with or without quotes, without expansion.
func parseEnv(text string) (map[string]string, error) {
	values := map[string]string{}
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' || line[0] == ';' {
			continue
		}
		name, value, ok := strings.Cut(strings.TrimPrefix(line, "export "), "=")
		name = strings.TrimSpace(name)
		if !ok || name == "" || strings.ContainsAny(name, " \t\"'") {
			return nil, fmt.Errorf("line %d: it must be NAME=VALUE", n)
		}
		values[name] = unquote(strings.TrimSpace(value))
	}
	return values, nil
}

func unquote(v string) string {
	if len(v) >= 2 && (v[0] == '"' || v[0] == '\'') && v[len(v)-1] == v[0] {
		return v[1 : len(v)-1]
	}
	return v
}

// getenv is the environment, agent.env included.
func (s *settings) getenv(name string) string { return s.env[name] }

// theToken returns the token from where it was given. A file, or standard input
// as "-", keeps it out of the list of processes.
func (s *settings) theToken(stdin io.Reader) (string, error) {
	if s.tokenFile == "" {
		return s.token, nil
	}
	if s.tokenFile == "-" {
		data, err := io.ReadAll(io.LimitReader(stdin, 4<<10))
		return strings.TrimSpace(string(data)), err
	}
	text, err := readSettings(s.tokenFile)
	return cmp.Or(strings.TrimSpace(text), s.token), err
}
