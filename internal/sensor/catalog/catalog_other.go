//go:build !linux

package catalog

import (
	"errors"

	"assay/internal/sensor"
)

func sensors() []sensor.Sensor { return nil }

func observeWith([]sensor.Sensor, string) ([]sensor.Sensor, error) {
	return nil, errors.New("this version does not observe this operating system")
}
