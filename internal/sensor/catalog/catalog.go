// Package catalog is the explicit list of the sensors that the agent has. A
// sensor that is not listed here cannot be switched on by anybody.
package catalog

import "assay/internal/sensor"

// Sensors returns all sensors of this operating system, in the order in which
// they are collected by default: the cheap ones first. Where there are none yet,
// the list is empty.
func Sensors() []sensor.Sensor { return sensors() }

// ObserveWith is the list with the sensor of activity observing by the first that can be
// had of these ways: "ebpf", "fanotify", "connector", "poll", separated by commas. Empty:
// any of them, the best first, as it is in the list of Sensors.
func ObserveWith(list []sensor.Sensor, ways string) ([]sensor.Sensor, error) {
	if ways == "" {
		return list, nil
	}
	return observeWith(list, ways)
}
