package java

import (
	"bytes"
	"path"
	"strings"
)

// coordinates name an artifact of Maven.
type coordinates struct{ group, artifact, version string }

// isPOM tells what may be Maven's description: META-INF/maven/GROUP/ARTIFACT/pom.properties,
// below WEB-INF/classes as well, or wherever a build has put it.
func isPOM(name string) bool { return path.Base(name) == "pom.properties" }

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
	if parts := strings.Split(name, "/"); len(parts) >= 5 && parts[len(parts)-4] == "maven" {
		if c.group == "" {
			c.group = parts[len(parts)-3]
		}
		if c.artifact == "" {
			c.artifact = parts[len(parts)-2]
		}
	}
	return c
}
