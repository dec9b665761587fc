package catalog

import (
	"assay/internal/sensor"
	"assay/internal/sensor/accounts"
	"assay/internal/sensor/activity"
	"assay/internal/sensor/config"
	"assay/internal/sensor/containers"
	"assay/internal/sensor/files"
	"assay/internal/sensor/kernel"
	"assay/internal/sensor/libraries"
	"assay/internal/sensor/mounts"
	"assay/internal/sensor/network"
	"assay/internal/sensor/packages"
	"assay/internal/sensor/processes"
	"assay/internal/sensor/programs"
	"assay/internal/sensor/protocols"
	"assay/internal/sensor/sockets"
	"assay/internal/sensor/system"
	"assay/internal/sensor/walk"
)

func sensors() []sensor.Sensor {
	return []sensor.Sensor{
		system.New(),
		kernel.New(),
		mounts.New(),
		accounts.New(),
		network.New(),
		sockets.New(),
		config.New(),
		packages.New(),
		processes.New(),
		programs.New(),
		containers.New(),
		files.New(),
		libraries.New(),
		walk.New(),
		activity.New(),
		protocols.New(),
	}
}
