package migrate

import (
	"context"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"

	"assay/internal/inspector"
)

type groupItem inspector.ResourceGroup

func (g groupItem) write(ctx context.Context, w *writer) (Status, error) {
	want := inspector.ResourceGroup(g)
	have, err := w.tx.ResourceGroups(ctx, []string{g.ID})
	return settle(w, have, err, g.ID, want, func() error { return w.tx.CreateResourceGroup(ctx, want) })
}

// settle decides what becomes of an object, given those with its id that are
// there, and creates it if there are none.
func settle[T any](w *writer, have map[string]T, err error, id string, want T, create func() error) (Status, error) {
	return settleIn(w, "", have, err, id, want, create)
}

// settleIn is settle for an object whose id is unique in something only.
func settleIn[T any](w *writer, in string, have map[string]T, err error, id string, want T, create func() error) (Status, error) {
	if err != nil {
		return Refused, err
	}
	if old, ok := have[id]; ok {
		if members := differences(old, want); len(members) > 0 {
			return Refused, refusef("it is there already, but differs in %s: what is there stays", strings.Join(members, ", "))
		}
		return Present, nil
	}
	key := in + "/" + id
	if w.dry && w.seen[key] {
		return Present, nil
	}
	w.seen[key] = true
	if w.dry {
		return Imported, nil
	}
	return Imported, create()
}

type targetItem struct {
	inspector.Target
	group string // its resource group's ARN
}

func (t targetItem) write(ctx context.Context, w *writer) (Status, error) {
	if t.ResourceGroup != "" {
		groups, err := w.tx.ResourceGroups(ctx, []string{t.ResourceGroup})
		if _, ok := groups[t.ResourceGroup]; err != nil || !ok && !w.assume[t.group] {
			return Refused, orMissing(err, "resource group", t.group)
		}
	}
	have, err := w.tx.Targets(ctx, []string{t.ID})
	return settle(w, have, err, t.ID, t.Target, func() error { return w.tx.CreateTarget(ctx, t.Target, unlimited) })
}

// orMissing is the store's error, or the refusal of an object whose other is not
// there.
func orMissing(err error, what, arn string) error {
	if err != nil {
		return err
	}
	return refusef("its %s %s is not there: import that, too", what, arn)
}

type templateItem struct {
	inspector.Template
	target string
}

func (t templateItem) write(ctx context.Context, w *writer) (Status, error) {
	targets, err := w.tx.Targets(ctx, []string{t.Target})
	if _, ok := targets[t.Target]; err != nil || !ok && !w.assume[t.target] {
		return Refused, orMissing(err, "assessment target", t.target)
	}
	have, err := w.tx.Templates(ctx, []string{t.ID})
	// Since it was imported, it may have had more runs.
	if old, ok := have[t.ID]; ok && old.Runs >= t.Runs {
		old.Runs, old.LastRun = t.Runs, t.LastRun
		have[t.ID] = old
	}
	return settle(w, have, err, t.ID, t.Template, func() error { return w.tx.CreateTemplate(ctx, t.Template, unlimited) })
}

type tagsItem struct {
	arn  inspector.ARN
	tags []inspector.Tag
}

func (t tagsItem) write(ctx context.Context, w *writer) (Status, error) {
	arn := t.arn.String()
	templates, err := w.tx.Templates(ctx, []string{t.arn.ID})
	if old, ok := templates[t.arn.ID]; err != nil || (!ok || old.Target != t.arn.Target) && !w.assume[arn] {
		return Refused, orMissing(err, "assessment template", arn)
	}
	tags, err := w.tx.Tags(ctx, arn)
	have := map[string][]inspector.Tag{}
	if len(tags) > 0 || len(t.tags) == 0 { // none is what a template has without an import
		have[t.arn.ID] = tags
	}
	return settleIn(w, "tags", have, err, t.arn.ID, t.tags, func() error { return w.tx.SetTags(ctx, arn, t.tags) })
}

type runItem struct {
	inspector.Run
	template string
}

