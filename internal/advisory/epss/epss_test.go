package epss

import (
	"bytes"
	"compress/gzip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/internal/advisory"
	"assay/internal/advisory/feedtest"
)

// The shape of epss_scores-2025-08-25.csv (https://www.first.org/epss/data_stats), by hand.
const scores = "#model_version:v2025.03.14,score_date:2025-08-25T12:55:00Z\ncve,epss,percentile\nCVE-1999-0001,0.01141,0.77676\nCVE-2021-44228,0.94358,0.9996\n"

func TestRead(t *testing.T) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write([]byte(scores)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	want := []advisory.Fact{{ID: "CVE-1999-0001", EPSS: 0.01141, EPSSRank: 0.77676}, {ID: "CVE-2021-44228", EPSS: 0.94358, EPSSRank: 0.9996}}
	for name, text := range map[string]string{"plain": scores, "gzip": packed.String(), "lines of DOS": strings.ReplaceAll(scores, "\n", "\r\n"),
		"other zone": strings.Replace(scores, "Z", "+0000", 1), "no comment": scores[strings.Index(scores, "cve"):]} {
		got := feedtest.Read(t, Read, text)
		if diff := cmp.Diff(want, got.Facts); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if name == "gzip" && (got.Editions[0].Version != "v2025.03.14" || got.Editions[0].Date.Day() != 25) {
			t.Errorf("%+v", got.Editions)
		}
	}
	feedtest.Fails(t, Read, packed.String()[:packed.Len()-4], "unexpected EOF")
}

func TestRefused(t *testing.T) {
	const head = "cve,epss,percentile\n"
	for text, words := range map[string][]string{
		"": {"empty"}, "x,y\n": {"line 1"}, head + "CVE-2021-0001,0.5\n": {"line 2", "2 fields"},
		head + "CVE-2021-0001,1.5,0\n": {"1.5"}, head + "CVE-2021-0001,NaN,0\n": {"NaN"}, head + "x,0,0\n": {`"x"`},
		head + strings.Repeat("a", 1<<20): {"line 2", "too long"}, "#score_date:x\n": {"line 1"},
	} {
		feedtest.Fails(t, Read, text, words...)
	}
}

func FuzzRead(f *testing.F) { feedtest.Fuzz(f, Read, scores) }
