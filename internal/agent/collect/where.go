package collect

import (
	"bufio"
	"bytes"
	"strings"
)

// where finds the place of a panic in a stack: the first line of our own code
// below the panic, as file:line.
func where(stack []byte) string {
	lines := bufio.NewScanner(bytes.NewReader(stack))
	panicked := false
	for lines.Scan() {
		line := lines.Text()
		if strings.HasPrefix(line, "panic(") {
			panicked = true
			continue
		}
		file, ok := strings.CutPrefix(line, "\t")
		if !panicked || !ok || strings.Contains(file, "/runtime/") {
			continue
		}
		file, _, _ = strings.Cut(file, " +0x")
		if i := strings.LastIndex(file, "/internal/"); i >= 0 {
			file = file[i+1:]
		}
		return file
	}
	return "at a place that is not known"
}
