package operator

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"assay/internal/access"
	"assay/internal/access/policy"
	"assay/internal/inspector"
	"assay/internal/store"
	"assay/internal/users"
)

// IdentityConfig is what the operations on users need.
type IdentityConfig struct {
	Service    *users.Service
	Authorizer *users.Authorizer
}

type identityOperations struct {
	IdentityConfig
	store *store.Reader
}

// empty is an answer without members.
type empty struct{}

// IdentityHandlers are the operations of IdentityService by name.
func IdentityHandlers(c IdentityConfig) map[string]Handler {
	o, s := identityOperations{c, &c.Service.Store.Reader}, c.Service
	return map[string]Handler{
		CreateUser: handle(o.createUser),
		GetUser:    handle(o.getUser),
		ListUsers:  handle(o.listUsers),
		DeleteUser: handle(func(ctx context.Context, in UserRequest) (empty, error) { return empty{}, s.DeleteUser(ctx, in.User) }),

		CreateAccessKey: handle(o.createKey),
		UpdateAccessKey: handle(o.updateKey),
		DeleteAccessKey: handle(func(ctx context.Context, in KeyRequest) (empty, error) { return empty{}, s.DeleteKey(ctx, in.ID) }),

		CreateGroup: handle(func(ctx context.Context, in GroupRequest) (empty, error) {
			return empty{}, s.CreateGroup(ctx, in.Group)
		}),
		GetGroup:   handle(o.getGroup),
		ListGroups: handle(o.listGroups),
		DeleteGroup: handle(func(ctx context.Context, in GroupRequest) (empty, error) {
			return empty{}, s.DeleteGroup(ctx, in.Group)
		}),
		AddUserToGroup: handle(func(ctx context.Context, in MemberRequest) (empty, error) {
			return empty{}, s.AddMember(ctx, in.Group, in.User)
		}),
		RemoveUserFromGroup: handle(func(ctx context.Context, in MemberRequest) (empty, error) {
			return empty{}, s.RemoveMember(ctx, in.Group, in.User)
		}),

		PutPolicy: handle(func(ctx context.Context, in PolicyRequest) (empty, error) {
			return empty{}, s.PutPolicy(ctx, in.Name, in.Document)
		}),
		GetPolicy:    handle(o.getPolicy),
		ListPolicies: handle(o.listPolicies),
		DeletePolicy: handle(func(ctx context.Context, in PolicyRequest) (empty, error) {
			return empty{}, s.DeletePolicy(ctx, in.Name)
		}),
		AttachUserPolicy: handle(func(ctx context.Context, in AttachRequest) (empty, error) {
			return empty{}, s.Attach(ctx, store.Principal{Name: in.User}, in.Policy)
		}),
		DetachUserPolicy: handle(func(ctx context.Context, in AttachRequest) (empty, error) {
			return empty{}, s.Detach(ctx, store.Principal{Name: in.User}, in.Policy)
		}),
		AttachGroupPolicy: handle(func(ctx context.Context, in AttachRequest) (empty, error) {
			return empty{}, s.Attach(ctx, store.Principal{Name: in.Group, Group: true}, in.Policy)
		}),
		DetachGroupPolicy: handle(func(ctx context.Context, in AttachRequest) (empty, error) {
			return empty{}, s.Detach(ctx, store.Principal{Name: in.Group, Group: true}, in.Policy)
		}),
		SimulatePrincipalPolicy: handle(o.simulate),
	}
}

func (o identityOperations) arn(user string) string {
	return access.UserARN(o.Authorizer.Partition, o.Authorizer.Account, user)
}

func (o identityOperations) createUser(ctx context.Context, in UserRequest) (User, error) {
	u, err := o.Service.CreateUser(ctx, in.User)
	return User{Name: u.Name, ID: u.ID, ARN: o.arn(u.Name), CreatedAt: u.CreatedAt, Keys: []AccessKey{}, Groups: []string{}, Policies: []string{}}, err
}

func (o identityOperations) getUser(ctx context.Context, in UserRequest) (User, error) {
	u, ok, err := o.store.User(ctx, in.User)
	if err != nil {
		return User{}, err
	}
	if !ok {
		return User{}, none("user", in.User)
	}
	return o.user(ctx, u)
}

