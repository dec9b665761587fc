package telemetry

// MessageType is the name that Inspector's GetTelemetryMetadata gives to a kind
// of record. Names are those of AWS where AWS had one for the same thing (the
// published example of GetTelemetryMetadata, model 2016-02-16).
func MessageType(r Record) string {
	switch r := r.(type) {
	case *System:
		return "InspectorOperatingSystem"
	case *Processor:
		return "InspectorProcessor"
	case *Package, *PackageDatabase, *Library:
		return "InspectorPackageInfo"
	case *Text, *KernelParameter:
		return "InspectorConfigurationInfo"
	case *File:
		return "InspectorDirectoryInfoMsg"
	case *User, *Shadow:
		return "InspectorUser"
	case *Group:
		return "InspectorGroup"
	case *KernelModule:
		return "InspectorKernelModule"
	case *Mount:
		return "InspectorMount"
	case *Process, *Execution:
		return "InspectorCreateProcess"
	case *Object, *Program:
		return "InspectorCodeModule"
	case *Socket:
		return socketMessage(r)
	case *Interface:
		return "InspectorNetworkInterface"
	case *Route:
		return "InspectorRoute"
	case *Connection:
		return "InspectorTcpConnection"
	case *Accepting:
		return "InspectorTcpListeningPortActivity"
	case *Observation, *Looks:
		return "InspectorObservation"
	case *Container:
		return "InspectorContainer"
	case *Coverage:
		return "InspectorCoverage"
	}
	return "InspectorOther"
}

// TotalMessage is the message type under which GetTelemetryMetadata sums up the
// others.
const TotalMessage = "Total"

func socketMessage(s *Socket) string {
	name := "InspectorUdp"
	if s.Protocol == "tcp" {
		name = "InspectorTcp"
	}
	if s.Family == 6 {
		name += "V6"
	} else {
		name += "V4"
	}
	if s.Listening() {
		return name + "ListeningPort"
	}
	return name + "Connection"
}