func (r runItem) write(ctx context.Context, w *writer) (Status, error) {
	templates, err := w.tx.Templates(ctx, []string{r.Template})
	if t, ok := templates[r.Template]; err != nil || (!ok || t.Target != r.Target) && !w.assume[r.template] {
		return Refused, orMissing(err, "assessment template", r.template)
	}
	have, err := w.tx.Runs(ctx, []string{r.ID})
	if old, ok := have[r.ID]; ok {
		old.TelemetryGoneAt = r.TelemetryGoneAt
		have[r.ID] = old
	}
	return settle(w, have, err, r.ID, r.Run, func() error { return w.tx.ImportRun(ctx, r.Run, w.now) })
}

// ofRun looks for the run of an object, which has to be an imported one; once a
// batch.
func (w *writer) ofRun(ctx context.Context, arn inspector.ARN) error {
	text := arn.String()
	err, known := w.runs[text]
	if !known {
		err = w.findRun(ctx, arn)
		w.runs[text] = err
	}
	return err
}

func (w *writer) findRun(ctx context.Context, arn inspector.ARN) error {
	runs, err := w.tx.Runs(ctx, []string{arn.ID})
	if err != nil {
		return err
	}
	run, ok := runs[arn.ID]
	if !ok && w.assume[arn.String()] {
		return nil
	}
	if !ok || run.Target != arn.Target || run.Template != arn.Template {
		return orMissing(nil, "assessment run", arn.String())
	}
	imported, err := w.tx.Imported(ctx, arn.ID)
	if err == nil && !imported {
		err = refusef("its assessment run %s was made by this service, and takes nothing from elsewhere", arn)
	}
	return err
}

type exclusionItem struct {
	inspector.Exclusion
	arn inspector.ARN
}

func (e exclusionItem) write(ctx context.Context, w *writer) (Status, error) {
	if err := w.ofRun(ctx, e.arn.Scope.Run(e.arn.Target, e.arn.Template, e.arn.Run)); err != nil {
		return Refused, err
	}
	have, err := w.tx.Exclusions(ctx, e.Run, []string{e.ID})
	return settleIn(w, "exclusions of "+e.Run, have, err, e.ID, e.Exclusion, func() error { return w.tx.AddExclusions(ctx, e.Run, []inspector.Exclusion{e.Exclusion}) })
}

type findingItem struct {
	inspector.Finding
	run inspector.ARN
}

func (f findingItem) write(ctx context.Context, w *writer) (Status, error) {
	if err := w.ofRun(ctx, f.run); err != nil {
		return Refused, err
	}
	have, err := w.tx.Findings(ctx, f.Run, []string{f.ID})
	if err != nil {
		return Refused, err
	}
	for _, other := range w.findings { // of this batch, written at its end
		if other.Run == f.Run && other.ID == f.ID {
			have = map[string]inspector.Finding{f.ID: other}
		}
	}
	return settleIn(w, "findings of "+f.Run, have, nil, f.ID, f.Finding, func() error {
		w.findings = append(w.findings, f.Finding)
		return nil
	})
}

// differences lists the members in which two objects of a type differ, by name.
// Lists that are empty are as if they were not there, and an instant is the same
// in every zone.
func differences(a, b any) []string {
	x, y := members(a), members(b)
	names := slices.Collect(maps.Keys(x))
	for name := range y {
		if _, ok := x[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.DeleteFunc(names, func(name string) bool { return reflect.DeepEqual(x[name], y[name]) })
}

// members are what an object is in JSON, without what is empty.
func members(v any) map[string]any {
	data, err := json.Marshal(map[string]any{"": v})
	if err != nil {
		return map[string]any{"": err.Error()} // plain structs can be written
	}
	var out map[string]any
	if err := json.Unmarshal(data, &out); err != nil {
		return map[string]any{"": err.Error()}
	}
	pruned, _ := prune(out[""]).(map[string]any)
	if pruned == nil {
		return map[string]any{"tags": prune(out[""])}
	}
	return pruned
}

func prune(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			if inner = prune(inner); inner == nil {
				delete(v, name)
			} else {
				v[name] = inner
			}
		}
	case []any:
		if len(v) == 0 {
			return nil
		}
		for i := range v {
			v[i] = prune(v[i])
		}
	case string:
		if v == "" {
			return nil
		}
	}
	return v
}
