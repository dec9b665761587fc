//go:build linux

package bpf_test

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"assay/internal/sensor/protocols/firstbytes"
)

// beginning draws a stream that begins as a sign does, or nearly.
func beginning(t *rapid.T, table *firstbytes.Table) []byte {
	var signs []int
	for i := range firstbytes.Signs {
		if table.All&(1<<i) != 0 {
			signs = append(signs, i)
		}
	}
	bit := uint64(1) << rapid.SampledFrom(signs).Draw(t, "sign")
	var stream []byte
	for at := range firstbytes.Window {
		var may []byte
		for b := range 256 {
			if table.Allowed[at][b]&bit != 0 {
				may = append(may, byte(b))
			}
		}
		stream = append(stream, rapid.SampledFrom(may).Draw(t, "byte"))
		if table.Ends[at]&bit != 0 {
			break
		}
	}
	stream = append(stream, rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(t, "more")...)
	if rapid.IntRange(0, 3).Draw(t, "spoil") == 0 {
		stream[rapid.IntRange(0, len(stream)-1).Draw(t, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
	}
	return stream[:rapid.IntRange(1, len(stream)).Draw(t, "length")]
}

// The program in the kernel tells what package firstbytes does, of whatever streams in
// whatever pieces.
func TestMatch(t *testing.T) {
	p := load(t, 0)
	table := firstbytes.Of(firstbytes.Client)
	rapid.Check(t, func(r *rapid.T) {
		stream := beginning(r, table)
		want, _ := table.Match(stream)
		listener, port := listen(t, "127.0.0.1:0") // which keeps its port until the test ends
		pair := connect(t, listener)
		defer pair.close()
		for rest := stream; len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(r, "piece")
			pair.say(t, talk{"c: " + string(rest[:n])})
			rest = rest[n:]
		}
		pair.say(t, talk{"s: " + string(make([]byte, firstbytes.Window))}) // which no server's does
		got := firstbytes.Silent
		for s, err := range p.Spoken() {
			if err != nil {
				t.Fatal(err)
			}
			if s.Port == port && s.Role == firstbytes.Client {
				got = s.Client
			}
		}
		if got != want {
			r.Errorf("%q is %d in the kernel, and %d", stream, got, want)
		}
	})
}

// What is kept with a socket while it is not known what is spoken has none of the bytes.
func TestKeepsNoBytes(t *testing.T) {
	p := load(t, 0)
	listener, _ := listen(t, "127.0.0.1:0")
	pair := connect(t, listener)
	pair.say(t, talk{"c: PROPFIN"}) // which begins as a sign, and needs more
	raw, err := pair.client.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	err = raw.Control(func(fd uintptr) {
		kept, err := p.Kept(int(fd))
		if err != nil {
			t.Error(err)
		}
		for i := range len("PROPFIN") - 2 {
			if bytes.Contains(kept, []byte("PROPFIN")[i:i+3]) {
				t.Errorf("%q", kept)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}
