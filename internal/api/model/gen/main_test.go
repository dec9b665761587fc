package main

import (
	"os"
	"testing"
)

func TestGeneratedCodeIsUpToDate(t *testing.T) {
	data, err := os.ReadFile("../service-2.json")
	if err != nil {
		t.Fatal(err)
	}
	for name, write := range map[string]func(*service) string{"types.gen.go": types, "shapes.gen.go": shapes} {
		want, err := generate(data, write)
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile("../" + name)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(want) {
			t.Errorf("%s is not what gen writes: run go generate in internal/api/model", name)
		}
	}
}
