package inspector

import (
	"strings"
	"testing"
)

func TestValidRoleARN(t *testing.T) {
	for arn, want := range map[string]bool{
		"arn:aws:iam::123456789012:role/inspector":                                                                 true,
		"arn:aws-us-gov:iam::123456789012:role/inspector":                                                          true,
		"arn:aws:iam::123456789012:role/a/b/Name_+=,.@-1":                                                          true,
		"arn:aws:iam::123456789012:role/aws-service-role/inspector.amazonaws.com/AWSServiceRoleForAmazonInspector": true,
		"arn:aws:iam::123456789012:role/" + strings.Repeat("x", 65):                                                false,
		"arn:aws:iam::123456789012:role/":                                                                          false,
		"arn:aws:iam::123456789012:role/a/":                                                                        false,
		"arn:aws:iam::123456789012:role//a":                                                                        false,
		"arn:aws:iam::123456789012:role/a b":                                                                       false,
		"arn:aws:iam::123456789012:role/a\n":                                                                       false,
		"arn:aws:iam::123456789012:user/inspector":                                                                 false,
		"arn:aws:iam::12345678901:role/inspector":                                                                  false,
		"arn:aws:iam:us-east-1:123456789012:role/inspector":                                                        false,
		"arn:aws:inspector:us-east-1:123456789012:target/0-AAAAAAAA":                                               false,
		"inspector": false,
		"":          false,
	} {
		if got := ValidRoleARN(arn); got != want {
			t.Errorf("%.80q: %t, want %t", arn, got, want)
		}
	}
}
