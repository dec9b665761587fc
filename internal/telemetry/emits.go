package telemetry

import "slices"

// emits lists the types of records that each sensor makes, beside its coverage.
var emits = map[string][]Type{
	SensorSystem:     {TypeSystem, TypeProcessor},
	SensorPackages:   {TypePackage, TypePackageDatabase},
	SensorConfig:     {TypeText},
	SensorFiles:      {TypeFile},
	SensorWalk:       {TypeFile},
	SensorAccounts:   {TypeUser, TypeShadow, TypeGroup},
	SensorKernel:     {TypeKernelParameter, TypeKernelModule},
	SensorMounts:     {TypeMount},
	SensorProcesses:  {TypeProcess, TypeObject, TypeLooks},
	SensorSockets:    {TypeSocket, TypeLooks},
	SensorNetwork:    {TypeInterface, TypeRoute},
	SensorLibraries:  {TypeLibrary},
	SensorActivity:   {TypeExecution, TypeConnection, TypeAccepting, TypeLoad, TypeProgram, TypeFile, TypeObservation},
	SensorProtocols:  {TypeSpoken},
	SensorPrograms:   {TypeProgram, TypeFile, TypeLooks},
	SensorContainers: {TypeContainer, TypePackage, TypePackageDatabase, TypeLibrary},
}

// MayEmit tells whether records of a type can come from a sensor. A reader of
// foreign telemetry refuses the others: a "package" record of the config sensor
// would be believed under the coverage of a sensor that never looked for it.
func MayEmit(sensor string, t Type) bool {
	types, known := emits[sensor]
	return known && (t == TypeCoverage || slices.Contains(types, t))
}
