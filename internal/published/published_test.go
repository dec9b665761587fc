package published

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"assay/support"
)

func get(t *testing.T, method, path string, header ...string) *http.Response {
	t.Helper()
	h, err := Handler()
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(method, path, nil)
	if len(header) == 2 {
		r.Header.Set(header[0], header[1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r *http.Response) []byte {
	t.Helper()
	data, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestPublished(t *testing.T) {
	list := get(t, "GET", KernelVersions)
	parsed, err := support.Parse(body(t, list))
	if err != nil || len(parsed.Kernels) == 0 || list.StatusCode != 200 || list.Header.Get("Content-Type") != "application/json" || list.Header.Get("Cache-Control") == "" {
		t.Errorf("%v, %v, %+v", list, err, parsed)
	}
	tag := list.Header.Get("ETag")
	if r := get(t, "GET", KernelVersions, "If-None-Match", tag); r.StatusCode != http.StatusNotModified || len(body(t, r)) != 0 {
		t.Errorf("who has it gets %d", r.StatusCode)
	}
	if r := get(t, "GET", KernelPrograms, "If-None-Match", tag); r.StatusCode != 200 {
		t.Errorf("who has another gets %d", r.StatusCode)
	}
	source := body(t, get(t, "GET", KernelPrograms))
	sum := sha256.Sum256(source)
	if told := string(body(t, get(t, "GET", Sum))); told != hex.EncodeToString(sum[:])+"  kernel-programs.tar.gz\n" {
		t.Errorf("its sum is told as %q", told)
	}
	if r := get(t, "HEAD", KernelPrograms); r.StatusCode != 200 || r.ContentLength != int64(len(source)) || len(body(t, r)) != 0 {
		t.Errorf("HEAD: %d, %d bytes", r.StatusCode, r.ContentLength)
	}
	for _, request := range [][2]string{{"POST", KernelPrograms}, {"PUT", KernelVersions}, {"GET", "/support/"}, {"GET", "/support/../go.mod"}, {"GET", KernelPrograms + "/x"}} {
		if r := get(t, request[0], request[1]); r.StatusCode == 200 {
			t.Errorf("%s %s is answered", request[0], request[1])
		}
	}
}

// The archive has every file that the programs are built from, as it is in this
// repository, with the licence; and is the same each time.
func TestArchive(t *testing.T) {
	first, err := Archive()
	if err != nil {
		t.Fatal(err)
	}
	again, err := Archive()
	if err != nil || !bytes.Equal(first, again) {
		t.Errorf("it is another each time: %v", err)
	}
	if len(first) > 256<<10 {
		t.Errorf("it has %d bytes", len(first))
	}
	packed := unpack(t, first)
	wanted := 0
	for _, pattern := range []string{"internal/sensor/*/bpf/c/*", "internal/sensor/*/bpf/build.sh", "LICENSES/GPL-2.0-only.txt"} {
		names, err := filepath.Glob("../../" + pattern)
		if err != nil || len(names) == 0 {
			t.Fatalf("%s: %v, %v", pattern, names, err)
		}
		for _, name := range names {
			wanted++
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if got := packed["assay-kernel-programs/"+strings.TrimPrefix(name, "../../")]; got != string(data) {
				t.Errorf("%s is not in the archive as it is", name)
			}
			if c := strings.HasSuffix(name, ".c") || strings.HasSuffix(name, ".h"); c && !strings.Contains(string(data), "SPDX-License-Identifier: GPL-2.0") {
				t.Errorf("%s does not name its licence", name)
			}
		}
	}
	if len(packed) != wanted {
		t.Errorf("the archive has %d files, want %d", len(packed), wanted)
	}
	if !strings.Contains(packed["assay-kernel-programs/LICENSES/GPL-2.0-only.txt"], "GNU GENERAL PUBLIC LICENSE") {
		t.Error("the licence is another")
	}
}

func unpack(t *testing.T, data []byte) map[string]string {
	t.Helper()
	zip, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for archive := tar.NewReader(zip); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(archive)
		if err != nil || !h.ModTime.IsZero() && h.ModTime.Unix() != 0 || h.Uname != "" {
			t.Errorf("%+v, %v", h, err)
		}
		files[h.Name] = string(content)
	}
}
