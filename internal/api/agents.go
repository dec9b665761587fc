package api

import (
	"cmp"
	"context"
	"net/netip"
	"slices"

	"assay/internal/api/model"
	"assay/internal/inspector"
)

func (s *Server) previewAgents(ctx context.Context, in *model.PreviewAgentsRequest) (*model.PreviewAgentsResponse, error) {
	page, err := s.page("PreviewAgents", in.PreviewAgentsArn, in.NextToken, in.MaxResults, defaultPage)
	if err != nil {
		return nil, err
	}
	target, err := s.target(ctx, in.PreviewAgentsArn)
	if err != nil {
		return nil, err
	}
	agents, after, err := s.Queries.AgentsOf(ctx, target, page.Page)
	if err != nil {
		return nil, err
	}
	out := &model.PreviewAgentsResponse{AgentPreviews: make([]model.AgentPreview, len(agents)), NextToken: page.token(after)}
	for i, a := range agents {
		out.AgentPreviews[i] = s.wirePreview(a)
	}
	return out, nil
}

func (s *Server) wirePreview(a inspector.Agent) model.AgentPreview {
	health, _ := s.Health(a)
	return model.AgentPreview{
		AgentId: a.ID, AgentHealth: string(health), Hostname: cut(a.Hostname, 256), AgentVersion: cut(a.Version, 128),
		OperatingSystem: cut(a.OS, 256), KernelVersion: cut(a.Kernel, 128), Ipv4Address: firstOf(ipv4(a.Addresses)),
	}
}

func firstOf(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

// ipv4 are the IPv4 addresses among addresses, with or without a prefix length,
// those that other hosts can reach first; at most 50.
func ipv4(addresses []string) []string {
	found := []netip.Addr{}
	for _, text := range addresses {
		addr, err := netip.ParseAddr(text)
		if prefix, perr := netip.ParsePrefix(text); perr == nil {
			addr, err = prefix.Addr(), nil
		}
		if err == nil && addr.Is4() {
			found = append(found, addr)
		}
	}
	slices.SortStableFunc(found, func(a, b netip.Addr) int { return cmp.Compare(local(a), local(b)) })
	out := []string{}
	const most = 50
	for _, addr := range found[:min(len(found), most)] {
		out = append(out, addr.String())
	}
	return out
}

func local(a netip.Addr) int {
	if a.IsLoopback() || a.IsLinkLocalUnicast() {
		return 1
	}
	return 0
}

// cut shortens what a host says of itself to the model's bound in characters.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	runes := []rune(s)
	return string(runes[:min(len(runes), most)])
}

func (s *Server) listRunAgents(ctx context.Context, in *model.ListAssessmentRunAgentsRequest) (*model.ListAssessmentRunAgentsResponse, error) {
	page, err := s.page("ListAssessmentRunAgents", []any{in.AssessmentRunArn, in.Filter}, in.NextToken, in.MaxResults, defaultPage)
	if err != nil {
		return nil, err
	}
	run, err := s.run(ctx, in.AssessmentRunArn)
	if err != nil {
		return nil, err
	}
	var filter inspector.RunAgentFilter
	if f := in.Filter; f != nil {
		filter = inspector.RunAgentFilter{Healths: named[inspector.Health](f.AgentHealths), Codes: named[inspector.HealthCode](f.AgentHealthCodes)}
	}
	agents, after, err := s.Queries.RunAgents(ctx, run.ID, filter, page.Page)
	if err != nil {
		return nil, err
	}
	out := &model.ListAssessmentRunAgentsResponse{AssessmentRunAgents: make([]model.AssessmentRunAgent, len(agents)), NextToken: page.token(after)}
	for i, a := range agents {
		out.AssessmentRunAgents[i] = model.AssessmentRunAgent{
			AgentId: a.Agent, AssessmentRunArn: in.AssessmentRunArn, AgentHealth: string(a.Health), AgentHealthCode: string(a.HealthCode),
			AgentHealthDetails: cut(a.Details, 1000), TelemetryMetadata: wireTelemetry(a.Telemetry),
		}
	}
	return out, nil
}

func (s *Server) getTelemetry(ctx context.Context, in *model.GetTelemetryMetadataRequest) (*model.GetTelemetryMetadataResponse, error) {
	run, err := s.run(ctx, in.AssessmentRunArn)
	if err != nil {
		return nil, err
	}
	counts, err := s.Queries.Telemetry(ctx, run.ID)
	if err != nil {
		return nil, err
	}
	return &model.GetTelemetryMetadataResponse{TelemetryMetadata: wireTelemetry(counts)}, nil
}

// wireTelemetry adds the entry "Total", which clients look for.
func wireTelemetry(counts []inspector.MessageCount) []model.TelemetryMetadata {
	out := []model.TelemetryMetadata{}
	total := inspector.MessageCount{MessageType: "Total"}
	for _, c := range counts {
		out = append(out, model.TelemetryMetadata{MessageType: c.MessageType, Count: c.Count, DataSize: new(c.DataSize)})
		total.Count += c.Count
		total.DataSize += c.DataSize
	}
	return append(out, model.TelemetryMetadata{MessageType: total.MessageType, Count: total.Count, DataSize: new(total.DataSize)})
}
