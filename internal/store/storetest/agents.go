package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"assay/internal/inspector"
	"assay/internal/store"
)

func newAgent(n int, tags ...inspector.Tag) inspector.Agent {
	return inspector.Agent{
		ID: fmt.Sprintf("i-%017x", n), Hostname: "web\x00\xff", OS: "Debian GNU/Linux 12 (bookworm)", Platform: "linux", Kernel: "6.1.0", Architecture: "x86_64",
		Version: "1.0", Addresses: []string{"10.0.0.1", "fe80::1"}, Tags: tags, Sensors: []string{"packages"}, Problems: []string{"it is \"late\""},
		Tiers: []inspector.SensorTier{{Sensor: "activity", Tier: "poll", Expected: true, Since: at(1), Short: []string{"no BTF"}}},
		Skew:  -1500 * time.Microsecond, EnrolledAt: at(n), SeenAt: at(n + 1),
	}
}

// stored is an agent as it comes back: JSON has no invalid UTF-8.
func stored(a inspector.Agent) inspector.Agent {
	a.Hostname = "web\x00\uFFFD"
	return a
}

func addAgents(t testing.TB, s *store.Store, agents ...inspector.Agent) {
	t.Helper()
	update(t, s, func(tx *store.Tx) error {
		for _, a := range agents {
			if err := tx.SaveAgent(t.Context(), a); err != nil {
				return err
			}
		}
		return nil
	})
}

func testAgents(t *testing.T, s *store.Store) {
	ctx := t.Context()
	a := newAgent(1, inspector.Tag{Key: "k", Value: "v"}, inspector.Tag{Key: "k", Value: "v"})
	addAgents(t, s, a)
	got, err := s.Agents(ctx, []string{a.ID, "i-none"})
	equal(t, err, got, map[string]inspector.Agent{a.ID: stored(a)})

	a.Tags, a.Revoked, a.Problems, a.SeenAt = []inspector.Tag{{Key: "x\x00", Value: "y\xff"}}, true, nil, at(50)
	addAgents(t, s, a)
	got, err = s.Agents(ctx, []string{a.ID})
	want := stored(a)
	want.Tags = []inspector.Tag{{Key: "x\x00", Value: "y\uFFFD"}}
	equal(t, err, got, map[string]inspector.Agent{a.ID: want})

	var all []string
	for n := 2; n < 8; n++ {
		addAgents(t, s, newAgent(n))
	}
	page := inspector.Page{Limit: 3}
	for pages := 0; ; pages++ {
		list, next, err := s.ListAgents(ctx, page)
		if err != nil || pages > 3 {
			t.Fatal(pages, err)
		}
		for _, a := range list {
			all = append(all, a.ID)
		}
		if page.After = next; next == "" {
			break
		}
	}
	if len(all) != 7 || all[0] != a.ID || all[6] != newAgent(7).ID {
		t.Errorf("paged through %v", all)
	}
}

func testAgentsOf(t *testing.T, s *store.Store) {
	ctx := t.Context()
	tag := func(k, v string) inspector.Tag { return inspector.Tag{Key: k, Value: v} }
	revoked := newAgent(5, tag("env", "prod"))
	revoked.Revoked = true
	addAgents(t, s, newAgent(1, tag("env", "prod")), newAgent(2, tag("env", "Prod"), tag("team", "a")), newAgent(3, tag("env", "test")), newAgent(4), revoked)
	for name, c := range map[string]struct {
		tags []inspector.Tag
		want []int
	}{
		"one":          {[]inspector.Tag{tag("env", "prod")}, []int{1}},
		"alternatives": {[]inspector.Tag{tag("env", "test"), tag("team", "a"), tag("env", "Prod")}, []int{2, 3}},
		"nobody":       {[]inspector.Tag{tag("prod", "env")}, nil},
		"no tags":      {nil, nil},
	} {
		group := inspector.ResourceGroup{ID: inspector.NewID(), Tags: c.tags}
		update(t, s, func(tx *store.Tx) error { return tx.CreateResourceGroup(ctx, group) })
		agents, _, err := s.AgentsOf(ctx, inspector.Target{ResourceGroup: group.ID}, inspector.Page{})
		var want []inspector.Agent
		for _, n := range c.want {
			for _, all := range agents {
				if all.ID == newAgent(n).ID {
					want = append(want, all)
				}
			}
		}
		if len(agents) != len(c.want) || len(want) != len(c.want) || err != nil {
			t.Errorf("%s: got %d agents, want %v (%v)", name, len(agents), c.want, err)
		}
	}
	agents, _, err := s.AgentsOf(ctx, inspector.Target{}, inspector.Page{})
	equal(t, err, len(agents), 4)
	if _, _, err := s.AgentsOf(ctx, inspector.Target{ResourceGroup: "0-none0000"}, inspector.Page{}); err == nil {
		t.Error("a resource group that does not exist selects agents")
	}
}

