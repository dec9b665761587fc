package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/term"

	"assay/internal/agent/collect"
	"assay/internal/agent/hostfacts"
	"assay/internal/sensor"
	"assay/internal/sensor/catalog"
	"assay/internal/sensor/hostfs"
	"assay/internal/telemetry"
)

func collectFlags(fs *flag.FlagSet, s *settings) {
	fs.StringVar(&s.output, "o", "", "`FILE` to write; it appears when it is complete")
	fs.StringVar(&s.root, "root", "/", "`DIR` under which the host's file system is mounted")
	fs.StringVar(&s.sensors, "sensors", "", "`NAMES` of the sensors to run, separated by commas; if not given all but the optional ones, those that can only observe with -observe")
	fs.DurationVar(&s.observe, "observe", 0, "observe for `TIME` with the sensors that can, all at once; then those that can do nothing else are run, too")
	observeWithFlag(fs, s)
	fs.DurationVar(&s.timeout, "sensor-timeout", collect.DefaultTimeout, "`TIME` that one sensor may take")
	fs.BoolVar(&s.json, "json", false, "print the coverage as JSON")
}

func observeWithFlag(fs *flag.FlagSet, s *settings) {
	fs.StringVar(&s.ways, "observe-with", "", "observe by the first of these `WAYS` that can be had: ebpf, fanotify, connector, poll, separated by commas; if not given any of them in this order")
}

// sensorsOf are the command's sensors as the settings want them.
func (s *settings) sensorsOf(c *Cmd) ([]sensor.Sensor, error) {
	all, err := catalog.ObserveWith(c.Sensors, s.ways)
	if err != nil {
		return nil, usagef("-observe-with: %w", err)
	}
	return all, nil
}

func collectFile(ctx context.Context, c *Cmd, s *settings) error {
	if s.output == "" {
		return usagef("-o is missing: the file to write")
	}
	if s.timeout <= 0 {
		return usagef("-sensor-timeout must be greater than zero")
	}
	if len(c.Sensors) == 0 {
		return errors.New(noSensors)
	}
	if s.observe < 0 {
		return usagef("-observe must not be less than zero")
	}
	sensors, err := s.sensorsOf(c)
	if err != nil {
		return err
	}
	chosen, err := choose(sensors, s.sensors)
	if err != nil {
		return err
	}
	if s.observe == 0 {
		if chosen, err = looking(chosen, s.sensors != ""); err != nil {
			return err
		}
	}
	root, err := filepath.Abs(s.root)
	if err != nil {
		return fmt.Errorf("find %s: %w", s.root, err)
	}
	fs, err := hostfs.Open(root)
	if err != nil {
		return err
	}
	defer fs.Close()
	host := &sensor.Host{FS: fs, Live: root == "/"}
	snapshot := collect.Snapshot{
		Name: s.output, Host: host, Sensors: chosen, Timeout: s.timeout, Observe: s.observe,
		Header: telemetry.Header{Version: c.Version, Root: root},
	}
	if host.Live {
		snapshot.Header.Boot = hostfacts.Boot()
	}
	c.progress(&snapshot)
	coverages, err := snapshot.File(ctx)
	if err != nil {
		return err
	}
	if s.json {
		if err := printJSON(c.Stdout, coverages); err != nil {
			return err
		}
	}
	return incomplete(chosen, coverages, host.Live)
}

// choose returns the sensors that are named, in the catalogue's order; of none named,
// all that are not optional.
func choose(all []sensor.Sensor, names string) ([]sensor.Sensor, error) {
	var chosen []sensor.Sensor
	if names == "" {
		for _, s := range all {
			if !s.Describe().Optional {
				chosen = append(chosen, s)
			}
		}
		return chosen, nil
	}
	wanted := strings.Split(names, ",")
	for _, s := range all {
		if name := s.Describe().Name; slices.Contains(wanted, name) {
			chosen = append(chosen, s)
			wanted = slices.DeleteFunc(wanted, func(w string) bool { return w == name })
		}
	}
	if len(wanted) > 0 {
		return nil, usagef("there is no sensor %q; assay-agent sensors lists them", wanted[0])
	}
	return chosen, nil
}

// looking are the sensors that can tell something by one look; it is an error if another
// is named.
func looking(all []sensor.Sensor, named bool) ([]sensor.Sensor, error) {
	var chosen []sensor.Sensor
	for _, s := range all {
		switch d := s.Describe(); {
		case !d.Observes:
			chosen = append(chosen, s)
		case named:
			return nil, usagef("the sensor %s observes: say for how long with -observe", d.Name)
		}
	}
	return chosen, nil
}

// progress shows on a terminal what is going on.
func (c *Cmd) progress(s *collect.Snapshot) {
	f, ok := c.Stderr.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return
	}
	n := 0
	s.Begin = func(name string) {
		n++
		fmt.Fprintf(f, "[%d/%d] %-10s ", n, len(s.Sensors), name)
	}
	s.End = func(_ string, cov telemetry.Coverage) {
		fmt.Fprintf(f, "%d records, %s\n", cov.Records, strings.ReplaceAll(string(cov.State), "_", " "))
	}
}

// incomplete is an error that names every sensor that could have told more. What
// only a running system can tell is not missing from an image.
func incomplete(sensors []sensor.Sensor, coverages []telemetry.Coverage, live bool) error {
	var missing []string
	for i, cov := range coverages {
		d := sensors[i].Describe()
		if cov.State == telemetry.Complete || cov.State == telemetry.NotCollected && d.Live && !live {
			continue
		}
		missing = append(missing, fmt.Sprintf("  %s: %s: %s", d.Name, strings.ReplaceAll(string(cov.State), "_", " "), strings.Join(strings.Fields(cov.Reason), " ")))
	}
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("the snapshot was written, and is not complete:\n%s", strings.Join(missing, "\n"))
}
