package cli

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"assay/internal/api/model"
	"assay/internal/inspector"
)

// foreseen is what a run that is started now would not check.
type foreseen struct {
	Template   string      `json:"template"` // its ARN
	Exclusions []exclusion `json:"exclusions"`
}

// exclusion is one that a run would have.
type exclusion struct {
	Kind inspector.ExclusionKind `json:"kind"`
	unchecked
	Error bool `json:"error"` // the run would be completed with errors, or could not be started
}

func (c *Command) preview(ctx context.Context, set *flag.FlagSet, args []string) error {
	data := dataFlag(set)
	var flags assessFlags
	set.BoolVar(&flags.json, "json", false, "print JSON")
	flags.registerLasting(set)
	if err := c.parse(set, args, 1, 1); err != nil {
		return err
	}
	if err := flags.check(); err != nil {
		return err
	}
	client, err := c.newClient(*data)
	if err != nil {
		return err
	}
	template, err := client.previewed(ctx, set.Arg(0), flags)
	if err != nil {
		return err
	}
	client.patience = patience
	seen, err := client.foresee(ctx, template)
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return err
	}
	if flags.json {
		if err := printJSON(c.Stdout, seen); err != nil {
			return err
		}
	} else {
		seen.print(c.Stdout)
	}
	return seen.exit()
}

// exit is 3 if something would be excluded with an error.
func (f *foreseen) exit() error {
	if slices.ContainsFunc(f.Exclusions, func(e exclusion) bool { return e.Error }) {
		return exitError(ExitIncomplete)
	}
	return nil
}

// previewed finds the template to preview: the one that is named, or that `assess`
// would use with the flags for the target that is named.
func (c *client) previewed(ctx context.Context, name string, flags assessFlags) (string, error) {
	arn, err := inspector.ParseARN(name)
	switch {
	case err == nil && arn.Kind == inspector.KindTemplate:
		return name, nil
	case err == nil && arn.Kind != inspector.KindTarget:
		return "", fmt.Errorf("%s is the ARN of something else than an assessment target or template", name)
	}
	target, err := c.target(ctx, name)
	if err != nil {
		return "", err
	}
	templates := []string{}
	if target == "" {
		if templates, err = c.templatesNamed(ctx, name); err != nil {
			return "", err
		}
	}
	switch {
	case target != "":
		some, err := c.packagesFor(ctx, flags.observe > 0)
		if err != nil {
			return "", err
		}
		return c.template(ctx, target, flags.duration, some.arns)
	case len(templates) == 1:
		return templates[0], nil
	case len(templates) > 1:
		return "", fmt.Errorf("there are %d assessment templates named %q: name one by its ARN:\n  %s", len(templates), name, strings.Join(templates, "\n  "))
	}
	return "", fmt.Errorf("there is no assessment target or template %q: aws --endpoint-url $ASSAY_ENDPOINT inspector list-assessment-targets and list-assessment-templates list them", name)
}

// templatesNamed lists the templates with a name.
func (c *client) templatesNamed(ctx context.Context, name string) (arns []string, err error) {
	err = list(func(token string) (string, error) {
		var found model.ListAssessmentTemplatesResponse
		in := paged(map[string]any{"filter": map[string]any{"namePattern": name}}, token)
		if err := c.inspector(ctx, "ListAssessmentTemplates", in, &found); err != nil {
			return "", err
		}
		for batch := range slices.Chunk(found.AssessmentTemplateArns, 10) {
			var described model.DescribeAssessmentTemplatesResponse
			if err := c.inspector(ctx, "DescribeAssessmentTemplates", map[string]any{"assessmentTemplateArns": batch}, &described); err != nil {
				return "", err
			}
			for _, t := range described.AssessmentTemplates {
				if t.Name == name { // the pattern's stars are the name's
					arns = append(arns, t.Arn)
				}
			}
		}
		return found.NextToken, nil
	})
	return arns, err
}

// foresee has a preview made, waits for it and reads it.
func (c *client) foresee(ctx context.Context, template string) (*foreseen, error) {
	token, err := c.createPreview(ctx, template)
	if err != nil {
		return nil, err
	}
	f := &foreseen{Template: template, Exclusions: []exclusion{}}
	err = list(func(next string) (string, error) {
		page, err := c.completePreview(ctx, template, token, next)
		if err != nil {
			return "", err
		}
		for _, e := range page.ExclusionPreviews {
			f.Exclusions = append(f.Exclusions, newExclusion(e))
		}
		return page.NextToken, nil
	})
	slices.SortStableFunc(f.Exclusions, func(a, b exclusion) int {
		return cmp.Or(strings.Compare(a.Title, b.Title), slices.Compare(a.Scopes, b.Scopes))
	})
	return f, err
}

// createPreview has a preview made, once the one that somebody else has made is.
func (c *client) createPreview(ctx context.Context, template string) (string, error) {
	for {
		var created model.CreateExclusionsPreviewResponse
		err := c.inspector(ctx, "CreateExclusionsPreview", map[string]any{"assessmentTemplateArn": template}, &created)
		var refused *apiError
		if !errors.As(err, &refused) || refused.Type != string(inspector.PreviewInProgress) {
			return created.PreviewToken, err
		}
		if err := pause(ctx); err != nil {
			return "", err
		}
	}
}

// completePreview reads a page of a preview when it is complete.
func (c *client) completePreview(ctx context.Context, template, token, next string) (*model.GetExclusionsPreviewResponse, error) {
	for {
		page := new(model.GetExclusionsPreviewResponse)
		in := paged(map[string]any{"assessmentTemplateArn": template, "previewToken": token}, next)
		if err := c.inspector(ctx, "GetExclusionsPreview", in, page); err != nil || page.PreviewStatus == "COMPLETED" {
			return page, err
		}
		if err := pause(ctx); err != nil {
			return nil, err
		}
	}
}

func pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(200 * time.Millisecond):
		return nil
	}
}

// newExclusion knows an exclusion by its title. One that it does not know, as of a
// later service, counts as an error.
func newExclusion(e model.ExclusionPreview) exclusion {
	out := exclusion{unchecked: unchecked{Title: e.Title, Description: e.Description, Recommendation: e.Recommendation, Scopes: []string{}}, Error: true}
	for _, s := range e.Scopes {
		out.Scopes = append(out.Scopes, s.Value)
	}
	for _, cause := range inspector.Causes() {
		if cause.Title == e.Title {
			out.Kind, out.Error = cause.Kind, cause.Error
		}
	}
	return out
}

// print prints exclusions for people, those with the same title and recommendation
// together.
func (f *foreseen) print(w io.Writer) {
	w = text{w}
	last, errors := exclusion{}, 0
	for i, e := range f.Exclusions {
		if e.Error {
			errors++
		}
		another := last.Title != e.Title || last.Recommendation != e.Recommendation
		if i > 0 && another {
			fmt.Fprintf(w, "      do: %s\n", oneLine(last.Recommendation))
		}
		if another {
			fmt.Fprintf(w, "  %s\n", oneLine(e.Title))
		}
		fmt.Fprintf(w, "      %s\n", oneLine(e.Description))
		last = e
	}
	if len(f.Exclusions) == 0 {
		fmt.Fprintln(w, "A run that is started now would have no exclusions at its start.")
		return
	}
	fmt.Fprintf(w, "      do: %s\n", oneLine(last.Recommendation))
	fmt.Fprintf(w, "\nA run that is started now would have %s, %d of them with an error.\n", count(len(f.Exclusions), "exclusion"), errors)
}
