//go:build !linux

package catalog

import "assay/internal/sensor"

func sensors() []sensor.Sensor { return nil }
