package inspector

import (
	"regexp"
	"time"
)

// Role is the role of AWS IAM through which Assay may read an AWS account, which
// can be another than the one that the deployment answers for.
type Role struct {
	ARN          string
	RegisteredAt time.Time
	Valid        bool // false once AWS was found to refuse the role, or what is needed under it
}

// The account, then an optional path and a name of at most 64 characters, as IAM
// takes them.
var rolePattern = regexp.MustCompile(`^arn:aws[a-z-]*:iam::[0-9]{12}:role/([!-.0-~]+/)*[0-9A-Za-z_+=,.@-]{1,64}$`)

// ValidRoleARN tells whether s is the ARN of a role of IAM:
//
//	arn:aws:iam::<account>:role/[<path>/]<name>
func ValidRoleARN(s string) bool { return rolePattern.MatchString(s) }
