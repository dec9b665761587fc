package storetest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"assay/internal/inspector"
	"assay/internal/store"
)

func refOf(f inspector.Finding) store.FindingRef {
	return store.FindingRef{Target: f.Target, Template: f.Template, Run: f.Run, ID: f.ID}
}

func change(t testing.TB, s *store.Store, c inspector.AttributeChange, at time.Time, refs ...store.FindingRef) (failed map[store.FindingRef]string) {
	t.Helper()
	update(t, s, func(tx *store.Tx) (err error) {
		failed, err = tx.ChangeUserAttributes(t.Context(), refs, c, at)
		return err
	})
	return failed
}

func testAttributes(t *testing.T, s *store.Store) {
	ctx := t.Context()
	template := addTemplate(t, s)
	template.Attributes = []inspector.Attribute{{Key: "team", Value: "a"}}
	run, hidden := addRun(t, s, template, 1, "i-1"), addRun(t, s, template, 2, "i-2")
	one, other := finding(run, "i-1", 1, inspector.High), finding(run, "i-1", 2, inspector.Low)
	unseen := finding(hidden, "i-2", 1, inspector.High)
	save(t, s, run, "i-1", inspector.PackageCVE, []inspector.Finding{one, other})
	save(t, s, hidden, "i-2", inspector.PackageCVE, []inspector.Finding{unseen})
	advance(t, s, run.ID, inspector.Completed, 10)
	advance(t, s, hidden.ID, inspector.EvaluatingRules, 10)

	wrong := refOf(one)
	wrong.Template = "0-other000"
	none := store.FindingRef{Target: run.Target, Template: run.Template, Run: run.ID, ID: "0-none0000"}
	set := inspector.AttributeChange{Set: []inspector.Attribute{{Key: "team", Value: "b"}, {Key: "ticket", Value: "7\x00"}}}
	failed := change(t, s, set, at(20), refOf(one), wrong, none, refOf(unseen))
	const missing = "ITEM_DOES_NOT_EXIST"
	equal(t, nil, failed, map[store.FindingRef]string{wrong: missing, none: missing, refOf(unseen): missing})
	want := one
	want.UserAttributes, want.UpdatedAt = set.Set, at(20)
	got, err := s.FindingsAt(ctx, []store.FindingRef{refOf(one), refOf(other), wrong, none, refOf(unseen)})
	equal(t, err, got, map[store.FindingRef]inspector.Finding{refOf(one): want, refOf(other): other})

	ids := func(a inspector.Attribute) (ids []string) {
		refs, _, err := s.ListFindings(ctx, inspector.FindingFilter{UserAttributes: []inspector.Attribute{a}}, inspector.Page{})
		if err != nil {
			t.Fatal(err)
		}
		for _, ref := range refs {
			ids = append(ids, ref.ID)
		}
		return ids
	}
	equal(t, nil, ids(inspector.Attribute{Key: "team", Value: "a"}), []string{other.ID})
	equal(t, nil, ids(inspector.Attribute{Key: "team", Value: "b"}), []string{one.ID})
	equal(t, nil, ids(inspector.Attribute{Key: "ticket", Value: "7\x00"}), []string{one.ID})

	// The same again changes nothing, nor does what a finding has not.
	change(t, s, set, at(30), refOf(one))
	change(t, s, inspector.AttributeChange{Remove: []string{"none"}}, at(30), refOf(one), refOf(other))
	got, err = s.FindingsAt(ctx, []store.FindingRef{refOf(one), refOf(other)})
	equal(t, err, got, map[store.FindingRef]inspector.Finding{refOf(one): want, refOf(other): other})

	change(t, s, inspector.AttributeChange{Remove: []string{"team"}}, at(40), refOf(one), refOf(other))
	equal(t, nil, ids(inspector.Attribute{Key: "team", Value: "a"}), nil)
	equal(t, nil, ids(inspector.Attribute{Key: "team", Value: "b"}), nil)

	var more inspector.AttributeChange
	for i := range inspector.MaxUserAttributes {
		more.Set = append(more.Set, inspector.Attribute{Key: fmt.Sprint("more-", i), Value: "x"})
	}
	failed = change(t, s, more, at(50), refOf(one), refOf(other))
	// "ticket" makes it one too many; the other one has room.
	equal(t, nil, failed, map[store.FindingRef]string{refOf(one): "LIMIT_EXCEEDED"})
	equal(t, nil, ids(inspector.Attribute{Key: "more-0", Value: "x"}), []string{other.ID})
}

// random makes findings of which every property is a matter of chance.
type random struct {
	*rand.Rand
	t     *testing.T
	s     *store.Store
	shown []inspector.Finding
	runs  []string
}

// choose is one of n, the later ones seldom.
func (r *random) choose(n int) int { return min(r.IntN(n), r.IntN(n), r.IntN(3*n)) }

func (r *random) attribute(key string) inspector.Attribute {
	return inspector.Attribute{Key: key, Value: fmt.Sprint(r.choose(6))}
}

