package notify

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"assay/internal/testenv"
)

// TestVerifyingAsDocumented runs the code that docs/events.md gives to users on a
// delivery, on a forged one, and on one that is old.
func TestVerifyingAsDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/events.md")
	if err != nil {
		t.Fatal(err)
	}
	const harnessPython = `
import json, sys
for line in sys.stdin:
    d = json.loads(line)
    print("yes" if verify(sys.argv[1], d["headers"], d["body"].encode()) else "no")
`
	const harnessJS = `
for (const line of require("node:fs").readFileSync(0, "utf8").trim().split("\n")) {
  const d = JSON.parse(line);
  console.log(verify(process.argv[2], d.headers, Buffer.from(d.body)) ? "yes" : "no");
}
`
	const headGo = "package main\nimport (\n\"bufio\"\n\"crypto/hmac\"\n\"crypto/sha256\"\n\"encoding/base64\"\n\"encoding/json\"\n\"fmt\"\n\"net/http\"\n\"os\"\n\"strconv\"\n\"strings\"\n\"time\"\n)\n"
	const harnessGo = `
func main() {
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		var d struct { Headers map[string]string; Body string }
		if err := json.Unmarshal(in.Bytes(), &d); err != nil { panic(err) }
		h := http.Header{}
		for k, v := range d.Headers { h.Set(k, v) }
		fmt.Println(map[bool]string{true: "yes", false: "no"}[verify(os.Args[1], h, []byte(d.Body))])
	}
}
`
	var in strings.Builder
	for _, d := range []struct {
		at   time.Time
		body string
	}{{time.Now(), `{"a":"ü"}`}, {time.Now(), `{"a":"u"}`}, {time.Now().Add(-time.Hour), `{"a":"ü"}`}} {
		h := http.Header{}
		sign(h, [][]byte{[]byte("another secret"), secret}, "id", d.at, []byte(`{"a":"ü"}`))
		headers := map[string]string{}
		for name := range h {
			headers[strings.ToLower(name)] = h.Get(name)
		}
		fmt.Fprintf(&in, "%s\n", mustJSON(t, map[string]any{"headers": headers, "body": d.body}))
	}
	dir, text := t.TempDir(), "whsec_"+base64.StdEncoding.EncodeToString(secret)
	for _, test := range []struct{ language, file, before, after, program, pkg string }{
		{"python", "v.py", "", harnessPython, "python3", "python3"},
		{"js", "v.js", "", harnessJS, "node", "nodejs"},
		{"go", "v.go", headGo, harnessGo, "go", "golang"},
	} {
		t.Run(test.language, func(t *testing.T) {
			program := testenv.Need(t, test.program, test.pkg)
			block := regexp.MustCompile("(?s)```" + test.language + "\n(.*?)```").FindSubmatch(page)
			if block == nil {
				t.Fatal("the page has no such code")
			}
			file := filepath.Join(dir, test.file)
			if err := os.WriteFile(file, []byte(test.before+string(block[1])+test.after), 0o600); err != nil {
				t.Fatal(err)
			}
			args := []string{file, text}
			if test.language == "go" {
				args = append([]string{"run"}, args...)
			}
			cmd := exec.Command(program, args...)
			cmd.Dir, cmd.Stdin = dir, strings.NewReader(in.String())
			out, err := cmd.CombinedOutput()
			if err != nil || strings.Join(strings.Fields(string(out)), " ") != "yes no no" {
				t.Errorf("it says %s, %v; want yes to what is signed, no to what is forged or old", out, err)
			}
		})
	}
}
