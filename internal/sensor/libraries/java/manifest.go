package java

import (
	"bufio"
	"errors"
	"io"
	"strings"

	"assay/internal/sensor/libraries/ziparchive"
)

// maxManifest bounds the main section; what follows it can have megabytes of
// signatures.
const maxManifest = 64 << 10

// manifest are attributes of the main section, by lower-case name.
type manifest map[string]string

func readManifest(r io.ReaderAt, e ziparchive.Entry) (manifest, error) {
	in, err := ziparchive.Open(r, e)
	if err != nil {
		return nil, err
	}
	return parseManifest(io.LimitReader(in, maxManifest))
}

// parseManifest reads the main section
// (https://docs.oracle.com/en/java/javase/21/docs/specs/jar/jar.html#jar-manifest):
// a line that begins with a space continues the one before.
func parseManifest(r io.Reader) (manifest, error) {
	m, key := manifest{}, ""
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, ziparchive.ErrFormat
		}
		text := strings.TrimRight(line, "\r\n")
		switch name, value, ok := strings.Cut(text, ":"); {
		case text == "":
			return m, nil
		case text[0] == ' ':
			m[key] += text[1:]
		case ok:
			key = strings.ToLower(name)
			m[key] = strings.TrimPrefix(value, " ")
		}
		if err != nil {
			return m, nil
		}
	}
}