func none(what, name string) error {
	return inspector.Errorf(inspector.NoSuchEntity, "NO_SUCH_ENTITY", "there is no %s %.200s", what, name)
}

func (o identityOperations) user(ctx context.Context, u store.User) (User, error) {
	out := User{Name: u.Name, ID: u.ID, ARN: o.arn(u.Name), CreatedAt: u.CreatedAt, Keys: []AccessKey{}}
	keys, err := o.store.AccessKeysOf(ctx, u.Name)
	if err != nil {
		return out, err
	}
	for _, k := range keys {
		status := "Active"
		if k.Disabled {
			status = "Inactive"
		}
		out.Keys = append(out.Keys, AccessKey{ID: k.ID, User: k.User, Status: status, CreatedAt: k.CreatedAt, LastUsedAt: k.LastUsedAt})
	}
	groups, err := o.store.GroupsOf(ctx, u.Name)
	if err != nil {
		return out, err
	}
	policies, err := o.store.Attached(ctx, store.Principal{Name: u.Name})
	out.Groups, out.Policies = append([]string{}, groups...), append([]string{}, policies...)
	return out, err
}

func (o identityOperations) listUsers(ctx context.Context, in PageRequest) (UsersResponse, error) {
	page, err := in.page()
	if err != nil {
		return UsersResponse{}, err
	}
	all, next, err := o.store.ListUsers(ctx, page)
	answer := UsersResponse{Users: []User{}, NextToken: next}
	for _, u := range all {
		if err != nil {
			break
		}
		var full User
		full, err = o.user(ctx, u)
		answer.Users = append(answer.Users, full)
	}
	return answer, err
}

func (o identityOperations) createKey(ctx context.Context, in UserRequest) (AccessKey, error) {
	c, err := o.Service.CreateKey(ctx, in.User)
	if err != nil {
		return AccessKey{}, err
	}
	return AccessKey{ID: c.KeyID, User: c.User, Status: "Active", Secret: c.Secret}, nil
}

func (o identityOperations) updateKey(ctx context.Context, in KeyRequest) (empty, error) {
	if in.Status != "Active" && in.Status != "Inactive" {
		return empty{}, invalid("INVALID_REQUEST", "a key's status is Active or Inactive, not %.40q", in.Status)
	}
	return empty{}, o.Service.DisableKey(ctx, in.ID, in.Status == "Inactive")
}

func (o identityOperations) getGroup(ctx context.Context, in GroupRequest) (Group, error) {
	g, ok, err := o.store.Group(ctx, in.Group)
	if err != nil {
		return Group{}, err
	}
	if !ok {
		return Group{}, none("group", in.Group)
	}
	return o.group(ctx, g)
}

func (o identityOperations) group(ctx context.Context, g store.Group) (Group, error) {
	members, err := o.store.MembersOf(ctx, g.Name)
	if err != nil {
		return Group{}, err
	}
	policies, err := o.store.Attached(ctx, store.Principal{Name: g.Name, Group: true})
	return Group{Name: g.Name, CreatedAt: g.CreatedAt, Members: append([]string{}, members...), Policies: append([]string{}, policies...)}, err
}

func (o identityOperations) listGroups(ctx context.Context, in PageRequest) (GroupsResponse, error) {
	page, err := in.page()
	if err != nil {
		return GroupsResponse{}, err
	}
	all, next, err := o.store.ListGroups(ctx, page)
	answer := GroupsResponse{Groups: []Group{}, NextToken: next}
	for _, g := range all {
		if err != nil {
			break
		}
		var full Group
		full, err = o.group(ctx, g)
		answer.Groups = append(answer.Groups, full)
	}
	return answer, err
}

// policyARN is IAM's name of a policy.
func (o identityOperations) policyARN(name string, managed bool) string {
	account := o.Authorizer.Account
	if managed {
		account = "aws"
	}
	return "arn:" + o.Authorizer.Partition + ":iam::" + account + ":policy/" + name
}

