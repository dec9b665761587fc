package java

import (
	"bytes"
	"strings"
)

// coordinates name an artifact of Maven.
type coordinates struct{ group, artifact, version string }

func isPOM(name string) bool {
	return strings.HasSuffix(name, "/pom.properties") && strings.HasPrefix(name, "META-INF/maven/")
}

// parsePOM reads the properties that Maven's archiver writes. Group and artifact
// are in the path as well.
func parsePOM(data []byte, name string) coordinates {
	var c coordinates
	for _, line := range bytes.Split(data, []byte("\n")) {
		key, value, ok := strings.Cut(strings.TrimSpace(string(line)), "=")
		if !ok || strings.HasPrefix(key, "#") {
			continue
		}
		switch value = strings.TrimSpace(value); strings.TrimSpace(key) {
		case "groupId":
			c.group = value
		case "artifactId":
			c.artifact = value
		case "version":
			c.version = value
		}
	}
	if parts := strings.Split(name, "/"); len(parts) == 5 {
		if c.group == "" {
			c.group = parts[2]
		}
		if c.artifact == "" {
			c.artifact = parts[3]
		}
	}
	return c
}
