package operator

import (
	"errors"
	"testing"

	"assay/internal/inspector"
)

func TestInventoryRefuses(t *testing.T) {
	w := newWorld(t)
	w.agent("i-1")
	for _, test := range []struct {
		request string
		kind    inspector.ErrorKind
		code    string
	}{
		{`{}`, inspector.InvalidInput, "INVALID_AGENT_ID"},
		{`{"agentId":"a b"}`, inspector.InvalidInput, "INVALID_AGENT_ID"},
		{`{"agentId":"i-1","maxResults":5001}`, inspector.InvalidInput, "INVALID_MAX_RESULTS"},
		{`{"agentId":"i-1","maxResults":-1}`, inspector.InvalidInput, "INVALID_MAX_RESULTS"},
		{`{"agentId":"i-1","nextToken":"x"}`, inspector.InvalidInput, "INVALID_PAGINATION_TOKEN"},
		{`{"agentId":"i-1","nextToken":"/5"}`, inspector.InvalidInput, "INVALID_PAGINATION_TOKEN"},
		{`{"agentId":"i-1","nextToken":"0-run/-5"}`, inspector.InvalidInput, "INVALID_PAGINATION_TOKEN"},
		{`{"agentId":"i-1","nextToken":"0-none0000/5"}`, inspector.NoSuchEntity, "TELEMETRY_DOES_NOT_EXIST"},
		{`{"agentId":"i-1"}`, inspector.NoSuchEntity, "TELEMETRY_DOES_NOT_EXIST"},
		{`{"agentId":"i-2"}`, inspector.NoSuchEntity, "AGENT_DOES_NOT_EXIST"},
	} {
		_, err := call[InventoryResponse](w, GetInventory, test.request)
		if e := (&inspector.Err{}); !errors.As(err, &e) || e.Kind != test.kind || e.Code != test.code {
			t.Errorf("%s: %v, want %s", test.request, err, test.code)
		}
	}
}
