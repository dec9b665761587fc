package updateinfo

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"assay/internal/advisory"
	"assay/internal/advisory/feed"
)

// record is nil for what is of no use; that is told.
func (u Reader) record(from *update, emit advisory.Emit) (*advisory.Record, error) {
	id := strings.TrimSpace(from.IDs[0])
	r := &advisory.Record{ID: id, CVEs: from.cves(), Summary: feed.Line(from.Title, 500), Severity: feed.Severity(from.Severity)}
	if from.Type != "security" && len(r.CVEs) == 0 {
		emit.Skipped(id, "", "not about security")
		return nil, nil
	}
	if r.Summary == "" {
		r.Summary = feed.Line(from.Summary, 500)
	}
	var err error
	if r.Published, err = when(from.Issued.Date); err != nil {
		return nil, fmt.Errorf("issued: %w", err)
	}
	if r.Modified, err = when(from.Updated.Date); err != nil {
		return nil, fmt.Errorf("updated: %w", err)
	}
	for _, ref := range from.References {
		if ref.Href != "" {
			r.References = append(r.References, ref.Href)
		}
	}
	ecosystem := u.Ecosystem
	if ecosystem == "" {
		if ecosystem = amazon(id); ecosystem == "" {
			return nil, errors.New("the id does not say of which release it is: say it when reading")
		}
	}
	rows := feed.NewRows()
	for _, c := range from.Collections {
		if err := c.rows(id, ecosystem, rows, emit); err != nil {
			return nil, err
		}
	}
	if r.Affected = rows.Affected(); len(r.Affected) == 0 {
		emit.Skipped(id, "", "no packages")
		return nil, nil
	}
	return r, nil
}

func (from *update) cves() []string {
	texts := make([]string, 0, 2*len(from.References))
	for _, ref := range from.References {
		switch ref.Type {
		case "cve":
			texts = append(texts, ref.ID, ref.Title)
		case "bugzilla":
			texts = append(texts, ref.Title)
		}
	}
	return feed.CVEs(texts...)
}

func (c *collection) rows(id, ecosystem string, rows *feed.Rows, emit advisory.Emit) error {
	module := c.module()
	if module == "" && ecosystem == "Amazon Linux:2" {
		module = extras(id)
	}
	for i, p := range c.Packages {
		if p.Name == "" || p.Version == "" || p.Release == "" {
			return fmt.Errorf("package %d of the collection %.80q has no name, version or release", i+1, c.Short)
		}
		if p.Arch == "src" || p.Arch == "nosrc" {
			emit.Skipped(id, p.Name, "source package")
			continue
		}
		evr := p.Version + "-" + p.Release
		if p.Epoch != "" && p.Epoch != "0" {
			if _, err := strconv.ParseUint(p.Epoch, 10, 32); err != nil {
				return fmt.Errorf("package %.80q: the epoch %.40q is no number", p.Name, p.Epoch)
			}
			evr = p.Epoch + ":" + evr
		}
		rows.Add(advisory.Affected{Ecosystem: ecosystem, Package: p.Name, Module: module, Arch: p.Arch,
			Status: advisory.Fixed, Ranges: []advisory.Range{{Introduced: "0", Fixed: evr}}})
	}
	return nil
}

func (c *collection) module() string {
	if c.Module != nil && c.Module.Name != "" {
		return c.Module.Name + ":" + c.Module.Stream
	}
	if topic, ok := strings.CutPrefix(c.Short, "amazon-linux-2---"); ok && topic != "core" {
		return "extras:" + topic
	}
	return ""
}

// topic is that of Amazon Linux 2's extras in an id: "ALAS2KERNEL-5.10-2022-001",
// "ALASNGINX1-2023-002".
var topic = regexp.MustCompile(`^ALAS2?([A-Z][\w.+-]*?)-\d{4}-\d+$`)

// extras is the module of the topic in an id. Livepatches are packages of their own
// names and need none.
func extras(id string) string {
	m := topic.FindStringSubmatch(id)
	if m == nil || m[1] == "LIVEPATCH" {
		return ""
	}
	return "extras:" + strings.ToLower(m[1])
}

// amazon is the release that an id of Amazon's is about. Extras and livepatches
// have their topic in it: "ALAS2KERNEL-5.10-2022-001".
func amazon(id string) string {
	switch {
	case strings.HasPrefix(id, "ALAS2023"):
		return "Amazon Linux:2023"
	case strings.HasPrefix(id, "ALAS2022"):
		return "Amazon Linux:2022"
	case strings.HasPrefix(id, "ALAS2"), topic.MatchString(id):
		return "Amazon Linux:2"
	}
	return ""
}

func when(text string) (time.Time, error) {
	if seconds, err := strconv.ParseInt(text, 10, 64); err == nil && len(text) > 8 {
		return time.Unix(seconds, 0).UTC(), nil
	}
	return feed.Time(text)
}
