package hosttest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"assay/internal/telemetry"
)

// Parse reads a description.
func Parse(t testing.TB, description string) *Snapshot {
	t.Helper()
	archive := txtar.Parse([]byte(description))
	p := &parser{snapshot: New()}
	for i, line := range strings.Split(string(archive.Comment), "\n") {
		words := split(line)
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		if err := p.line(words); err != nil {
			t.Fatalf("description, line %d: %q: %v", i+1, line, err)
		}
	}
	for _, f := range archive.Files {
		p.snapshot = p.snapshot.Text(f.Name, string(f.Data))
	}
	return p.snapshot
}

// split cuts a line into words; double quotes keep blanks.
func split(line string) []string {
	var words []string
	for rest := strings.TrimSpace(line); rest != ""; rest = strings.TrimSpace(rest) {
		end := strings.IndexAny(rest, " \t")
		if rest[0] == '"' {
			word, tail, _ := strings.Cut(rest[1:], `"`)
			words, rest = append(words, word), tail
			continue
		}
		if end < 0 {
			end = len(rest)
		}
		words, rest = append(words, rest[:end]), rest[end:]
	}
	return words
}

type parser struct {
	snapshot *Snapshot
	word     string             // that begins the line
	file     *telemetry.File    // the last one, to which acl adds
	holder   *telemetry.Program // or this
	err      error
}

// facts says for each word how many words it takes at least, its own included,
// and what it adds.
var facts = map[string]struct {
	words int
	add   func(*parser, []string)
}{
	"system":        {3, (*parser).system},
	"package":       {4, (*parser).pkg},
	"library":       {5, (*parser).library},
	"container":     {4, (*parser).container},
	"user":          {4, (*parser).user},
	"shadow":        {3, (*parser).shadow},
	"group":         {3, (*parser).group},
	"dir":           {5, (*parser).metadata},
	"file":          {5, (*parser).metadata},
	"link":          {3, (*parser).link},
	"acl":           {3, (*parser).acl},
	"param":         {3, (*parser).param},
	"flags":         {1, (*parser).flags},
	"process":       {4, (*parser).process},
	"socket":        {4, (*parser).socket},
	"program":       {5, (*parser).program},
	"above":         {5, (*parser).aboveRoot},
	"execution":     {3, (*parser).execution},
	"load":          {4, (*parser).load},
	"connection":    {4, (*parser).connection},
	"accepting":     {4, (*parser).accepting},
	"spoken":        {1, (*parser).spoken},
	"observation":   {1, (*parser).observation},
	"partial":       {2, (*parser).cover},
	"denied":        {2, (*parser).cover},
	"failed":        {2, (*parser).cover},
	"not_collected": {2, (*parser).cover},
}

func (p *parser) line(words []string) error {
	fact, ok := facts[words[0]]
	if !ok {
		return fmt.Errorf("no such fact")
	}
	if len(words) < fact.words {
		return fmt.Errorf("needs %d words", fact.words)
	}
	p.word = words[0]
	fact.add(p, words[1:])
	return p.err
}

func (p *parser) add(sensor string, r telemetry.Record) { p.snapshot = p.snapshot.Add(sensor, r) }

func (p *parser) number(word string, base int) int64 {
	n, err := strconv.ParseInt(word, base, 64)
	if err != nil {
		p.err = err
	}
	return n
}

func (p *parser) id(word string) uint32 { return uint32(p.number(word, 10)) }

// at is a word, or nothing where there are fewer.
func at(words []string, i int) string {
	if i < len(words) {
		return words[i]
	}
	return ""
}

func (p *parser) system(w []string) {
	s := &telemetry.System{
		Hostname: "web-1", Architecture: "x86_64",
		CollectedAt: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
	}
	w = p.options(w, texts{"arch": &s.Architecture, "kernel": &s.Kernel, "codename": &s.Codename, "like": &s.OSLike, "name": &s.OSName})
	s.OS, s.OSVersion, s.Live = at(w, 0), at(w, 1), at(w, 2) != "image"
	if !s.Live {
		s.Architecture = "" // an image does not tell its machine's
	}
	p.add(telemetry.SensorSystem, s)
}

