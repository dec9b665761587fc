package groundtruth

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"sync"

	"golang.org/x/sys/unix"

	"assay/internal/rules/behavior"
	"assay/internal/sensor"
	"assay/internal/sensor/catalog"
	"assay/internal/sensor/hostfs"
	"assay/internal/telemetry"
)

// The observer is a process with the agent's sensors in it that observe until they are
// told to end, where the agent itself does so for a time. It is this test's program
// with these in its environment.
const (
	envFile = "ASSAY_TRUTH_FILE" // where its telemetry goes
	envWays = "ASSAY_TRUTH_WAYS" // to observe; empty: all
)

// ended is said of a sensor that has.
const ended = "ended"

// say prints which program a sensor has told of.
func say(sensor, program string) { fmt.Println(saying(sensor, program)) }

func saying(sensor, program string) string { return sensor + " " + program }

// sayOf says what a record is about.
func sayOf(name string, r telemetry.Record) {
	switch r := r.(type) {
	case *telemetry.Execution:
		say(name, r.Path)
	case *telemetry.Process:
		say(name, r.Exe)
	case *telemetry.Program:
		if name == telemetry.SensorPrograms {
			say(name, r.Path)
		}
	case *telemetry.Socket:
		for _, o := range r.Owners {
			say(name, o.Exe)
		}
	}
}

// observer is what has been told so far.
type observer struct {
	host *sensor.Host

	mu   sync.Mutex
	file *telemetry.Writer
	told map[string]int64 // records, by sensor
}

// observerMain observes until its standard input ends.
func observerMain() int {
	signal.Ignore(unix.SIGPIPE)
	if err := observe(os.Getenv(envFile), os.Getenv(envWays), os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "observer:", err)
		return 1
	}
	return 0
}

func observe(name, ways string, end io.Reader) error {
	sensors, err := catalog.ObserveWith(catalog.Sensors(), ways)
	if err != nil {
		return err
	}
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	defer file.Close()
	out, err := telemetry.NewWriter(file, telemetry.Header{Agent: "truth", Root: "/"})
	if err != nil {
		return err
	}
	fs, err := hostfs.Open("/")
	if err != nil {
		return err
	}
	defer fs.Close()
	o := &observer{host: &sensor.Host{FS: fs, Live: true}, file: out, told: map[string]int64{}}
	ctx, cancel := context.WithCancel(context.Background())
	go func() { io.Copy(io.Discard, end); cancel() }()
	return errors.Join(o.all(ctx, sensors), out.Close(), file.Close())
}

// all has the sensors of the rules package at work.
func (o *observer) all(ctx context.Context, sensors []sensor.Sensor) error {
	var errs [2]error
	var group sync.WaitGroup
	wanted := behavior.Package{}.Describe().Sensors
	for _, s := range sensors {
		name := s.Describe().Name
		if !slices.Contains(wanted, name) {
			continue
		}
		if watching, ok := s.(sensor.Observer); ok {
			group.Go(func() {
				err := o.one(ctx, name, watching.Observe)
				o.mu.Lock()
				defer o.mu.Unlock()
				errs[0] = errors.Join(errs[0], err)
			})
		} else if err := o.one(ctx, name, s.Collect); err != nil {
			errs[1] = errors.Join(errs[1], err)
		}
	}
	group.Wait()
	return errors.Join(errs[:]...)
}

type look func(context.Context, *sensor.Host, sensor.Emit) (telemetry.Coverage, error)

// one has a sensor at work, and writes what it tells and its coverage.
func (o *observer) one(ctx context.Context, name string, look look) error {
	c, err := look(ctx, o.host, func(r telemetry.Record) error {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.told[name]++
		sayOf(name, r)
		return o.file.Write(name, r)
	})
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	c.Records = o.told[name]
	say(name, fmt.Sprintf("%s %s: %s", ended, c.State, c.Reason))
	return o.file.Write(name, &c)
}

// readTelemetry reads what an observer, or an agent, has written.
func readTelemetry(name string) (records []telemetry.Record, err error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	r, err := telemetry.NewReader(bufio.NewReader(file), telemetry.Limits{})
	if err != nil {
		return nil, err
	}
	defer r.Close()
	for {
		switch record, err := r.Next(); {
		case err == io.EOF:
			return records, nil
		case err != nil:
			return nil, err
		default:
			records = append(records, record)
		}
	}
}
