//go:build wide

package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"assay/internal/inspector"
	"assay/internal/store"
)

// The requests that AWS published as examples, each to a service that has what
// they name, and answers with the members of the published ones.
func TestPublishedExamples(t *testing.T) {
	shared := os.Getenv("ASSAY_SHARED")
	if shared == "" {
		t.Fatal("ASSAY_SHARED does not name the folder with the shared data")
	}
	data, err := os.ReadFile(filepath.Join(shared, "data/inspector-api/examples-1.json"))
	check(t, err)
	// The rules packages of the examples were never published; ours stands for them.
	for _, id := range []string{"0-11B9DBXp", "0-X1KXtawP"} {
		data = []byte(strings.ReplaceAll(string(data), id, "0-JJOtZiqQ"))
	}
	var file struct {
		Examples map[string][]struct{ Input, Output object }
	}
	check(t, json.Unmarshal(data, &file))
	n, replayed := 0, 0
	for operation, examples := range file.Examples {
		for _, example := range examples {
			n++
			t.Run(operation, func(t *testing.T) {
				w := newWorldIn(t, inspector.Scope{Region: "us-west-2", Account: "123456789012"})
				w.seedExamples(strings.HasPrefix(operation, "Delete"))
				w.precede(operation, func(first string) object { return file.Examples[first][0].Input })
				in := example.Input
				if in == nil {
					in = object{} // what clients send where there is nothing to say
				}
				out := w.do(operation, in)
				if err := sameMembers(example.Output, out, operation); err != nil {
					t.Error(err)
				}
				if failed, ok := example.Output["failedItems"]; ok && size(failed) != size(out["failedItems"]) {
					t.Errorf("failed items: %v", out["failedItems"])
				}
				replayed++
			})
		}
	}
	if n != 32 || replayed != n {
		t.Errorf("%d of %d examples were replayed, want all 32", replayed, n)
	}
}

// precede makes the calls that an example takes for granted: they are examples too.
func (w *world) precede(operation string, input func(operation string) object) {
	first := map[string]string{
		"UnsubscribeFromEvent": "SubscribeToEvent", "ListEventSubscriptions": "SubscribeToEvent",
		"RemoveAttributesFromFindings": "AddAttributesToFindings", "DescribeCrossAccountAccessRole": "RegisterCrossAccountAccessRole",
	}[operation]
	if first != "" {
		w.do(first, input(first))
	}
}

// seedExamples makes the resources that the examples name.
func (w *world) seedExamples(over bool) {
	ctx, now := w.t.Context(), time.Now()
	w.addAgents("i-49113b93")
	tag := []inspector.Tag{{Key: "Name", Value: "example"}}
	packages := []string{"arn:aws:inspector:us-west-2:758058086616:rulespackage/0-JJOtZiqQ"}
	check(w.t, w.store.Update(ctx, func(tx *store.Tx) error {
		all := []error{}
		for _, id := range []string{"0-AB6DMKnv", "0-PyGXopAI", "0-yNbgL5Pt"} {
			all = append(all, tx.CreateResourceGroup(ctx, inspector.ResourceGroup{ID: id, Tags: tag, CreatedAt: now}))
		}
		for _, t := range []inspector.Target{{ID: "0-0kFIPusq", ResourceGroup: ""}, {ID: "0-nvgVhaxX", ResourceGroup: "0-PyGXopAI"}} {
			t.Name, t.CreatedAt, t.UpdatedAt = t.ID, now, now
			all = append(all, tx.CreateTarget(ctx, t, inspector.Limits{}))
		}
		for target, ids := range map[string][]string{"0-0kFIPusq": {"0-4r1V2mAw", "0-gcwFliYu", "0-8l1VIE0D"}, "0-nvgVhaxX": {"0-it5r2S4T", "0-7sbz2Kz0"}} {
			for _, id := range ids {
				all = append(all, tx.CreateTemplate(ctx, inspector.Template{ID: id, Target: target, Name: id, Duration: time.Hour, Packages: packages, CreatedAt: now}, inspector.Limits{}))
			}
		}
		_, err := tx.Subscribe(ctx, "0-7sbz2Kz0", "arn:aws:sns:us-west-2:123456789012:exampletopic", inspector.RunCompleted, now)
		all = append(all, err)
		tagged := w.api.Scope.Template("0-0kFIPusq", "0-gcwFliYu").String()
		return errors.Join(append(all, tx.SetTags(ctx, tagged, tag))...)
	}))
	w.findingID = func(string, int) string { return "0-HwPnsDm4" }
	w.seedRun("0-0kFIPusq", "0-4r1V2mAw", "0-MKkpXXPE", packages, []string{"i-49113b93"}, true)
	w.findingID = func(string, int) string { return "0-T8yM9mEU" }
	w.seedRun("0-0kFIPusq", "0-8l1VIE0D", "0-Z02cjjug", packages, []string{"i-49113b93"}, true)
	w.seedRun("0-nvgVhaxX", "0-it5r2S4T", "0-11LMTAVe", packages, nil, over)
	// The target of the first examples has a resource group.
	check(w.t, w.store.Update(ctx, func(tx *store.Tx) error {
		return tx.UpdateTarget(ctx, inspector.Target{ID: "0-0kFIPusq", Name: "ExampleTarget", ResourceGroup: "0-PyGXopAI", UpdatedAt: now})
	}))
	w.addTagged("i-49113b93", tag)
}

