package api

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestCrossAccountAccessRole(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		if diff := cmp.Diff(object{"valid": false}, w.do("DescribeCrossAccountAccessRole", object{})); diff != "" {
			t.Errorf("before a role is registered (-want +got):\n%s", diff)
		}
		before := float64(time.Now().UnixMilli()) / 1000
		for _, arn := range []string{"arn:aws:iam::123456789012:role/inspector", "arn:aws:iam::999999999999:role/readers/assay"} {
			w.do("RegisterCrossAccountAccessRole", object{"roleArn": arn})
			got := w.do("DescribeCrossAccountAccessRole", object{"ignored": 1})
			if got["roleArn"] != arn || got["valid"] != true || got["registeredAt"].(float64) < before {
				t.Errorf("%s: %v", arn, got)
			}
		}
		for _, arn := range []string{"x", "arn:aws:iam::123456789012:user/inspector", w.api.Scope.Target("0-AAAAAAAA").String(), "", strings.Repeat("x", 301)} {
			w.fails("RegisterCrossAccountAccessRole", object{"roleArn": arn}, "InvalidInputException", "INVALID_IAM_ROLE_ARN")
		}
		if got := w.do("DescribeCrossAccountAccessRole", object{}); got["roleArn"] != "arn:aws:iam::999999999999:role/readers/assay" {
			t.Errorf("after roles that were refused: %v", got)
		}
		if status, _, data := w.signed("DescribeCrossAccountAccessRole", "", nil); status != 200 {
			t.Errorf("without a body: %d %s", status, data)
		}
		if status, _, data := w.signed("DescribeCrossAccountAccessRole", "[]", nil); status != 400 || !strings.Contains(string(data), "SerializationException") {
			t.Errorf("with a list: %d %s", status, data)
		}
	})
}
