package inspector

import (
	"crypto/rand"
	"fmt"
	"regexp"
	"strings"
)

// Scope is the account and region that a deployment answers for. Both are part
// of every ARN.
type Scope struct {
	Region  string // "eu-central-1"
	Account string // 12 digits
}

// Kind says what an ARN names.
type Kind string

// The kinds of resources that have an ARN.
const (
	KindResourceGroup Kind = "resourcegroup"
	KindTarget        Kind = "target"
	KindTemplate      Kind = "template"
	KindRun           Kind = "run"
	KindFinding       Kind = "finding"
	KindExclusion     Kind = "exclusion"
	KindRulesPackage  Kind = "rulespackage"
)

// ARN is a parsed Inspector ARN:
//
//	arn:aws:inspector:<region>:<account>:resourcegroup/0-XXXXXXXX
//	arn:aws:inspector:<region>:<account>:rulespackage/0-XXXXXXXX
//	arn:aws:inspector:<region>:<account>:target/0-X[/template/0-X[/run/0-X[/finding/0-X | /exclusion/0-X]]]
//
// IDs are the "0-XXXXXXXX" parts; those of levels above Kind are filled in too.
type ARN struct {
	Partition string // "aws", "aws-us-gov", "aws-cn"
	Scope     Scope
	Kind      Kind
	ID        string // of the resource itself

	Target, Template, Run string // of the levels that Kind has
}

var (
	idPattern      = regexp.MustCompile(`^0-[0-9A-Za-z]{8}$`)
	regionPattern  = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]{1,2}$`)
	accountPattern = regexp.MustCompile(`^[0-9]{12}$`)
)

// ValidRegion and ValidAccount tell whether a deployment can have them.
func ValidRegion(s string) bool { return regionPattern.MatchString(s) }

// ValidAccount tells whether s is an AWS account number: 12 digits.
func ValidAccount(s string) bool { return accountPattern.MatchString(s) }

// ParseARN parses an Inspector ARN. That it is well-formed says nothing about
// whether the resource exists.
func ParseARN(s string) (ARN, error) {
	parts := strings.SplitN(s, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || !strings.HasPrefix(parts[1], "aws") || parts[2] != "inspector" {
		return ARN{}, fmt.Errorf("%q is not the ARN of an Inspector resource", s)
	}
	a := ARN{Partition: parts[1], Scope: Scope{Region: parts[3], Account: parts[4]}}
	if !ValidRegion(a.Scope.Region) || !ValidAccount(a.Scope.Account) {
		return ARN{}, fmt.Errorf("%q has no valid region and account", s)
	}
	path := strings.Split(parts[5], "/")
	if len(path)%2 != 0 {
		return ARN{}, fmt.Errorf("%q does not name a resource", s)
	}
	levels := []Kind{}
	for i := 0; i < len(path); i += 2 {
		if !idPattern.MatchString(path[i+1]) {
			return ARN{}, fmt.Errorf("%q: %q is not an id", s, path[i+1])
		}
		levels = append(levels, Kind(path[i]))
	}
	if !a.place(levels, path) {
		return ARN{}, fmt.Errorf("%q does not name a resource", s)
	}
	return a, nil
}

// place fills in the ids if the levels are those of a resource.
func (a *ARN) place(levels []Kind, path []string) bool {
	a.Kind, a.ID = levels[len(levels)-1], path[len(path)-1]
	if a.Kind == KindResourceGroup || a.Kind == KindRulesPackage {
		return len(levels) == 1
	}
	chain := []Kind{KindTarget, KindTemplate, KindRun, a.Kind}
	into := []*string{&a.Target, &a.Template, &a.Run}
	for i, level := range levels {
		if i >= len(chain) || level != chain[i] {
			return false
		}
		if i < len(into) {
			*into[i] = path[2*i+1]
		}
	}
	switch len(levels) {
	case 4:
		return a.Kind == KindFinding || a.Kind == KindExclusion
	default:
		return true
	}
}

// String is the ARN's text.
func (a ARN) String() string {
	var path string
	switch a.Kind {
	case KindResourceGroup, KindRulesPackage:
		path = string(a.Kind) + "/" + a.ID
	case KindTarget:
		path = "target/" + a.ID
	case KindTemplate:
		path = "target/" + a.Target + "/template/" + a.ID
	case KindRun:
		path = "target/" + a.Target + "/template/" + a.Template + "/run/" + a.ID
	default:
		path = "target/" + a.Target + "/template/" + a.Template + "/run/" + a.Run + "/" + string(a.Kind) + "/" + a.ID
	}
	return "arn:" + a.Partition + ":inspector:" + a.Scope.Region + ":" + a.Scope.Account + ":" + path
}

// The ARNs of the resources in a scope.

// ResourceGroup is the ARN of a resource group.
func (s Scope) ResourceGroup(id string) ARN { return s.arn(KindResourceGroup, id) }

// RulesPackage is the ARN of a rules package.
func (s Scope) RulesPackage(id string) ARN { return s.arn(KindRulesPackage, id) }

// Target is the ARN of an assessment target.
func (s Scope) Target(id string) ARN {
	a := s.arn(KindTarget, id)
	a.Target = id
	return a
}

// Template is the ARN of an assessment template.
func (s Scope) Template(target, id string) ARN {
	a := s.Target(target)
	a.Kind, a.ID, a.Template = KindTemplate, id, id
	return a
}

// Run is the ARN of an assessment run.
func (s Scope) Run(target, template, id string) ARN {
	a := s.Template(target, template)
	a.Kind, a.ID, a.Run = KindRun, id, id
	return a
}

// Finding is the ARN of a finding of a run.
func (a ARN) Finding(id string) ARN {
	a.Kind, a.ID = KindFinding, id
	return a
}

// Exclusion is the ARN of an exclusion of a run.
func (a ARN) Exclusion(id string) ARN {
	a.Kind, a.ID = KindExclusion, id
	return a
}

func (s Scope) arn(kind Kind, id string) ARN {
	return ARN{Partition: s.partition(), Scope: s, Kind: kind, ID: id}
}

func (s Scope) partition() string {
	switch {
	case strings.HasPrefix(s.Region, "us-gov-"):
		return "aws-us-gov"
	case strings.HasPrefix(s.Region, "cn-"):
		return "aws-cn"
	}
	return "aws"
}

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// NewID makes an id from 8 random base-62 characters: "0-kFIPusq8".
func NewID() string {
	var random [16]byte
	rand.Read(random[:])
	return IDFrom(random[:])
}

// IDFrom makes an id from at least 16 bytes that are as good as random, such as
// a message authentication code: the same bytes give the same id.
func IDFrom(sum []byte) string {
	id := []byte("0-00000000")
	// Eight bytes are reduced modulo 62^8; the bias is below 2^-16.
	var n uint64
	for _, b := range sum[:8] {
		n = n<<8 | uint64(b)
	}
	for i := len(id) - 1; i > 1; i-- {
		id[i] = base62[n%62]
		n /= 62
	}
	return string(id)
}