func (p *parser) user(w []string) {
	p.add(telemetry.SensorAccounts, &telemetry.User{
		Name: w[0], UID: p.id(w[1]), GID: p.id(w[2]), Home: at(w, 3), Shell: at(w, 4),
		Password: telemetry.PasswordShadowed, File: "/etc/passwd", Line: p.next(telemetry.TypeUser),
	})
}

func (p *parser) group(w []string) {
	g := &telemetry.Group{Name: w[0], GID: p.id(w[1]), File: "/etc/group", Line: p.next(telemetry.TypeGroup)}
	if len(w) > 2 {
		g.Members = strings.Split(w[2], ",")
	}
	p.add(telemetry.SensorAccounts, g)
}

func (p *parser) shadow(w []string) {
	s := &telemetry.Shadow{Name: w[0], Password: telemetry.PasswordState(w[1]), File: "/etc/shadow", Line: p.next(telemetry.TypeShadow)}
	fields := map[string]**int64{
		"last": &s.LastChange, "min": &s.Min, "max": &s.Max, "warn": &s.Warn, "inactive": &s.Inactive, "expire": &s.Expire,
	}
	for _, word := range w[2:] {
		name, value, _ := strings.Cut(word, "=")
		into, ok := fields[name]
		if !ok {
			p.err = fmt.Errorf("%q is no field of shadow", name)
			return
		}
		n := p.number(value, 10)
		*into = &n
	}
	p.add(telemetry.SensorAccounts, s)
}

// next is the line that the next record of a type has in its file.
func (p *parser) next(kind telemetry.Type) int {
	n := 1
	for _, e := range p.snapshot.records {
		if telemetry.Kind(e.record) == kind {
			n++
		}
	}
	return n
}

func (p *parser) metadata(w []string) {
	kind := telemetry.Regular
	if p.word == "dir" {
		kind = telemetry.Directory
	}
	p.holder = nil
	p.file = &telemetry.File{Path: w[0], Kind: kind, Mode: uint32(p.number(w[1], 8)), UID: p.id(w[2]), GID: p.id(w[3])}
	p.add(telemetry.SensorFiles, p.file)
}

func (p *parser) link(w []string) {
	p.add(telemetry.SensorFiles, &telemetry.File{Path: w[0], Kind: telemetry.Symlink, Mode: 0o777, Target: w[1]})
}

func (p *parser) acl(w []string) {
	var into *[]telemetry.ACL
	switch {
	case p.file != nil && p.file.Path == w[0]:
		into = &p.file.ACL
	case p.holder != nil && p.holder.Path == w[0]:
		into = &p.holder.ACL
	default:
		p.err = fmt.Errorf("an acl line follows the line of its file")
		return
	}
	for _, word := range w[1:] {
		parts := strings.Split(word, ":")
		if len(parts) != 3 {
			p.err = fmt.Errorf("%q is not tag:id:perm", word)
			return
		}
		a := telemetry.ACL{Tag: parts[0]}
		if parts[1] != "" {
			a.ID = p.id(parts[1])
		} else if i := slices.Index([]string{"user", "group"}, parts[0]); i >= 0 {
			a.Tag += "_obj"
		}
		for i, letter := range "xwr" {
			if strings.ContainsRune(parts[2], letter) {
				a.Perm |= 1 << i
			}
		}
		*into = append(*into, a)
	}
}

func (p *parser) param(w []string) {
	p.add(telemetry.SensorKernel, &telemetry.KernelParameter{Name: w[0], Value: w[1]})
}

func (p *parser) flags(w []string) {
	p.add(telemetry.SensorSystem, &telemetry.Processor{Count: 1, Flags: w})
}

func (p *parser) cover(w []string) {
	sensor, part, _ := strings.Cut(w[0], "/")
	reason := at(w, 1)
	if reason == "" {
		reason = "a test says so"
	}
	p.snapshot = p.snapshot.Cover(sensor, part, telemetry.State(p.word), reason)
}
