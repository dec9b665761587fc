package storetest

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"assay/internal/inspector"
	"assay/internal/store"
)

func testUsers(t *testing.T, s *store.Store) {
	ctx := t.Context()
	version := func() int64 {
		t.Helper()
		v, err := s.IdentityVersion(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	// changes checks that an update counts as a change of what users may do.
	changes := func(fn func(*store.Tx) error) {
		t.Helper()
		before := version()
		update(t, s, fn)
		if version() <= before {
			t.Error("the version is the same")
		}
	}
	nothing := func(fn func(*store.Tx) error) {
		t.Helper()
		before := version()
		if err := s.Update(ctx, fn); !errors.Is(err, store.ErrNoChange) || version() != before {
			t.Errorf("got %v, want no change", err)
		}
	}
	alice, bob := store.User{Name: "alice", ID: "AIDA1", CreatedAt: at(1)}, store.User{Name: "bob", ID: "AIDA2", CreatedAt: at(2)}
	for _, u := range []store.User{bob, alice} {
		changes(func(tx *store.Tx) error { return tx.CreateUser(ctx, u) })
	}
	nothing(func(tx *store.Tx) error { return tx.CreateUser(ctx, store.User{Name: "Alice", ID: "AIDA3"}) })
	got, ok, err := s.User(ctx, "alice")
	equal(t, err, got, alice)
	if _, absent, err := s.User(ctx, "ALICE"); !ok || absent || err != nil {
		t.Error("a user was found by another name", err)
	}
	page, next, err := s.ListUsers(ctx, inspector.Page{Limit: 1})
	equal(t, err, page, []store.User{alice})
	page, next, err = s.ListUsers(ctx, inspector.Page{Limit: 1, After: next})
	equal(t, err, page, []store.User{bob})
	equal(t, err, next, "")
	count, err := s.CountUsers(ctx)
	equal(t, err, count, 2)

	changes(func(tx *store.Tx) error { return tx.CreateGroup(ctx, store.Group{Name: "team", CreatedAt: at(3)}) })
	nothing(func(tx *store.Tx) error { return tx.CreateGroup(ctx, store.Group{Name: "Team"}) })
	changes(func(tx *store.Tx) error { return tx.AddMember(ctx, "team", "alice") })
	update(t, s, func(tx *store.Tx) error { return tx.AddMember(ctx, "team", "alice") })
	if err := s.Update(ctx, func(tx *store.Tx) error { return tx.AddMember(ctx, "team", "nobody") }); err == nil {
		t.Error("somebody who is not there is a member")
	}
	groups, _, err := s.ListGroups(ctx, inspector.Page{})
	equal(t, err, groups, []store.Group{{Name: "team", CreatedAt: at(3)}})
	of, err := s.GroupsOf(ctx, "alice")
	equal(t, err, of, []string{"team"})
	members, err := s.MembersOf(ctx, "team")
	equal(t, err, members, []string{"alice"})

	p := store.Policy{Name: "p", Document: `{"a":"é"}`, CreatedAt: at(4), UpdatedAt: at(4)}
	changes(func(tx *store.Tx) error { return tx.PutPolicy(ctx, p) })
	p.Document, p.UpdatedAt = "{}", at(5)
	changes(func(tx *store.Tx) error {
		return tx.PutPolicy(ctx, store.Policy{Name: "p", Document: "{}", CreatedAt: at(5), UpdatedAt: at(5)})
	})
	nothing(func(tx *store.Tx) error { return tx.PutPolicy(ctx, store.Policy{Name: "P"}) })
	kept, _, err := s.Policy(ctx, "p")
	equal(t, err, kept, p)
	policies, _, err := s.ListPolicies(ctx, inspector.Page{})
	equal(t, err, policies, []store.Policy{p})

	team := store.Principal{Name: "team", Group: true}
	for _, a := range []struct {
		p      store.Principal
		policy string
	}{{team, "p"}, {team, "managed"}, {store.Principal{Name: "alice"}, "p"}, {store.Principal{Name: "bob"}, "own"}} {
		changes(func(tx *store.Tx) error { return tx.Attach(ctx, a.p, a.policy) })
		update(t, s, func(tx *store.Tx) error { return tx.Attach(ctx, a.p, a.policy) })
	}
	all, err := s.PoliciesOf(ctx, "alice")
	equal(t, err, all, []string{"managed", "p"})
	all, err = s.Attached(ctx, team)
	equal(t, err, all, []string{"managed", "p"})
	holders, err := s.AttachedTo(ctx, "p")
	equal(t, err, holders, []store.Principal{{Name: "alice"}, team})
	changes(func(tx *store.Tx) error { return tx.Detach(ctx, team, "p") })
	nothing(func(tx *store.Tx) error { return tx.Detach(ctx, team, "p") })
	changes(func(tx *store.Tx) error { return tx.RemoveMember(ctx, "team", "alice") })
	nothing(func(tx *store.Tx) error { return tx.RemoveMember(ctx, "team", "alice") })
	all, err = s.PoliciesOf(ctx, "alice")
	equal(t, err, all, []string{"p"})

	update(t, s, func(tx *store.Tx) error { return tx.AddMember(ctx, "team", "alice") })
	changes(func(tx *store.Tx) error { return tx.DeleteGroup(ctx, "team") })
	changes(func(tx *store.Tx) error { return tx.DeletePolicy(ctx, "p") })
	changes(func(tx *store.Tx) error { return tx.DeleteUser(ctx, "alice") })
	nothing(func(tx *store.Tx) error { return tx.DeleteUser(ctx, "alice") })
	update(t, s, func(tx *store.Tx) error { return tx.CreateUser(ctx, alice) })
	all, err = s.PoliciesOf(ctx, "alice")
	equal(t, err, len(all), 0)
	of, err = s.GroupsOf(ctx, "alice")
	equal(t, err, len(of), 0)
}

func testUserKeys(t *testing.T, s *store.Store) {
	ctx := t.Context()
	key := func(id, user string, n int) store.AccessKey {
		return store.AccessKey{ID: id, User: user, Secret: []byte{1}, CreatedAt: at(n)}
	}
	update(t, s, func(tx *store.Tx) error {
		return errors.Join(tx.CreateUser(ctx, store.User{Name: "alice", ID: "AIDA1"}),
			tx.CreateAccessKey(ctx, key("AKIA2", "alice", 2)), tx.CreateAccessKey(ctx, key("AKIA1", "alice", 1)), tx.CreateAccessKey(ctx, key("AKIA3", "gone", 3)))
	})
	keys, err := s.AccessKeysOf(ctx, "alice")
	equal(t, err, keys, []store.AccessKey{key("AKIA1", "alice", 1), key("AKIA2", "alice", 2)})
	version, err := s.IdentityVersion(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]store.KeyHolder{
		"AKIA1": {AccessKey: key("AKIA1", "alice", 1), UserID: "AIDA1", Version: version},
		"AKIA3": {AccessKey: key("AKIA3", "gone", 3), Version: version},
	} {
		got, ok, err := s.KeyHolder(ctx, id)
		equal(t, err, got, want)
		if !ok {
			t.Error("the key is missing")
		}
	}
	if _, ok, err := s.KeyHolder(ctx, "AKIA4"); ok || err != nil {
		t.Error(ok, err)
	}
	update(t, s, func(tx *store.Tx) error {
		return tx.KeysUsed(ctx, map[string]time.Time{"AKIA1": at(9), "AKIA4": at(9)})
	})
	update(t, s, func(tx *store.Tx) error { return tx.KeysUsed(ctx, map[string]time.Time{"AKIA1": at(8)}) })
	update(t, s, func(tx *store.Tx) error { return tx.DisableAccessKey(ctx, "AKIA1", true) })
	got, _, err := s.AccessKey(ctx, "AKIA1")
	want := key("AKIA1", "alice", 1)
	want.LastUsedAt, want.Disabled = at(9), true
	equal(t, err, got, want)
	for _, fn := range []func(*store.Tx) error{
		func(tx *store.Tx) error { return tx.DisableAccessKey(ctx, "AKIA4", true) },
		func(tx *store.Tx) error { return tx.DeleteAccessKey(ctx, "AKIA4") },
	} {
		if err := s.Update(ctx, fn); !errors.Is(err, store.ErrNoChange) {
			t.Error(err)
		}
	}
	update(t, s, func(tx *store.Tx) error { return tx.DeleteAccessKey(ctx, "AKIA1") })
	update(t, s, func(tx *store.Tx) error { return tx.DeleteUser(ctx, "alice") })
	for _, id := range []string{"AKIA1", "AKIA2"} {
		if _, ok, err := s.AccessKey(ctx, id); ok || err != nil {
			t.Errorf("%s is still there (%v)", id, err)
		}
	}
	for _, value := range []string{"a", "b"} {
		update(t, s, func(tx *store.Tx) error { return tx.SetSetting(ctx, "x", []byte(value)) })
		got, _, err := s.Setting(ctx, "x")
		equal(t, err, string(got), value)
	}
}

// testUsersAtOnce changes users at once: no change is lost, and none is uncounted.
func testUsersAtOnce(t *testing.T, s *store.Store) {
	ctx := t.Context()
	before, err := s.IdentityVersion(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			u := store.User{Name: fmt.Sprint("u", i), ID: fmt.Sprint("AIDA", i)}
			if err := s.Update(ctx, func(tx *store.Tx) error { return tx.CreateUser(ctx, u) }); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	after, err := s.IdentityVersion(ctx)
	equal(t, err, after, before+8)
}