func (o identityOperations) getPolicy(ctx context.Context, in PolicyRequest) (Policy, error) {
	text, managed := policy.Managed()[in.Name]
	kept, ok, err := o.store.Policy(ctx, in.Name)
	if err != nil {
		return Policy{}, err
	}
	if !ok && !managed {
		return Policy{}, none("policy", in.Name)
	}
	if managed {
		kept = store.Policy{Name: in.Name, Document: text}
	}
	out := Policy{Name: in.Name, ARN: o.policyARN(in.Name, managed), Managed: managed, Document: kept.Document, CreatedAt: kept.CreatedAt, UpdatedAt: kept.UpdatedAt}
	holders, err := o.store.AttachedTo(ctx, in.Name)
	for _, h := range holders {
		if h.Group {
			out.Groups = append(out.Groups, h.Name)
		} else {
			out.Users = append(out.Users, h.Name)
		}
	}
	return out, err
}

func (o identityOperations) listPolicies(ctx context.Context, in PageRequest) (PoliciesResponse, error) {
	page, err := in.page()
	if err != nil {
		return PoliciesResponse{}, err
	}
	all, next, err := o.store.ListPolicies(ctx, page)
	answer := PoliciesResponse{Policies: []Policy{}, NextToken: next}
	if in.NextToken == "" {
		for _, name := range slices.Sorted(maps.Keys(policy.Managed())) {
			answer.Policies = append(answer.Policies, Policy{Name: name, ARN: o.policyARN(name, true), Managed: true})
		}
	}
	for _, p := range all {
		answer.Policies = append(answer.Policies, Policy{Name: p.Name, ARN: o.policyARN(p.Name, false), CreatedAt: p.CreatedAt, UpdatedAt: p.UpdatedAt})
	}
	return answer, err
}

func (o identityOperations) simulate(ctx context.Context, in SimulateRequest) (SimulateResponse, error) {
	who, err := o.simulated(ctx, in)
	if err != nil {
		return SimulateResponse{}, err
	}
	at := in.At
	if at.IsZero() {
		at = o.Service.Now()
	}
	d, err := (&users.Authorizer{Store: o.store, Now: o.Authorizer.Now}).DecideAt(ctx, who, in.Action, at)
	if err != nil {
		return SimulateResponse{}, err
	}
	return explainDecision(in.Action, d), nil
}

// simulated is the principal of a simulation.
func (o identityOperations) simulated(ctx context.Context, in SimulateRequest) (access.Principal, error) {
	service, name, ok := strings.Cut(in.Action, ":")
	if !ok || service == "" || name == "" || strings.ContainsAny(in.Action, "*? ") {
		return access.Principal{}, invalid("INVALID_REQUEST", "%.80q is not an action: inspector:ListFindings", in.Action)
	}
	u, ok, err := o.store.User(ctx, in.User)
	if err != nil {
		return access.Principal{}, err
	}
	if !ok {
		return access.Principal{}, none("user", in.User)
	}
	who := access.Principal{User: u.Name, UserID: u.ID, Secure: true}
	if in.SourceIP != "" {
		if who.From, err = netip.ParseAddr(in.SourceIP); err != nil {
			return who, invalid("INVALID_REQUEST", "%.60q is not an address", in.SourceIP)
		}
	}
	return who, nil
}

func explainDecision(action string, d policy.Decision) SimulateResponse {
	out := SimulateResponse{Decision: "implicitDeny", Reason: "no policy of the user or of its groups allows " + action + " under these conditions"}
	switch {
	case strings.HasPrefix(action, "sts:Get"):
		return SimulateResponse{Decision: "allowed", Reason: action + " is always allowed"}
	case d.Explicit:
		out.Policy, out.Statement, out.Sid = d.Policy, d.Statement+1, d.Sid
		out.Decision, out.Reason = "explicitDeny", fmt.Sprintf("statement %d of policy %s denies it", d.Statement+1, d.Policy)
		if d.Allowed {
			out.Decision, out.Reason = "allowed", fmt.Sprintf("statement %d of policy %s allows it, and none denies it", d.Statement+1, d.Policy)
		}
	}
	return out
}
