package operator

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"assay/internal/inspector"
	"assay/internal/inventory"
)

// GetInventory tells what software a host has.
const GetInventory = "GetInventory"

// InventoryRequest asks for a page of a host's software, by its newest telemetry.
type InventoryRequest struct {
	Agent      string `json:"agentId"`
	MaxResults int    `json:"maxResults,omitempty"` // components; default and most 5,000
	NextToken  string `json:"nextToken,omitempty"`
}

// InventoryResponse is a page. All pages are of the same telemetry; the systems and
// the gaps are in each.
type InventoryResponse struct {
	Agent       string              `json:"agentId"`
	Hostname    string              `json:"hostname"`
	CollectedAt time.Time           `json:"collectedAt,omitzero"`
	Inventory   inventory.Inventory `json:"inventory"`
	NextToken   string              `json:"nextToken,omitempty"`
}

const (
	maxComponents = 5000 // of a page
	// maxInventories bounds those that are made at once: each has a host's telemetry
	// in memory.
	maxInventories = 2
)

func (o operations) inventory(ctx context.Context, in InventoryRequest) (InventoryResponse, error) {
	if in.Agent == "" || !plain(in.Agent) {
		return InventoryResponse{}, invalid("INVALID_AGENT_ID", "%.200q is not the id of an agent", in.Agent)
	}
	if in.MaxResults < 0 || in.MaxResults > maxComponents {
		return InventoryResponse{}, invalid("INVALID_MAX_RESULTS", "a page has 1 to %d entries", maxComponents)
	}
	run, first, err := cutToken(in.NextToken)
	if err != nil {
		return InventoryResponse{}, err
	}
	select {
	case o.inventories <- struct{}{}:
		defer func() { <-o.inventories }()
	case <-ctx.Done():
		return InventoryResponse{}, ctx.Err()
	}
	agents, err := o.Store.Agents(ctx, []string{in.Agent})
	if err != nil {
		return InventoryResponse{}, err
	}
	if _, ok := agents[in.Agent]; !ok {
		return InventoryResponse{}, inspector.Errorf(inspector.NoSuchEntity, "AGENT_DOES_NOT_EXIST", "there is no agent %s", in.Agent)
	}
	made, err := o.Service.Inventory(ctx, in.Agent, run)
	if err != nil {
		return InventoryResponse{}, err
	}
	answer := InventoryResponse{Agent: in.Agent, Hostname: made.Hostname, CollectedAt: made.CollectedAt, Inventory: made.Inventory}
	all := made.Inventory.Components
	first = min(first, len(all))
	end := min(first+size(in.MaxResults), len(all))
	answer.Inventory.Components = append([]inventory.Component{}, all[first:end]...) // null is no list
	answer.Inventory.Gaps = append([]inventory.Gap{}, made.Inventory.Gaps...)
	if end < len(all) {
		answer.NextToken = fmt.Sprintf("%s/%d", made.Run, end)
	}
	return answer, nil
}

func size(asked int) int {
	if asked == 0 {
		return maxComponents
	}
	return asked
}

// cutToken takes a token apart: the run whose telemetry is read, and how many
// components have been told.
func cutToken(token string) (run string, first int, err error) {
	if token == "" {
		return "", 0, nil
	}
	run, number, _ := strings.Cut(token, "/")
	first, err = strconv.Atoi(number)
	if err != nil || first < 1 || run == "" || !plain(run) {
		return "", 0, invalid("INVALID_PAGINATION_TOKEN", "nextToken is not one that this list has given out")
	}
	return run, first, nil
}
