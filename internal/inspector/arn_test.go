package inspector

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var scope = Scope{"eu-central-1", "210987654321"}

func TestARN(t *testing.T) {
	const prefix = "arn:aws:inspector:eu-central-1:210987654321:"
	run := scope.Run("0-TTTTTTTT", "0-PPPPPPPP", "0-RRRRRRRR")
	tests := []struct {
		text string
		want ARN
	}{
		{"resourcegroup/0-AB6DMKnv", scope.ResourceGroup("0-AB6DMKnv")},
		{"rulespackage/0-AB6DMKnv", scope.RulesPackage("0-AB6DMKnv")},
		{"target/0-TTTTTTTT", scope.Target("0-TTTTTTTT")},
		{"target/0-TTTTTTTT/template/0-PPPPPPPP", scope.Template("0-TTTTTTTT", "0-PPPPPPPP")},
		{"target/0-TTTTTTTT/template/0-PPPPPPPP/run/0-RRRRRRRR", run},
		{"target/0-TTTTTTTT/template/0-PPPPPPPP/run/0-RRRRRRRR/finding/0-FFFFFFFF", run.Finding("0-FFFFFFFF")},
		{"target/0-TTTTTTTT/template/0-PPPPPPPP/run/0-RRRRRRRR/exclusion/0-EEEEEEEE", run.Exclusion("0-EEEEEEEE")},
	}
	for _, test := range tests {
		got, err := ParseARN(prefix + test.text)
		if err != nil {
			t.Errorf("ParseARN(%s): %v", test.text, err)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("ParseARN(%s) (-want +got):\n%s", test.text, diff)
		}
		if test.want.String() != prefix+test.text {
			t.Errorf("String() = %s, want %s", test.want, prefix+test.text)
		}
	}
}

func TestARNPartitions(t *testing.T) {
	for region, want := range map[string]string{"us-gov-west-1": "aws-us-gov", "cn-north-1": "aws-cn", "eu-north-1": "aws"} {
		if got := (Scope{region, "210987654321"}).Target("0-TTTTTTTT"); got.Partition != want {
			t.Errorf("%s: partition %s, want %s", region, got.Partition, want)
		}
	}
}

func TestParseARNRefuses(t *testing.T) {
	const prefix = "arn:aws:inspector:eu-central-1:210987654321:"
	const id = "0-TTTTTTTT"
	for _, text := range []string{
		"", "arn", "target/" + id,
		"arn:aws:sns:eu-central-1:210987654321:topic",
		"arn:gcp:inspector:eu-central-1:210987654321:target/" + id,
		"arn:aws:inspector::210987654321:target/" + id,
		"arn:aws:inspector:eu-central-1:21098765432:target/" + id,
		"arn:aws:inspector:eu-central-1:２10987654321:target/" + id,
		prefix, prefix + "target", prefix + "target/", prefix + "target/" + id + "/",
		prefix + "target/0-TTTTTTT", prefix + "target/0-TTTTTTTTT", prefix + "target/1-TTTTTTTT", prefix + "target/0-TTTT_TTT",
		prefix + "target/" + id + "\n",
		prefix + "template/" + id, prefix + "run/" + id, prefix + "finding/" + id, prefix + "Target/" + id,
		prefix + "target/" + id + "/run/" + id,
		prefix + "target/" + id + "/template/" + id + "/finding/" + id,
		prefix + "target/" + id + "/template/" + id + "/run/" + id + "/run/" + id,
		prefix + "target/" + id + "/template/" + id + "/run/" + id + "/finding/" + id + "/finding/" + id,
		prefix + "resourcegroup/" + id + "/template/" + id,
		prefix + "target/" + id + "/rulespackage/" + id,
		prefix + strings.Repeat("target/"+id+"/", 10_000),
	} {
		if got, err := ParseARN(text); err == nil {
			t.Errorf("ParseARN(%.80q) = %+v, want an error", text, got)
		}
	}
}

func FuzzParseARN(f *testing.F) {
	f.Add("arn:aws:inspector:us-west-2:758058086616:rulespackage/0-JJOtZiqQ")
	f.Add("arn:aws:inspector:eu-central-1:210987654321:target/0-a/template/0-b/run/0-c/finding/0-d")
	f.Add("arn:aws-cn:inspector:cn-north-1:210987654321:target/0-TTTTTTTT/template/0-PPPPPPPP/run/0-RRRRRRRR/exclusion/0-EEEEEEEE")
	f.Fuzz(func(t *testing.T, s string) {
		a, err := ParseARN(s)
		if err == nil && a.String() != s {
			t.Errorf("ParseARN(%q).String() = %q", s, a.String())
		}
	})
}

func TestIDs(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		id := NewID()
		if !idPattern.MatchString(id) || seen[id] {
			t.Fatalf("NewID() = %q, seen: %v", id, seen[id])
		}
		seen[id] = true
	}
	sum := []byte("0123456789abcdef")
	if a, b := IDFrom(sum), IDFrom(sum); a != b {
		t.Errorf("the same bytes give %s and %s", a, b)
	}
	if a, b := IDFrom(sum), IDFrom([]byte("0123456889abcdef")); a == b {
		t.Errorf("different bytes both give %s", a)
	}
}
