package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const console = "Booting\r\n=== RUN   TestExecutions\r\n" +
	"--- PASS: TestExecutions (0.50s)\r\n    --- PASS: TestExecutions/direct (0.10s)\r\n    --- SKIP: TestExecutions/core (0.00s)\r\n" +
	"--- PASS: TestWatch (0.50s)\r\n    --- PASS: TestWatch/direct (0.10s)\r\n    --- PASS: TestWatch/core (0.10s)\r\n" +
	"KERNEL TESTED: 6.1.0-9-amd64 <nil>\r\n"

func TestOutcomes(t *testing.T) {
	list := filepath.Join(t.TempDir(), "list.json")
	do := func(console string, more ...string) error {
		return run(append([]string{"-list", list, "-package", "linux-x", "-objects", "aa"}, more...), strings.NewReader(console), new(bytes.Buffer))
	}
	if do("", "-known") == nil {
		t.Error("a kernel is known that was never tested")
	}
	if err := do(console); err != nil {
		t.Error(err)
	}
	all, err := read(list)
	if err != nil || len(all) != 1 || all[0].Kernel != "6.1.0-9-amd64" || len(all[0].Builds) != 1 || all[0].Builds[0] != "direct" {
		t.Errorf("%+v, %v", all, err)
	}
	if err := do("", "-known"); err != nil {
		t.Error(err)
	}
	for _, more := range [][]string{{"-objects", "bb"}, {"-lockdown", "integrity"}} {
		if do("", append(more, "-known")...) == nil {
			t.Errorf("%v is known", more)
		}
	}
	for name, bad := range map[string]string{
		"panic":    "Booting\r\nKernel panic\r\n",
		"a test":   strings.Replace(console, "PASS: TestWatch/direct", "FAIL: TestWatch/direct", 1),
		"the exit": strings.Replace(console, "<nil>", "exit status 2", 1),
		"nothing":  "KERNEL TESTED: 6.1 <nil>\r\n",
	} {
		if do(bad) == nil {
			t.Errorf("%s passed", name)
		}
		if name != "panic" && name != "nothing" && do("", "-known") == nil {
			t.Errorf("%s: what failed is not tried again", name)
		}
	}
	if err := os.WriteFile(list, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if do(console) == nil {
		t.Error("a list that is damaged was overwritten")
	}
}
