package operator

import "time"

// IdentityService is the prefix of X-Amz-Target of the operations that change users:
// "IAMService.CreateUser". Their actions in policies are those of AWS IAM where it
// has them ("iam:CreateUser"), so that "assay:*" and "inspector:*" do not give the
// power to give power. The requests are plain JSON, and not IAM's query protocol.
const IdentityService = "IAMService"

// The operations that change and tell of users.
const (
	CreateUser              = "CreateUser"
	GetUser                 = "GetUser"
	ListUsers               = "ListUsers"
	DeleteUser              = "DeleteUser"
	CreateAccessKey         = "CreateAccessKey"
	UpdateAccessKey         = "UpdateAccessKey"
	DeleteAccessKey         = "DeleteAccessKey"
	CreateGroup             = "CreateGroup"
	GetGroup                = "GetGroup"
	ListGroups              = "ListGroups"
	DeleteGroup             = "DeleteGroup"
	AddUserToGroup          = "AddUserToGroup"
	RemoveUserFromGroup     = "RemoveUserFromGroup"
	PutPolicy               = "PutPolicy"
	GetPolicy               = "GetPolicy"
	ListPolicies            = "ListPolicies"
	DeletePolicy            = "DeletePolicy"
	AttachUserPolicy        = "AttachUserPolicy"
	DetachUserPolicy        = "DetachUserPolicy"
	AttachGroupPolicy       = "AttachGroupPolicy"
	DetachGroupPolicy       = "DetachGroupPolicy"
	SimulatePrincipalPolicy = "SimulatePrincipalPolicy"
)

// UserRequest names a user.
type UserRequest struct {
	User string `json:"userName"`
}

// GroupRequest names a group.
type GroupRequest struct {
	Group string `json:"groupName"`
}

// MemberRequest names a user and a group.
type MemberRequest struct {
	User  string `json:"userName"`
	Group string `json:"groupName"`
}

// User is a user with what it has.
type User struct {
	Name      string      `json:"userName"`
	ID        string      `json:"userId"`
	ARN       string      `json:"arn"`
	CreatedAt time.Time   `json:"createDate"`
	Keys      []AccessKey `json:"accessKeys"`
	Groups    []string    `json:"groups"`
	Policies  []string    `json:"policies"` // its own, without its groups'
}

// UsersResponse is a page of users.
type UsersResponse struct {
	Users     []User `json:"users"`
	NextToken string `json:"nextToken,omitempty"`
}

// AccessKey is a key; its secret is seen once, when it is made.
type AccessKey struct {
	ID         string    `json:"accessKeyId"`
	User       string    `json:"userName"`
	Status     string    `json:"status"` // "Active", "Inactive"
	CreatedAt  time.Time `json:"createDate,omitzero"`
	LastUsedAt time.Time `json:"lastUsedDate,omitzero"`
	Secret     string    `json:"secretAccessKey,omitempty"`
}

// KeyRequest names a key.
type KeyRequest struct {
	ID     string `json:"accessKeyId"`
	Status string `json:"status,omitempty"` // of UpdateAccessKey: "Active", "Inactive"
}

// Group is a group with what it has.
type Group struct {
	Name      string    `json:"groupName"`
	CreatedAt time.Time `json:"createDate"`
	Members   []string  `json:"users"`
	Policies  []string  `json:"policies"`
}

// GroupsResponse is a page of groups.
type GroupsResponse struct {
	Groups    []Group `json:"groups"`
	NextToken string  `json:"nextToken,omitempty"`
}

// PolicyRequest names a policy; PutPolicy takes its text, too.
type PolicyRequest struct {
	Name     string `json:"policyName"`
	Document string `json:"policyDocument,omitempty"`
}

// Policy is a policy.
type Policy struct {
	Name      string    `json:"policyName"`
	ARN       string    `json:"arn"`
	Managed   bool      `json:"managed"` // part of the program
	Document  string    `json:"policyDocument,omitempty"`
	CreatedAt time.Time `json:"createDate,omitzero"`
	UpdatedAt time.Time `json:"updateDate,omitzero"`
	Users     []string  `json:"users,omitempty"` // that it is attached to
	Groups    []string  `json:"groups,omitempty"`
}

// PoliciesResponse is a page of policies, without their texts; the managed ones are
// on the first.
type PoliciesResponse struct {
	Policies  []Policy `json:"policies"`
	NextToken string   `json:"nextToken,omitempty"`
}

// AttachRequest names a policy and who is to have it: a user or a group, as the
// operation says.
type AttachRequest struct {
	User   string `json:"userName,omitempty"`
	Group  string `json:"groupName,omitempty"`
	Policy string `json:"policyName"`
}

// SimulateRequest asks what would be decided.
type SimulateRequest struct {
	User     string    `json:"userName"`
	Action   string    `json:"action"`
	SourceIP string    `json:"sourceIp,omitempty"` // default: not known
	At       time.Time `json:"at,omitzero"`        // default: now
}

// SimulateResponse is what would be decided, over TLS and with a key of the user's own.
type SimulateResponse struct {
	Decision  string `json:"decision"` // "allowed", "explicitDeny", "implicitDeny"
	Policy    string `json:"policyName,omitempty"`
	Statement int    `json:"statement,omitempty"` // that decided, counted from 1
	Sid       string `json:"sid,omitempty"`
	Reason    string `json:"reason"`
}
