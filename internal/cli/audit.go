package cli

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"assay/internal/audit"
	"assay/internal/service"
)

// audit shows the record of calls of a data folder: of one replica. The service need
// not run.
func (c *Command) audit(ctx context.Context, set *flag.FlagSet, args []string) error {
	data := set.String("data", defaultData, "the service's data `folder`")
	asJSON := set.Bool("json", false, "print the events as JSON lines, as they are in the files")
	since := set.String("since", "24h", "events from this `time` on: 2026-11-26T12:00:00Z, 2026-11-26, or how long ago (36h)")
	until := set.String("until", "", "events before this `time`")
	user := set.String("user", "", "events of this `user`")
	event := set.String("event", "", "events of this `name`: StartAssessmentRun")
	failed := set.Bool("errors", false, "only calls that were refused or failed")
	if err := c.parse(set, args, 0, 0); err != nil {
		return err
	}
	f := audit.Filter{User: *user, Name: *event, Errors: *failed}
	var err error
	if f.Since, err = pastTime(*since, time.Now()); err != nil {
		return err
	}
	if f.Until, err = pastTime(*until, time.Now()); err != nil {
		return err
	}
	damaged, err := audit.Read(service.Folder(*data).Audit(), f, func(e audit.Event, line []byte) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return c.printEvent(e, line, *asJSON)
	})
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s has no record of calls: say with -data where the data folder of a service is that has been started", *data)
	}
	if err != nil {
		return err
	}
	if damaged > 0 {
		fmt.Fprintf(c.Stderr, "%d lines were no events: a crash has cut them off, or somebody has changed them.\n", damaged)
		return exitError(ExitIncomplete)
	}
	return nil
}

func (c *Command) printEvent(e audit.Event, line []byte, asJSON bool) error {
	if asJSON {
		_, err := jsonText{c.Stdout}.Write(append(line[:len(line):len(line)], '\n'))
		return err
	}
	who, outcome := e.Identity.User, e.ErrorCode
	if who == "" {
		who = strings.ToLower(e.Identity.Type)
	}
	if outcome == "" {
		outcome = "ok"
	}
	fmt.Fprintf(text{c.Stdout}, "%s  %-15s %-20s %-15s %s %s%s\n", e.Time.Local().Format(time.DateTime), oneLine(e.SourceIP), oneLine(who), strings.TrimSuffix(oneLine(e.Source), ".amazonaws.com"),
		oneLine(e.Name), outcome, about(e.Request))
	return nil
}

// about is a short form of parameters.
func about(request json.RawMessage) string {
	const most = 120
	text := oneLine(string(request))
	if text == "" || text == "null" || text == "{}" {
		return ""
	}
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most]) + "..."
	}
	return " " + text
}