func testTouch(t *testing.T, s *store.Store) {
	ctx := t.Context()
	var agents []inspector.Agent
	var touches []store.Touch
	for n := range 100 {
		agents = append(agents, newAgent(n))
		touches = append(touches, store.Touch{Agent: newAgent(n).ID, SeenAt: at(5000 + n), Skew: time.Second})
	}
	addAgents(t, s, agents...)
	touches = append(touches, store.Touch{Agent: "i-none", SeenAt: at(1)}, store.Touch{Agent: agents[7].ID, SeenAt: at(1)})
	for range 2 {
		if err := s.TouchAgents(ctx, touches); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.TouchAgents(ctx, nil); err != nil {
		t.Fatal(err)
	}
	if err := s.TouchAgents(ctx, []store.Touch{{Agent: agents[8].ID, SeenAt: at(2)}}); err != nil {
		t.Fatal(err)
	}
	got, err := s.Agents(ctx, []string{agents[7].ID, agents[8].ID, agents[99].ID})
	if err != nil || len(got) != 3 {
		t.Fatal(len(got), err)
	}
	for _, n := range []int{7, 8, 99} {
		if a := got[agents[n].ID]; !a.SeenAt.Equal(at(5000+n)) || a.Skew != time.Second {
			t.Errorf("agent %d was seen at %v (skew %v)", n, a.SeenAt, a.Skew)
		}
	}
}

func testTokens(t *testing.T, s *store.Store) {
	ctx := t.Context()
	twice := store.Token{ID: "t1", Hash: []byte{1, 0, 2}, Tags: []inspector.Tag{{Key: "a", Value: "b"}}, CreatedAt: at(0), ExpiresAt: at(100), MaxUses: 2}
	forever := store.Token{ID: "t2", Hash: []byte{3}, CreatedAt: at(0)}
	update(t, s, func(tx *store.Tx) error { return errors.Join(tx.CreateToken(ctx, twice), tx.CreateToken(ctx, forever)) })
	use := func(hash []byte, now time.Time) (token store.Token, err error) {
		err = s.Update(ctx, func(tx *store.Tx) error {
			token, err = tx.UseToken(ctx, hash, now)
			return err
		})
		return token, err
	}
	for n := 1; n <= 2; n++ {
		token, err := use(twice.Hash, at(10))
		twice.Uses = n
		equal(t, err, token, twice)
	}
	for name, c := range map[string]struct {
		hash []byte
		now  time.Time
		want error
	}{
		"used up": {twice.Hash, at(10), store.ErrTokenUsedUp}, "expired": {twice.Hash, at(100), store.ErrTokenExpired}, "unknown": {[]byte{9}, at(0), store.ErrTokenUnknown},
	} {
		if _, err := use(c.hash, c.now); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
	if _, err := use(forever.Hash, at(1_000_000)); err != nil {
		t.Error(err)
	}
}

func testAccessKeys(t *testing.T, s *store.Store) {
	ctx := t.Context()
	key := store.AccessKey{ID: "AKIA1", User: "admin", Secret: []byte{0, 1, 255}, CreatedAt: at(3)}
	for _, disabled := range []bool{false, true} {
		key.Disabled = disabled
		update(t, s, func(tx *store.Tx) error { return tx.CreateAccessKey(ctx, key) })
		got, ok, err := s.AccessKey(ctx, "AKIA1")
		equal(t, err, got, key)
		if !ok {
			t.Error("the key is missing")
		}
	}
	if _, ok, err := s.AccessKey(ctx, "akia1"); ok || err != nil {
		t.Error("a key was found by another id", err)
	}
}
