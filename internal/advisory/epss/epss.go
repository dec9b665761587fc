// Package epss reads the daily scores of the Exploit Prediction Scoring System
// (https://www.first.org/epss/data_stats, epss_scores-YYYY-MM-DD.csv.gz): for each
// published CVE the probability of exploitation within 30 days, and the part of all
// CVEs that have a lower one.
//
// The form, plain or gzip: a comment with the model's version and the date
// ("#model_version:v2025.03.14,score_date:2025-08-25T12:55:00Z", once with "+0000" for the
// zone), the names "cve,epss,percentile", and the lines. Before 2022 there was no comment.
package epss

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"assay/internal/advisory"
	"assay/internal/advisory/feed"
)

// maxLine bounds a line, in bytes.
const maxLine = 4 << 10

// Read reads the file; it is a feed.Reader.
func Read(ctx context.Context, r io.Reader, emit advisory.Emit) error {
	plain, free, err := feed.Stream(ctx, r)
	if err != nil {
		return err
	}
	defer free()
	lines := bufio.NewScanner(plain)
	lines.Buffer(make([]byte, maxLine), maxLine)
	headed, n := false, 0
	for lines.Scan() {
		n++
		line := strings.TrimRight(lines.Text(), "\r")
		switch {
		case strings.HasPrefix(line, "#"):
			err = about(line, emit)
		case !headed && line != "cve,epss,percentile":
			err = fmt.Errorf("it should be %q", "cve,epss,percentile")
		case !headed:
			headed = true
		case line != "":
			err = score(line, emit)
		}
		if err != nil {
			return fmt.Errorf("line %d of the scores: %w", n, err)
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("line %d of the scores: %w", n+1, err)
	}
	if !headed {
		return errors.New("the scores are empty")
	}
	return nil
}

func about(line string, emit advisory.Emit) error {
	var e advisory.Edition
	for _, part := range strings.Split(line[1:], ",") {
		name, value, _ := strings.Cut(part, ":")
		var err error
		switch strings.TrimSpace(name) {
		case "model_version":
			e.Version = value
		case "score_date":
			e.Date, err = feed.Time(value)
		}
		if err != nil {
			return err
		}
	}
	emit.Is(e)
	return nil
}

func score(line string, emit advisory.Emit) error {
	fields := strings.Split(line, ",")
	if len(fields) != 3 {
		return fmt.Errorf("it has %d fields, not 3", len(fields))
	}
	ids := feed.CVEs(fields[0])
	if len(ids) != 1 || ids[0] != fields[0] {
		return fmt.Errorf("%.40q is no CVE id", fields[0])
	}
	f := advisory.Fact{ID: ids[0]}
	for i, to := range []*float64{&f.EPSS, &f.EPSSRank} {
		part, err := strconv.ParseFloat(fields[i+1], 64)
		if err != nil || !(part >= 0 && part <= 1) {
			return fmt.Errorf("%.40q is no number from 0 to 1", fields[i+1])
		}
		*to = part
	}
	return emit.PutFact(f)
}
