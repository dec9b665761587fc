package elf_test

import (
	"bytes"
	debugelf "debug/elf"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"assay/internal/sensor/elf"
	"assay/internal/testenv"
)

func read(t *testing.T, name string) (elf.Properties, error) {
	t.Helper()
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	return elf.Read(file, info.Size())
}

// compile makes a program of a few lines of C.
func compile(t *testing.T, flags ...string) string {
	t.Helper()
	gcc := testenv.Need(t, "gcc", "gcc")
	dir := t.TempDir()
	source := filepath.Join(dir, "main.c")
	const program = "int main(int n, char **v) { volatile char b[64]; for (int i = 0; v[n - 1][i] && i < 63; i++) b[i] = v[n - 1][i]; return b[0]; }\n"
	if err := os.WriteFile(source, []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "main")
	if text, err := exec.Command(gcc, append([]string{"-w", "-o", out, source}, flags...)...).CombinedOutput(); err != nil {
		t.Fatalf("gcc %v: %v\n%s", flags, err, text)
	}
	return out
}

func TestWhatCompilersMake(t *testing.T) {
	for _, c := range []struct {
		flags string
		want  func(elf.Properties) bool
	}{
		{"-fPIE -pie -Wl,-z,relro,-z,now -fstack-protector-all", func(p elf.Properties) bool {
			return p.Kind == elf.PIE && p.RELRO == elf.FullRELRO && p.Stack == elf.StackProtected && p.Guarded && p.Symbols && !p.Static && !p.Go
		}},
		{"-no-pie -Wl,-z,norelro -fno-stack-protector", func(p elf.Properties) bool {
			return p.Kind == elf.Executable && p.RELRO == elf.NoRELRO && !p.Guarded && p.Symbols
		}},
		{"-Wl,-z,relro,-z,lazy -z execstack", func(p elf.Properties) bool {
			return p.RELRO == elf.PartialRELRO && p.Stack == elf.StackExecutable
		}},
		{"-fPIC -shared -Wl,-z,now", func(p elf.Properties) bool { return p.Kind == elf.Shared }},
		{"-static -fstack-protector-all", func(p elf.Properties) bool { return p.Static && p.Kind == elf.Executable && p.Guarded }},
		{"-static -s -fstack-protector-all", func(p elf.Properties) bool { return p.Static && !p.Guarded && !p.Symbols }},
		{"-static-pie", func(p elf.Properties) bool { return p.Kind == elf.PIE }},
		{"-c", func(p elf.Properties) bool { return p.Kind == elf.Other }},
		{"-nostdlib -static -Wl,-N,-e,main -fno-stack-protector", func(p elf.Properties) bool { return p.Writable }},
	} {
		p, err := read(t, compile(t, strings.Fields(c.flags)...))
		if err != nil || !c.want(p) {
			t.Errorf("gcc %s: %+v, %v", c.flags, p, err)
		}
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if p, err := read(t, self); err != nil || !p.Go {
		t.Errorf("a program of Go's: %+v, %v", p, err)
	}
}

// Every program and library of this machine is what readelf says that it is.
func TestAgainstReadelf(t *testing.T) {
	readelf := testenv.Need(t, "readelf", "binutils")
	names := files(t, "/usr/bin", "/usr/sbin", "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu")
	step := max(1, len(names)/150)
	compared := 0
	for i := 0; i < len(names); i += step {
		out, err := exec.Command(readelf, "-hldW", names[i]).Output()
		p, ours := read(t, names[i])
		if err != nil || ours != nil {
			t.Errorf("%s: readelf: %v; ours: %v", names[i], err, ours)
			continue
		}
		text := string(out)
		relro := elf.NoRELRO
		if strings.Contains(text, "GNU_RELRO") {
			relro = elf.PartialRELRO
			if regexp.MustCompile(`\(BIND_NOW\)|BIND_NOW|Flags:.*NOW`).MatchString(text) {
				relro = elf.FullRELRO
			}
		}
		stack := elf.StackMissing
		if m := regexp.MustCompile(`GNU_STACK.* (R[W ][E ]) `).FindStringSubmatch(text); m != nil {
			stack = elf.StackProtected
			if strings.Contains(m[1], "E") {
				stack = elf.StackExecutable
			}
		}
		if p.RELRO != relro || p.Stack != stack || (p.Kind == elf.PIE) != strings.Contains(text, "Type:                              DYN (Position-Independent Executable file)") {
			t.Errorf("%s: %+v, and readelf says %s %s", names[i], p, relro, stack)
		}
		compared++
	}
	if compared < 50 {
		t.Fatalf("only %d files were compared", compared)
	}
}

// The references to the guard are those that debug/elf finds among the symbols.
func TestGuards(t *testing.T) {
	compared, guarded := 0, 0
	for _, name := range files(t, "/usr/bin", "/usr/sbin") {
		f, err := debugelf.Open(name)
		if err != nil {
			continue
		}
		symbols, err := f.ImportedSymbols()
		f.Close()
		p, ours := read(t, name)
		if err != nil || ours != nil || p.Static {
			continue
		}
		want := slices.ContainsFunc(symbols, func(s debugelf.ImportedSymbol) bool { return strings.HasPrefix(s.Name, "__stack_chk_") })
		if p.Guarded != want {
			t.Errorf("%s: guarded %v, debug/elf says %v", name, p.Guarded, want)
		}
		compared++
		if want {
			guarded++
		}
	}
	if compared < 50 || guarded == 0 {
		t.Fatalf("%d files were compared, %d of them guarded", compared, guarded)
	}
}

// files are the ELF files in folders.
func files(t *testing.T, folders ...string) []string {
	t.Helper()
	var names []string
	for _, folder := range folders {
		entries, err := os.ReadDir(folder)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			name := filepath.Join(folder, e.Name())
			if e.Type().IsRegular() && magic(name) {
				names = append(names, name)
			}
		}
	}
	return names
}

func magic(name string) bool {
	f, err := os.Open(name)
	if err != nil {
		return false
	}
	defer f.Close()
	var head [4]byte
	_, err = io.ReadFull(f, head[:])
	return err == nil && string(head[:]) == "\x7fELF"
}

func TestNotELF(t *testing.T) {
	for _, text := range []string{"", "#!/bin/sh\n", "\x7fELF", "MZ" + strings.Repeat("\x00", 100)} {
		if _, err := elf.Read(strings.NewReader(text), int64(len(text))); !errors.Is(err, elf.ErrNotELF) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// A file that is cut off anywhere is told, or is what its headers say; never more.
func FuzzRead(f *testing.F) {
	self, err := os.ReadFile("/bin/true")
	if err != nil {
		f.Skip("there is no /bin/true")
	}
	f.Add(self[:4096])
	f.Add(self)
	for _, at := range []int{4, 5, 16, 32, 40, 54, 56, 58, 60, 62, 0x60, 0x68} {
		changed := bytes.Clone(self)
		changed[at] ^= 0xff
		f.Add(changed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := elf.Read(bytes.NewReader(data), int64(len(data)))
		if err == nil && (p.Kind == "" || p.Bits != 32 && p.Bits != 64) {
			t.Errorf("%+v", p)
		}
	})
}
