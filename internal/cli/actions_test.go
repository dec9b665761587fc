package cli

import (
	"testing"

	"assay/internal/service"
)

func TestDoorsOfTheServiceAgain(t *testing.T) {
	for name, test := range map[string]struct {
		api, gateway string // as asked for
		now          service.Client
		want         string
	}{
		"usual":    {usualAPI, usualGateway, service.Client{Endpoint: "https://localhost:8443", Gateway: "https://localhost:8444"}, ""},
		"any port": {usualAPI, "127.0.0.1:0", service.Client{Endpoint: "https://localhost:8443", Gateway: "https://localhost:40001"}, " -gateway 127.0.0.1:40001"},
		"everywhere": {"0.0.0.0:8443", "0.0.0.0:9444", service.Client{Endpoint: "https://assay.example:8443", Gateway: "https://assay.example:9444"},
			" -api 0.0.0.0:8443 -gateway 0.0.0.0:9444"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := doors(service.Config{API: test.api, Gateway: test.gateway}, test.now); got != test.want {
				t.Errorf("doors are %q, want %q", got, test.want)
			}
		})
	}
}
