package telemetry

// The names of the sensors, part of the format: an instruction asks for them, and
// the host's look-ups go by them.
const (
	SensorSystem   = "system"   // System, Processor; part "processor"
	SensorPackages = "packages" // Package, PackageDatabase
	SensorConfig   = "config"   // Text
	SensorFiles    = "files"    // File
	SensorWalk     = "walk"     // File, only those with Found: the walk of all local file systems
	SensorAccounts = "accounts" // User, Shadow, Group; parts "passwd", "shadow", "group"
	SensorKernel   = "kernel"   // KernelParameter, KernelModule; parts "parameters", "modules"
	SensorMounts   = "mounts"   // Mount
	// Process, Object. Part "containers", if it is listed: whether the packages of
	// files in containers are known. Of a run that observes also Looks, and the part
	// "looks" about what came and went; of sockets and programs, too.
	SensorProcesses = "processes"
	SensorSockets   = "sockets"   // Socket; part "containers" as of processes
	SensorNetwork   = "network"   // Interface, Route; parts "interfaces", "routes"
	SensorLibraries = "libraries" // Library, those of the host's own files
	// Container, and Package, PackageDatabase and Library with their Container set;
	// parts "packages", "libraries".
	SensorContainers = "containers"
	SensorPrograms   = "programs" // Program, File: executed and mapped files, and the folders above those of root
	// Execution, Connection, Accepting, Load, Observation, and Program of what was executed
	// and may be over; parts "executions", "connections", "listeners", "loads".
	SensorActivity  = "activity"
	SensorProtocols = "protocols" // Spoken; optional, only where a run asks for it
)
