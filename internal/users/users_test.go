package users

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"assay/internal/access"
	"assay/internal/access/policy"
	"assay/internal/inspector"
	"assay/internal/store"
	"assay/internal/testpg"
	"assay/internal/vault"
)

var noon = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

func newService(t *testing.T, dsn string) *Service {
	t.Helper()
	st, err := store.Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	keyring, err := vault.OpenKeyring(filepath.Join(t.TempDir(), "keys", "keyring"))
	if err != nil {
		t.Fatal(err)
	}
	return &Service{Store: st, Vault: keyring, Now: func() time.Time { return noon }}
}

func sqlite(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "assay.db") }

func (s *Service) authorizer() *Authorizer {
	return &Authorizer{Store: &s.Store.Reader, Partition: "aws", Account: "111122223333", Now: s.Now}
}

// principal is a user as a call of its own would have it.
func principal(t testing.TB, s *Service, user string) access.Principal {
	t.Helper()
	u, _, err := s.Store.User(context.Background(), user)
	if err != nil {
		t.Fatal(err)
	}
	version, err := s.Store.IdentityVersion(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return access.Principal{KeyID: "AKIA", User: user, UserID: u.ID, Version: version}
}

func refused(t *testing.T, err error, kind inspector.ErrorKind, text string) {
	t.Helper()
	var e *inspector.Err
	if !errors.As(err, &e) || e.Kind != kind || !strings.Contains(e.Message, text) {
		t.Errorf("got %v, want %s with %q", err, kind, text)
	}
}

const all = `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`

func TestRefusals(t *testing.T) {
	s, ctx := newService(t, sqlite(t)), t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	user := func(name string) error { _, err := s.CreateUser(ctx, name); return err }
	alice := store.Principal{Name: "alice"}
	must(user("alice"))
	must(s.CreateGroup(ctx, "team"))
	for _, name := range []string{"", "a b", "a/b", "a\nb", "ü", strings.Repeat("a", 65)} {
		refused(t, user(name), inspector.InvalidInput, "is not the name of a user")
	}
	refused(t, user("Alice"), inspector.InvalidInput, "there is a user Alice")
	refused(t, user("Administrator"), inspector.InvalidInput, "too much like")
	refused(t, s.CreateGroup(ctx, "TEAM"), inspector.InvalidInput, "there is a group")
	refused(t, s.CreateGroup(ctx, "*"), inspector.InvalidInput, "is not the name of a group")
	refused(t, s.DeleteUser(ctx, "nobody"), inspector.NoSuchEntity, "no user nobody")
	refused(t, s.DeleteGroup(ctx, "nobody"), inspector.NoSuchEntity, "no group nobody")
	refused(t, s.AddMember(ctx, "team", "nobody"), inspector.NoSuchEntity, "no user nobody")
	refused(t, s.AddMember(ctx, "nobody", "alice"), inspector.NoSuchEntity, "no group nobody")
	refused(t, s.RemoveMember(ctx, "team", "alice"), inspector.NoSuchEntity, "no user alice in a group team")
	refused(t, s.Attach(ctx, alice, "none"), inspector.NoSuchEntity, "no policy none")
	refused(t, s.Attach(ctx, store.Principal{Name: "alice", Group: true}, policy.FullAccess), inspector.NoSuchEntity, "no group alice")
	refused(t, s.Detach(ctx, alice, policy.FullAccess), inspector.NoSuchEntity, "is not attached")
	refused(t, s.PutPolicy(ctx, policy.FullAccess, all), inspector.InvalidInput, "cannot be changed")
	refused(t, s.PutPolicy(ctx, strings.ToLower(policy.FullAccess), all), inspector.InvalidInput, "cannot be changed")
	refused(t, s.PutPolicy(ctx, "p", `{"Statement":[{"Effect":"Allow"}]}`), inspector.InvalidInput, "line 1, column 15")
	refused(t, s.PutPolicy(ctx, "a b", all), inspector.InvalidInput, "is not the name of a policy")
	refused(t, s.DisableKey(ctx, "AKIA", true), inspector.NoSuchEntity, "no access key")
	refused(t, s.DeleteKey(ctx, "AKIA"), inspector.NoSuchEntity, "no access key")
	_, err := s.CreateKey(ctx, "nobody")
	refused(t, err, inspector.NoSuchEntity, "no user nobody")
	must(s.PutPolicy(ctx, "p", all))
	refused(t, s.PutPolicy(ctx, "P", all), inspector.InvalidInput, "differs from P in case only")
	must(s.Attach(ctx, alice, "arn:aws:iam::111122223333:policy/p"))
	refused(t, s.DeletePolicy(ctx, "p"), inspector.InvalidInput, "attached to alice")
	must(s.Detach(ctx, alice, "arn:aws:iam::111122223333:policy/p"))
	must(s.DeletePolicy(ctx, "p"))
	refused(t, s.DeletePolicy(ctx, "p"), inspector.NoSuchEntity, "no policy p")

	for i := range MaxAttached {
		must(s.PutPolicy(ctx, fmt.Sprint("p", i), all))
		must(s.Attach(ctx, alice, fmt.Sprint("p", i)))
		must(s.CreateGroup(ctx, fmt.Sprint("g", i)))
		must(s.AddMember(ctx, fmt.Sprint("g", i), "alice"))
	}
	refused(t, s.Attach(ctx, alice, policy.FullAccess), inspector.LimitExceeded, "at most 10")
	refused(t, s.AddMember(ctx, "team", "alice"), inspector.LimitExceeded, "at most 10")
	for range MaxKeys {
		_, err := s.CreateKey(ctx, "alice")
		must(err)
	}
	_, err = s.CreateKey(ctx, "alice")
	refused(t, err, inspector.LimitExceeded, "at most 2")
}

// What the model of the API allows as errorCode, whatever the operation.
func TestDeniedCodes(t *testing.T) {
	for action, want := range map[string]string{
		"inspector:ListRulesPackages": "ACCESS_DENIED_TO_RULES_PACKAGE", "inspector:DescribeFindings": "ACCESS_DENIED_TO_FINDING",
		"inspector:CreateAssessmentTarget": "ACCESS_DENIED_TO_ASSESSMENT_TARGET", "inspector:StartAssessmentRun": "ACCESS_DENIED_TO_ASSESSMENT_RUN",
		"inspector:SubscribeToEvent": "ACCESS_DENIED_TO_SNS_TOPIC", "inspector:RegisterCrossAccountAccessRole": "ACCESS_DENIED_TO_IAM_ROLE",
		"inspector:CreateResourceGroup": "ACCESS_DENIED_TO_RESOURCE_GROUP", "inspector:SetTagsForResource": "ACCESS_DENIED_TO_ASSESSMENT_TEMPLATE",
	} {
		if got := deniedCode(action); got != want {
			t.Errorf("%s: %s, want %s", action, got, want)
		}
	}
}

// A policy that is attached and cannot be read is no policy that may be passed over.
func TestUnreadablePolicy(t *testing.T) {
	s, ctx := newService(t, sqlite(t)), t.Context()
	if _, err := s.CreateUser(ctx, "alice"); err != nil {
		t.Fatal(err)
	}
	err := s.Store.Update(ctx, func(tx *store.Tx) error {
		return errors.Join(tx.PutPolicy(ctx, store.Policy{Name: "old", Document: `{"Statement":{"Effect":"Deny","Action":"*","Resource":"x"}}`}),
			tx.Attach(ctx, store.Principal{Name: "alice"}, "old"), tx.Attach(ctx, store.Principal{Name: "alice"}, policy.Administrator))
	})
	if err != nil {
		t.Fatal(err)
	}
	var denied *inspector.Err
	if err := s.authorizer().Authorize(ctx, principal(t, s, "alice"), "inspector:ListFindings"); err == nil || errors.As(err, &denied) || !strings.Contains(err.Error(), "policy old") {
		t.Errorf("got %v", err)
	}
}

func TestAuthorizerIsBounded(t *testing.T) {
	s := newService(t, sqlite(t))
	a := s.authorizer()
	for i := range maxKnown + 10 {
		if _, err := a.policies(t.Context(), holder{fmt.Sprint(i), "AIDA", 1}); err != nil {
			t.Fatal(err)
		}
	}
	if len(a.known) > maxKnown {
		t.Error(len(a.known), "users are in memory")
	}
	if _, err := a.policies(t.Context(), holder{"x", "AIDA", 2}); err != nil || len(a.known) != 1 {
		t.Error(len(a.known), "users are in memory after a change", err)
	}
}

func TestUsed(t *testing.T) {
	s, ctx := newService(t, sqlite(t)), t.Context()
	if _, err := s.CreateUser(ctx, "alice"); err != nil {
		t.Fatal(err)
	}
	key, err := s.CreateKey(ctx, "alice")
	if err != nil {
		t.Fatal(err)
	}
	u := &Used{Store: s.Store, Log: slog.New(slog.DiscardHandler)}
	u.Note("", noon)
	u.Note(key.KeyID, noon)
	gone, cancel := context.WithCancel(ctx)
	cancel()
	u.write(gone)
	if len(u.keys) != 1 {
		t.Error("what could not be written is forgotten")
	}
	u.Note(key.KeyID, noon.Add(time.Hour))
	if err := u.Run(gone); err != nil {
		t.Fatal(err)
	}
	k, _, err := s.Store.AccessKey(ctx, key.KeyID)
	if err != nil || !k.LastUsedAt.Equal(noon.Add(time.Hour)) {
		t.Error(k.LastUsedAt, err)
	}
}

// model is what users and groups have, as simple as can be.
type model struct {
	users, groups map[string]map[string]bool // their policies
	members       map[string]map[string]bool // of groups
	policies      map[string]string          // "Allow x" and the like, for inspector:x
}

func (m model) allowed(user, action string) bool {
	has := maps.Clone(m.users[user])
	for g, members := range m.members {
		if members[user] {
			maps.Copy(has, m.groups[g])
		}
	}
	allow := false
	for p := range has {
		effect, what, _ := strings.Cut(m.policies[p], " ")
		if what == action {
			if effect == "Deny" {
				return false
			}
			allow = true
		}
	}
	return allow
}

// Random changes, on both databases: after each, an authorizer that has seen all
// that was before decides as the model does.
func TestAgainstModel(t *testing.T) {
	for name, dsn := range map[string]func(*testing.T) string{"SQLite": sqlite, "Postgres": func(t *testing.T) string { return testpg.New(t) }} {
		t.Run(name, func(t *testing.T) {
			s := newService(t, dsn(t))
			rapid.Check(t, func(rt *rapid.T) { s.againstModel(t, rt) })
		})
	}
}

func (s *Service) againstModel(t *testing.T, rt *rapid.T) {
	ctx := context.Background()
	m := model{map[string]map[string]bool{}, map[string]map[string]bool{}, map[string]map[string]bool{}, map[string]string{}}
	a := s.authorizer()
	pick := func(names ...string) string { return rapid.SampledFrom(names).Draw(rt, "name") }
	user := func() string { return pick("u1", "u2") }
	group := func() string { return pick("g1", "g2") }
	named := func() string { return pick("p1", "p2", "p3") }
	attached := func(name string) bool {
		for _, all := range []map[string]map[string]bool{m.users, m.groups} {
			for _, has := range all {
				if has[name] {
					return true
				}
			}
		}
		return false
	}
	defer func() { // leave nothing for the next round
		for u := range m.users {
			s.DeleteUser(ctx, u)
		}
		for g := range m.groups {
			s.DeleteGroup(ctx, g)
		}
		for p := range m.policies {
			s.DeletePolicy(ctx, p)
		}
	}()
	// did compares whether a change was made with whether it should have been.
	did := func(what string, err error, should bool) bool {
		var e *inspector.Err
		if err != nil && !errors.As(err, &e) || (err == nil) != should {
			rt.Fatalf("%s: %v; it should work: %v", what, err, should)
		}
		return err == nil
	}
	for range rapid.IntRange(1, 25).Draw(rt, "steps") {
		switch rapid.IntRange(0, 9).Draw(rt, "change") {
		case 0, 1:
			u := user()
			if _, err := s.CreateUser(ctx, u); did("create "+u, err, m.users[u] == nil) {
				m.users[u] = map[string]bool{}
			}
		case 2:
			u := user()
			if did("delete "+u, s.DeleteUser(ctx, u), m.users[u] != nil) {
				delete(m.users, u)
				for _, members := range m.members {
					delete(members, u)
				}
			}
		case 3:
			g := group()
			if did("create "+g, s.CreateGroup(ctx, g), m.groups[g] == nil) {
				m.groups[g], m.members[g] = map[string]bool{}, map[string]bool{}
			}
		case 4:
			g := group()
			if did("delete "+g, s.DeleteGroup(ctx, g), m.groups[g] != nil) {
				delete(m.groups, g)
				delete(m.members, g)
			}
		case 5:
			p, effect, what := named(), pick("Allow", "Deny"), pick("A", "B")
			did("put "+p, s.PutPolicy(ctx, p, `{"Statement":{"Effect":"`+effect+`","Action":"inspector:`+what+`","Resource":"*"}}`), true)
			m.policies[p] = effect + " " + what
		case 6:
			u, g := user(), group()
			if did("join", s.AddMember(ctx, g, u), m.users[u] != nil && m.groups[g] != nil) {
				m.members[g][u] = true
			}
		case 7:
			u, g := user(), group()
			if did("leave", s.RemoveMember(ctx, g, u), m.members[g][u]) {
				delete(m.members[g], u)
			}
		case 8:
			p, isGroup, name := named(), rapid.Bool().Draw(rt, "group"), ""
			have := m.users
			if name = user(); isGroup {
				name, have = group(), m.groups
			}
			holder := store.Principal{Name: name, Group: isGroup}
			if rapid.Bool().Draw(rt, "attach") {
				if did("attach", s.Attach(ctx, holder, p), have[name] != nil && m.policies[p] != "") {
					have[name][p] = true
				}
			} else if did("detach", s.Detach(ctx, holder, p), have[name][p]) {
				delete(have[name], p)
			}
		case 9:
			p := named()
			if did("delete "+p, s.DeletePolicy(ctx, p), m.policies[p] != "" && !attached(p)) {
				delete(m.policies, p)
			}
		}
		for _, u := range slices.Sorted(maps.Keys(m.users)) {
			who := principal(t, s, u)
			for _, action := range []string{"A", "B"} {
				if err := a.Authorize(ctx, who, "inspector:"+action); (err == nil) != m.allowed(u, action) {
					rt.Fatalf("%s %s: %v; the model says %v", u, action, err, m.allowed(u, action))
				}
			}
		}
	}
}