// addRun makes a run with so many findings.
func (r *random) addRun(template inspector.Template, n, findings int) {
	template.Attributes = []inspector.Attribute{r.attribute("team"), r.attribute("stage")}
	run := addRun(r.t, r.s, template, n, "i-0", "i-1", "i-2", "i-3")
	packages := []inspector.PackageID{inspector.PackageCVE, inspector.PackageCIS}
	for agent := range 4 {
		for p, pkg := range packages {
			var all []inspector.Finding
			for i := range findings / 8 {
				name := fmt.Sprintf("i-%d", agent)
				f := finding(run, name, i+10_000*p, inspector.Severities()[r.choose(5)])
				f.Package, f.PackageARN, f.FindingID = pkg, fmt.Sprint("arn:", r.choose(3)), fmt.Sprint("CVE-", r.choose(9))
				f.Asset.AutoScalingGroup = []string{"asg-0", "asg-1", "", "asg-3"}[r.choose(4)]
				f.CreatedAt = at(100*n + r.IntN(150))
				f.Attributes = []inspector.Attribute{r.attribute("a"), r.attribute("b"), r.attribute("a")}
				all = append(all, f)
			}
			save(r.t, r.s, run, name(agent), pkg, all)
			if p == 0 && agent == n%4 { // evaluated twice
				save(r.t, r.s, run, name(agent), pkg, all)
			}
			if n != 9 {
				r.shown = append(r.shown, all...)
			}
		}
	}
	r.runs = append(r.runs, run.ID)
	advance(r.t, r.s, run.ID, map[bool]inspector.RunState{false: inspector.Completed, true: inspector.EvaluatingRules}[n == 9], 100*n+50)
}

func name(agent int) string { return fmt.Sprintf("i-%d", agent) }

// changeSome changes attributes of some findings.
func (r *random) changeSome() {
	var refs []store.FindingRef
	c := inspector.AttributeChange{Set: []inspector.Attribute{r.attribute("team"), r.attribute("extra")}}
	if r.IntN(2) == 0 {
		c = inspector.AttributeChange{Remove: []string{"team", "extra"}[r.IntN(2):]}
	}
	for range 10 {
		f := &r.shown[r.IntN(len(r.shown))]
		refs, f.UserAttributes = append(refs, refOf(*f)), c.Of(f.UserAttributes)
	}
	slices.SortFunc(refs, cmpRef)
	equal(r.t, nil, change(r.t, r.s, c, at(1), slices.Compact(refs)...), nil)
}

func cmpRef(a, b store.FindingRef) int {
	if a.Run+a.ID < b.Run+b.ID {
		return -1
	}
	return 1
}

// filters are of each member: of nothing, of little, of much.
func (r *random) filters() (all []func(*inspector.FindingFilter)) {
	add := func(set func(f *inspector.FindingFilter)) { all = append(all, set) }
	for _, some := range [][]int{{0}, {8}, {1, 7}, {99}} {
		attribute := func(key string) []inspector.Attribute {
			return []inspector.Attribute{{Key: key, Value: fmt.Sprint(some[0] % 6)}}
		}
		texts := func(prefix string) (out []string) {
			for _, n := range some {
				out = append(out, fmt.Sprint(prefix, n))
			}
			return out
		}
		add(func(f *inspector.FindingFilter) { f.Agents = texts("i-") })
		add(func(f *inspector.FindingFilter) { f.AutoScalingGroups = texts("asg-") })
		add(func(f *inspector.FindingFilter) { f.Rules = texts("CVE-") })
		add(func(f *inspector.FindingFilter) { f.PackageARNs = texts("arn:") })
		add(func(f *inspector.FindingFilter) {
			for _, n := range some {
				f.Severities = append(f.Severities, inspector.Severities()[n%5])
			}
		})
		add(func(f *inspector.FindingFilter) { f.Attributes = attribute("a") })
		add(func(f *inspector.FindingFilter) { f.UserAttributes = attribute("team") })
		add(func(f *inspector.FindingFilter) { f.UserAttributes = attribute("extra") })
		add(func(f *inspector.FindingFilter) { f.Runs = []string{r.runs[some[0]%len(r.runs)], "0-none0000"} })
		add(func(f *inspector.FindingFilter) {
			f.Created = inspector.TimeRange{Begin: at(100*some[0] + 20), End: at(100*some[0] + 90)}
		})
	}
	return all
}

// testFindingOracle compares random findings, in runs that are indexed in each of
// the ways, with what every filter and pair of filters means. Attributes were
// changed meanwhile, and a run was deleted.
func testFindingOracle(t *testing.T, s *store.Store) {
	r := &random{Rand: rand.New(rand.NewPCG(1, 2)), t: t, s: s}
	template := addTemplate(t, s)
	for n, findings := range []int{8, 1200, 16, 400, 64, 0, 72, 2400, 8, 24} {
		r.addRun(template, n, findings)
		for range 5 {
			r.changeSome()
		}
	}
	update(t, s, func(tx *store.Tx) error { return tx.DeleteRun(t.Context(), r.runs[3]) })
	r.shown = slices.DeleteFunc(r.shown, func(f inspector.Finding) bool { return f.Run == r.runs[3] })
	all := r.filters()
	for i, one := range all {
		for _, other := range all[i:] {
			var filter inspector.FindingFilter
			one(&filter)
			other(&filter)
			r.compare(filter, 1+r.IntN(900))
		}
	}
	r.compare(inspector.FindingFilter{}, 7)
}

// compare reads all pages of a size.
func (r *random) compare(filter inspector.FindingFilter, size int) {
	r.t.Helper()
	var want, got []string
	for _, f := range r.shown {
		if accepts(filter, f) {
			want = append(want, f.Run+"/"+f.ID)
		}
	}
	page := inspector.Page{Limit: size}
	for {
		refs, next, err := r.s.ListFindings(r.t.Context(), filter, page)
		if err != nil || len(refs) > size || next != "" && len(refs) < size {
			r.t.Fatalf("%+v: a page of %d, followed by %q (%v)", filter, len(refs), next, err)
		}
		for _, ref := range refs {
			got = append(got, ref.Run+"/"+ref.ID)
		}
		if page.After = next; next == "" {
			break
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		r.t.Errorf("%+v:\n%s", filter, diff)
	}
}
