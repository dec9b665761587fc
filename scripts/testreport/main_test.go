package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestReport(t *testing.T) {
	for name, c := range map[string]struct {
		in   string
		well bool
		want []string
	}{
		"passes": {`{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p","Elapsed":0.1}`, true, []string{"ok   p", "1 passed, 0 failed, 0 skipped"}},
		"fails with its output": {`{"Action":"output","Package":"p","Test":"TestA","Output":"    a_test.go:7: broken\n"}
{"Action":"fail","Package":"p","Test":"TestA"}
{"Action":"fail","Package":"p"}`, false, []string{"a_test.go:7: broken", "0 passed, 1 failed"}},
		"skips are listed": {`{"Action":"output","Package":"p","Test":"TestA","Output":"    a_test.go:7: needs sshd (apt-get install openssh-server)\n"}
{"Action":"skip","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p","Test":"TestB"}`, true, []string{"p TestA: needs sshd", "1 passed, 0 failed, 1 skipped"}},
		"a build that fails": {`{"ImportPath":"p","Action":"build-output","Output":"p.go:1: undefined: x\n"}
{"ImportPath":"p","Action":"build-fail"}
{"Action":"pass","Package":"q","Test":"TestB"}`, false, []string{"undefined: x", "1 failed"}},
		"nothing was run":      {``, false, []string{"0 passed"}},
		"the go command fails": {"go: no such module\n", false, []string{"no such module", "1 failed"}},
	} {
		r := &report{output: map[string][]string{}}
		var out bytes.Buffer
		if err := r.read(strings.NewReader(c.in), &out); err != nil {
			t.Fatal(err)
		}
		if well := r.summary(&out); well != c.well {
			t.Errorf("%s: well is %t\n%s", name, well, out.String())
		}
		for _, want := range c.want {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s: %q is not in\n%s", name, want, out.String())
			}
		}
	}
}