func (w *world) seedRun(target, template, id string, packages, agents []string, over bool) {
	ctx := w.t.Context()
	run := inspector.Run{
		ID: id, Target: target, Template: template, Name: id, State: inspector.StartDataCollectionPending,
		Duration: time.Hour, Packages: packages, CreatedAt: time.Now(), StateChangedAt: time.Now(),
	}
	check(w.t, w.store.Update(ctx, func(tx *store.Tx) error {
		all := []error{tx.CreateRun(ctx, run, []byte("key"), agents, inspector.Limits{})}
		for _, a := range agents {
			all = append(all, tx.SaveRunAgent(ctx, inspector.RunAgent{Run: id, Agent: a, State: inspector.CollectionComplete, Health: inspector.Healthy, HealthCode: inspector.CodeRunning}))
		}
		return errors.Join(all...)
	}))
	if !over {
		return
	}
	w.finish(w.api.Scope.Run(target, template, id).String(), 1, agents...)
}

func (w *world) addTagged(id string, tags []inspector.Tag) {
	ctx := w.t.Context()
	check(w.t, w.store.Update(ctx, func(tx *store.Tx) error {
		return tx.SaveAgent(ctx, inspector.Agent{ID: id, Hostname: "example", Tags: tags, EnrolledAt: time.Now(), SeenAt: time.Now()})
	}))
}

// sameMembers tells whether got has all members of want, with values of the same
// kind. Times are strings in some examples; tokens of pages that there are not
// are left out.
func sameMembers(want, got any, at string) error {
	switch w := want.(type) {
	case object:
		g, ok := got.(object)
		if !ok && len(w) > 0 {
			return fmt.Errorf("%s is %v, want an object", at, got)
		}
		for key, value := range w {
			if _, there := g[key]; !there && key != "nextToken" {
				return fmt.Errorf("%s.%s is missing", at, key)
			}
			if err := sameMembers(value, g[key], at+"."+key); err != nil && key != "nextToken" {
				return err
			}
		}
	case []any:
		g, ok := got.([]any)
		if !ok || len(w) > 0 && len(g) == 0 {
			return fmt.Errorf("%s is %v, want a list like %v", at, got, w)
		}
		if len(w) > 0 {
			return sameMembers(w[0], g[0], at+".0")
		}
	case string:
		if _, number := got.(float64); number && strings.Trim(w, "0123456789.") == "" {
			return nil
		}
		if _, ok := got.(string); !ok {
			return fmt.Errorf("%s is %v, want a string", at, got)
		}
	default:
		if fmt.Sprintf("%T", want) != fmt.Sprintf("%T", got) {
			return fmt.Errorf("%s is %v, want something like %v", at, got, want)
		}
	}
	return nil
}
