package inspector

// again is the recommendation for an error of the service's own.
const again = "Assess again. If that fails too, look into the service's log."

// causes words every kind of exclusion. The titles of Inspector Classic's kinds are
// its own, since programs look for them; what is said under them is of Assay.
//
// Source of the titles: Amazon Inspector Classic User Guide (2020), "Exclusions",
// table "Exclusion types".
var causes = []Cause{
	{
		Kind: NoHosts, Error: true,
		Title:          "No instances in target",
		Description:    "No host belonged to the assessment target %s, so nothing could be checked.",
		Recommendation: "Compare the tags of the target's resource group with those of the agents, and enrol an agent on each host that is to be assessed.",
	},
	{
		Kind: AgentBusy, Error: true,
		Title:          "Agent is already running",
		Description:    "The host %s is in another assessment run that is in progress. No run over it can be started before that one is over.",
		Recommendation: "Wait until the other run has completed, or stop it.",
	},
	{
		Kind: AgentNotFound, Error: true,
		Title:          "Agent not found",
		Description:    "The host %s was enrolled, but its agent has never been heard of. The host was not checked.",
		Recommendation: "Start the agent on the host (systemctl start assay-agent), and see with `assay-agent status` whether it reaches the service. If the host is gone, remove its agent.",
	},
	{
		Kind: AgentUnhealthy, Error: true,
		Title:          "Agent is unhealthy",
		Description:    "The agent of the host %s was not heard of. What it had not sent by then was not checked.",
		Recommendation: "See with `assay-agent status` on the host whether the agent runs and reaches the service, then assess again. If the host is gone, remove its agent.",
	},
	{
		Kind: SystemUnsupported, Error: true,
		Title:          "Unsupported OS version",
		Description:    "None of the template's rules packages has rules for the operating system of the host %s. The host was not checked.",
		Recommendation: "Leave the host out of the target, or assess it with rules packages for its operating system.",
	},
	{
		Kind: PackageDeprecated, Error: true,
		Title:          "Deprecated rules package",
		Description:    "The rules package %s was retired, and this service does not evaluate it. None of its rules was checked.",
		Recommendation: "Make a template without this rules package, and use that one from now on.",
	},
	{
		Kind:           PackageUnsupported,
		Title:          "Rules package not supported by OS",
		Description:    "The rules package %s has no rules for the operating system of the host.",
		Recommendation: "Assess hosts with this operating system with other rules packages.",
	},
	{
		Kind: PackageUnavailable, Error: true,
		Title:          "Rules package not available",
		Description:    "The rules package %s is not part of this service. None of its rules was checked.",
		Recommendation: "Use a template with rules packages that ListRulesPackages names, or update the service.",
	},
	{
		Kind: AgentTooLate, Error: true,
		Title:          "Collection not finished in time",
		Description:    "The agent of the host %s had not sent all of its telemetry when the collection ended. What is missing was not checked.",
		Recommendation: "Give the template a longer duration, or see with `assay-agent status` on the host what keeps the agent.",
	},
	{
		Kind: AgentRefused, Error: true,
		Title:          "Instruction refused by the agent",
		Description:    "The agent of the host %s refused to collect for the run. The host was not checked.",
		Recommendation: "Update the agent: one that does not know a sensor refuses the whole instruction.",
	},
	{
		Kind: CollectionError, Error: true,
		Title:          "Collection failed",
		Description:    "The agent of the host %s could not collect its telemetry. What is missing was not checked.",
		Recommendation: "Look into the agent's log on the host for what went wrong, then assess again.",
	},
	{
		Kind: NoTelemetry, Error: true,
		Title:          "No stored telemetry",
		Description:    "There is no stored telemetry of the host %s by which it could be judged without asking it. The host was not checked.",
		Recommendation: "Assess the host again (assay assess); from then on re-matches check it. If its agent is too old for a sensor, update the agent first.",
	},
	{
		Kind:           RulesNotEvaluated,
		Title:          "Rules not evaluated on one host",
		Description:    "Not all rules gave a verdict on the host %s.",
		Recommendation: "Assess the host again once its agent is healthy and can read what the rules need.",
	},
	{
		Kind: HostEvaluationError, Error: true,
		Title:          "Rules evaluation error for single instance",
		Description:    "The telemetry of the host %s could not be evaluated, so nothing is known about it from this run.",
		Recommendation: again,
	},
	{
		Kind: EvaluationError, Error: true,
		Title:          "Rules evaluation error",
		Description:    "Rules of the rules package %s could not be evaluated on any host of the run.",
		Recommendation: again,
	},
	reachability(ReachabilityInternet, "internet", "from the internet"),
	reachability(ReachabilityALB, "internet through an Application Load Balancer", "from the internet through an application load balancer"),
	reachability(ReachabilityELB, "internet through an Elastic Load Balancing load balancer", "from the internet through a classic load balancer"),
	reachability(ReachabilityVPN, "VPN", "through a VPN"),
	reachability(ReachabilityDirectConnect, "AWS Direct Connect", "through AWS Direct Connect"),
	reachability(ReachabilityPeeredVPC, "VPC peering", "from a peered VPC"),
}

// reachability is the kind for one of the ways to a host that Network Reachability
// looks at.
func reachability(kind ExclusionKind, way, from string) Cause {
	return Cause{
		Kind: kind, Error: true, ByRules: true,
		Title:          "Network Reachability error – " + way,
		Description:    "It could not be told which ports can be reached " + from + ". The other ways to a host are evaluated all the same.",
		Recommendation: "See that the network's description is complete and can be read, then assess again. If that fails too, look into the service's log.",
	}
}
