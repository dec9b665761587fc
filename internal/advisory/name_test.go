package advisory

import "testing"

func TestName(t *testing.T) {
	for _, test := range []struct{ ecosystem, name, want string }{
		{"PyPI", "Zope.Interface", "zope-interface"}, {"PyPI", "a-_.b", "a-b"}, {"PyPI", "--a", "-a"},
		{"PyPI", "requests", "requests"}, {"Packagist", "Symfony/Yaml", "symfony/yaml"},
		{"npm", "JSONStream", "JSONStream"}, {"Debian:12", "a.b", "a.b"},
	} {
		if got := Name(test.ecosystem, test.name); got != test.want {
			t.Errorf("%s %s: %s, want %s", test.ecosystem, test.name, got, test.want)
		}
		if got := Name(test.ecosystem, test.want); got != test.want {
			t.Errorf("%s %s becomes %s", test.ecosystem, test.want, got)
		}
	}
	if n := testing.AllocsPerRun(100, func() { Name("PyPI", "zope-interface"); Scheme("PyPI") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
