package fetch

import (
	"strings"
	"testing"
)

// A proxy that is no address is refused, and told of without its password.
func TestProxies(t *testing.T) {
	for value, good := range map[string]bool{
		"": true, "http://proxy:3128": true, "proxy:3128": true, "proxy": true, "https://me:hunter2@proxy:3128/": true, "socks5://[::1]:1080": true,
		"http://me:hunter2@[bad": false, "http://me:hunter2@:": false, "http://": false, "http://me:hunter2@pro xy": false,
	} {
		for _, name := range []string{"HTTPS_PROXY", "http_proxy"} {
			err := checkProxies(func(asked string) string {
				if asked == name {
					return value
				}
				return ""
			})
			if good != (err == nil) || err != nil && (strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), name)) {
				t.Errorf("%s=%s: %v", name, value, err)
			}
		}
	}
}
