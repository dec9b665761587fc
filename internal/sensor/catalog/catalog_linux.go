package catalog

import (
	"slices"

	"assay/internal/sensor"
	"assay/internal/sensor/accounts"
	"assay/internal/sensor/activity"
	"assay/internal/sensor/config"
	"assay/internal/sensor/containers"
	"assay/internal/sensor/files"
	"assay/internal/sensor/kernel"
	"assay/internal/sensor/libraries"
	"assay/internal/sensor/looks"
	"assay/internal/sensor/mounts"
	"assay/internal/sensor/network"
	"assay/internal/sensor/packages"
	"assay/internal/sensor/processes"
	"assay/internal/sensor/programs"
	"assay/internal/sensor/protocols"
	"assay/internal/sensor/sockets"
	"assay/internal/sensor/system"
	"assay/internal/sensor/walk"
	"assay/internal/telemetry"
)

func sensors() []sensor.Sensor {
	turn := looks.NewTurn()
	return []sensor.Sensor{
		system.New(),
		kernel.New(),
		mounts.New(),
		accounts.New(),
		network.New(),
		looks.New(sockets.New(), turn),
		config.New(),
		packages.New(),
		looks.New(processes.New(), turn),
		looks.New(programs.New(), turn),
		containers.New(),
		files.New(),
		libraries.New(),
		walk.New(),
		activity.New(),
		protocols.New(),
	}
}

func observeWith(list []sensor.Sensor, ways string) ([]sensor.Sensor, error) {
	tiers, err := activity.ParseTiers(ways)
	if err != nil {
		return nil, err
	}
	list = slices.Clone(list)
	for i, s := range list {
		if s.Describe().Name == telemetry.SensorActivity {
			list[i] = activity.New(tiers...)
		}
	}
	return list, nil
}
