package feeds

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"assay/internal/advisory/fetch"
)

// location is where a feed's file is today.
type location struct {
	address string
	sha256  string // that the publisher says it has; empty: none
}

// locate finds a feed's file.
func (f *Feed) locate(ctx context.Context, c *fetch.Client) (location, error) {
	switch f.Find {
	case Archive:
		return locateArchive(ctx, c, f.Address)
	case Repo:
		return locateRepo(ctx, c, f.Address)
	}
	return location{address: f.Address}, nil
}

var (
	archiveName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,200}$`)
	checksum    = regexp.MustCompile(`^(?i)[0-9a-f]{64}`)
)

// locateArchive reads archive_latest.txt and the archive's .sha256, which Red Hat's folders of
// CSAF documents have (https://security.access.redhat.com/data/csaf/v2/). A missing
// checksum is none; any other failure to get it is one.
func locateArchive(ctx context.Context, c *fetch.Client, folder string) (location, error) {
	text, err := c.Text(ctx, beneath(folder, "archive_latest.txt"), 1<<10)
	if err != nil {
		return location{}, err
	}
	name := strings.TrimSpace(text)
	if !archiveName.MatchString(name) {
		return location{}, fmt.Errorf("%s names %.80q, which is no file's name", fetch.Redact(beneath(folder, "archive_latest.txt")), name)
	}
	l := location{address: beneath(folder, name)}
	text, err = c.Text(ctx, l.address+".sha256", 1<<10)
	var status fetch.Status
	if errors.As(err, &status) && slices.Contains([]int{http.StatusForbidden, http.StatusNotFound, http.StatusGone}, status.Code) {
		return l, nil // stores of objects answer 403 for what is not there
	}
	if err != nil {
		return location{}, err
	}
	if l.sha256 = strings.ToLower(checksum.FindString(strings.TrimSpace(text))); l.sha256 == "" {
		return location{}, fmt.Errorf("%s.sha256 has no SHA-256", fetch.Redact(l.address))
	}
	return l, nil
}

// beneath is an address in a folder.
func beneath(folder, name string) string { return strings.TrimSuffix(folder, "/") + "/" + name }

// repomd is the list of a repository's files; its form:
// https://createrepo.baseurl.org/ and createrepo_c's doc.
type repomd struct {
	XMLName xml.Name `xml:"repomd"`
	Data    []struct {
		Type     string `xml:"type,attr"`
		Checksum struct {
			Type string `xml:"type,attr"`
			Text string `xml:",chardata"`
		} `xml:"checksum"`
		Location struct {
			Href string `xml:"href,attr"`
		} `xml:"location"`
	} `xml:"data"`
}

// locateRepo finds the updateinfo of a repository of rpms. The address is the
// repository's, or, as Amazon has it, of a list of mirrors of which the first is asked.
func locateRepo(ctx context.Context, c *fetch.Client, address string) (location, error) {
	base := address
	if strings.HasSuffix(strings.TrimSuffix(address, "/"), "mirror.list") {
		text, err := c.Text(ctx, address, 64<<10)
		if err != nil {
			return location{}, err
		}
		base, _, _ = strings.Cut(strings.TrimSpace(text), "\n")
		if u, err := url.Parse(strings.TrimSpace(base)); err != nil || u.Scheme != "https" && !strings.HasPrefix(address, "http://") || u.Host == "" {
			return location{}, fmt.Errorf("%s has no mirror at https in its first line", fetch.Redact(address))
		}
	}
	base = strings.TrimSpace(base)
	list := beneath(base, "repodata/repomd.xml")
	text, err := c.Text(ctx, list, 1<<20)
	if err != nil {
		return location{}, err
	}
	l, err := updateinfoOf(base, text)
	if err != nil {
		return location{}, fmt.Errorf("%s: %w", fetch.Redact(list), err)
	}
	return l, nil
}

func updateinfoOf(base, text string) (location, error) {
	var r repomd
	in := xml.NewDecoder(strings.NewReader(text))
	if err := in.Decode(&r); err != nil {
		return location{}, fmt.Errorf("it is no list of a repository: %w", err)
	}
	if _, err := in.Token(); err != io.EOF {
		return location{}, errors.New("there is more after the end of the list")
	}
	for _, d := range r.Data {
		if d.Type != "updateinfo" {
			continue
		}
		sum := strings.ToLower(strings.TrimSpace(d.Checksum.Text))
		if d.Checksum.Type != "sha256" || !hexHash.MatchString(sum) {
			return location{}, fmt.Errorf("the updateinfo has a checksum of the type %.20q, not a SHA-256", d.Checksum.Type)
		}
		if u, err := url.Parse(d.Location.Href); err != nil || u.IsAbs() || u.Host != "" || d.Location.Href == "" || strings.Contains(d.Location.Href, "..") {
			return location{}, fmt.Errorf("the updateinfo is said to be at %.80q, which is not within the repository", d.Location.Href)
		}
		return location{beneath(base, strings.TrimPrefix(d.Location.Href, "/")), sum}, nil
	}
	return location{}, errors.New("the repository has no updateinfo")
}
