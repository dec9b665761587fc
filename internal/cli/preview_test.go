package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"assay/internal/api/model"
	"assay/internal/inspector"
)

// A real service without hosts: by every name of what is previewed, and none that
// there is not.
func TestPreview(t *testing.T) {
	env := deployment(t)
	c := &Command{Getenv: func(name string) string { return env[name] }}
	client, err := c.newClient(env["ASSAY_DATA"])
	if err != nil {
		t.Fatal(err)
	}
	defer client.http.CloseIdleConnections()
	var packages model.ListRulesPackagesResponse
	call := func(operation string, in map[string]any, out any) {
		t.Helper()
		if err := client.inspector(t.Context(), operation, in, out); err != nil {
			t.Fatal(err)
		}
	}
	call("ListRulesPackages", map[string]any{}, &packages)
	template := func(target, name string) string {
		var created model.CreateAssessmentTemplateResponse
		call("CreateAssessmentTemplate", map[string]any{"assessmentTargetArn": target, "assessmentTemplateName": name, "durationInSeconds": 180,
			"rulesPackageArns": packages.RulesPackageArns}, &created)
		return created.AssessmentTemplateArn
	}
	var web, db model.CreateAssessmentTargetResponse
	call("CreateAssessmentTarget", map[string]any{"assessmentTargetName": "web"}, &web)
	call("CreateAssessmentTarget", map[string]any{"assessmentTargetName": "db servers"}, &db)
	weekly := template(web.AssessmentTargetArn, "weekly")
	template(web.AssessmentTargetArn, "daily")
	template(db.AssessmentTargetArn, "daily")

	// The rules packages: assess leaves out those that observe.
	all := len(packages.RulesPackageArns)
	scopes := map[string]int{"web": all - 1, web.AssessmentTargetArn: all - 1, "weekly": all, weekly: all}
	templates := map[string]bool{}
	for _, name := range []string{"web", web.AssessmentTargetArn, "weekly", weekly} {
		code, stdout, stderr := run(t.Context(), env, "preview", "-json", name)
		var seen foreseen
		if err := json.Unmarshal([]byte(stdout), &seen); err != nil || code != ExitIncomplete || stderr != "" {
			t.Fatalf("%s: exit code %d, %v, %q, %q", name, code, err, stdout, stderr)
		}
		templates[seen.Template] = true
		if len(seen.Exclusions) != 1 || seen.Exclusions[0].Kind != inspector.NoHosts || !seen.Exclusions[0].Error ||
			seen.Exclusions[0].Title != "No instances in target" || len(seen.Exclusions[0].Scopes) != scopes[name] {
			t.Errorf("%s: %s", name, stdout)
		}
	}
	if len(templates) != 2 || !templates[weekly] {
		t.Errorf("the templates %v were previewed", templates)
	}
	code, stdout, _ := run(t.Context(), env, "preview", "web")
	if code != ExitIncomplete || !strings.Contains(stdout, "No instances in target\n") || !strings.Contains(stdout, "      do: Compare the tags") ||
		!strings.HasSuffix(stdout, "\nA run that is started now would have 1 exclusion, 1 of them with an error.\n") {
		t.Errorf("exit code %d\n%s", code, stdout)
	}
	for _, test := range []struct{ name, want string }{
		{"nothing", `no assessment target or template "nothing"`},
		{"*", `no assessment target or template "*"`},
		{"daily", "2 assessment templates named"},
		{weekly + "/run/0-cccccccc", "something else than an assessment target or template"},
		{weekly[:len(weekly)-8] + "cccccccc", "NoSuchEntityException"},
		{web.AssessmentTargetArn[:len(weekly)-28] + "cccccccc", "NoSuchEntityException"},
	} {
		code, stdout, stderr := run(t.Context(), env, "preview", test.name)
		if code != ExitIncomplete || stdout != "" || !strings.Contains(stderr, test.want) {
			t.Errorf("%s: exit code %d, %q, %q, want an error with %q", test.name, code, stdout, stderr, test.want)
		}
	}
	for _, args := range []string{"preview", "preview a b", "preview -duration 1s web"} {
		if code, _, stderr := run(t.Context(), env, strings.Fields(args)...); code != ExitUsage {
			t.Errorf("%s: exit code %d, %q", args, code, stderr)
		}
	}
}

// What a service answers by and by: somebody else's preview in progress, then ours,
// then pages.
func TestPreviewIsWaitedFor(t *testing.T) {
	for name, test := range map[string]struct {
		titles []string
		code   error
	}{
		"an error":                   {[]string{"Agent is unhealthy", "Rules package not supported by OS"}, exitError(ExitIncomplete)},
		"no error":                   {[]string{"Rules package not supported by OS", "Rules package not supported by OS"}, nil},
		"what is not known":          {[]string{"Rules package not supported by OS", "Moon in the wrong phase"}, exitError(ExitIncomplete)},
		"nothing that would be left": {nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var creates, gets atomic.Int64
			client := door(t, func(w http.ResponseWriter, r *http.Request) {
				_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
				switch {
				case operation == "CreateExclusionsPreview" && creates.Add(1) == 1:
					w.WriteHeader(http.StatusBadRequest)
					w.Write([]byte(`{"__type":"PreviewGenerationInProgressException","message":"in progress"}`))
				case operation == "CreateExclusionsPreview":
					w.Write([]byte(`{"previewToken":"t"}`))
				case gets.Add(1) == 1:
					w.Write([]byte(`{"previewStatus":"WORK_IN_PROGRESS"}`))
				case int(gets.Load())-2 < len(test.titles):
					n := int(gets.Load()) - 2
					next := ""
					if n+1 < len(test.titles) {
						next = fmt.Sprintf(`,"nextToken":"%d"`, n+1)
					}
					fmt.Fprintf(w, `{"previewStatus":"COMPLETED","exclusionPreviews":[{"title":%q,"description":"d\u001b[2J","recommendation":"r","scopes":[{"key":"INSTANCE_ID","value":"i-%d"}]}]%s}`, test.titles[n], n, next)
				default:
					w.Write([]byte(`{"previewStatus":"COMPLETED","exclusionPreviews":[]}`))
				}
			})
			seen, err := client.foresee(t.Context(), "template")
			if err != nil || len(seen.Exclusions) != len(test.titles) || seen.exit() != test.code {
				t.Errorf("%+v, %v, %v", seen, err, seen.exit())
			}
			var out bytes.Buffer
			seen.print(&out)
			if strings.Contains(out.String(), "\x1b") {
				t.Errorf("what a service says rules the terminal: %q", out.String())
			}
			if want := "would have no exclusions"; strings.Contains(out.String(), want) != (len(test.titles) == 0) {
				t.Errorf("%s", out.String())
			}
		})
	}
}
