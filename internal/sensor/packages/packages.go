// Package packages is the sensor of the same name: what the host's package
// managers have installed, out of the databases of dpkg (status, status.d,
// updates), rpm (sqlite, ndb and Berkeley DB, in any of the folders it has had),
// apk and pacman, read as files by the parsers below this package. No package
// manager is run, no database engine is linked, and nothing beside a database is
// created, touched or locked.
//
// Every database that is found gives a telemetry.PackageDatabase record, after
// its packages; one that could not be read, or not wholly, has a Problem, and the
// coverage is partial, denied or failed: a damaged database never looks like a
// host without packages. A manager without a database has the part
// "not_collected"; if no manager has one, the whole is that. A database that
// changes while it is read is read again.
//
// Owners tells which package a file belongs to.
package packages

import (
	"context"
	"strings"

	"assay/internal/sensor"
	"assay/internal/sensor/hostfs"
	"assay/internal/sensor/packages/rpm"
	"assay/internal/telemetry"
)

// Sensor implements sensor.Sensor. Its zero value is ready.
type Sensor struct{}

// New returns the sensor.
func New() Sensor { return Sensor{} }

// Describe implements sensor.Sensor.
func (Sensor) Describe() sensor.Description {
	return sensor.Description{
		Name:    telemetry.SensorPackages,
		Summary: "The packages that dpkg, rpm, apk and pacman have installed, with version, architecture, source and status.",
		Reads:   reads(),
		Never:   []string{"descriptions, dependencies, scripts, configuration and checksums of packages; the lists of files leave the host only as the owner of an executed or mapped file"},
	}
}

func reads() []string {
	patterns := []string{
		dpkgStatus, dpkgStatusFolder + "/*", dpkgUpdates + "/*", dpkgInfo + "/*.list", dpkgDiversions,
		pacmanLocal + "/*/desc", pacmanLocal + "/*/files",
	}
	patterns = append(patterns, apkFiles()...)
	for _, folder := range rpmFolders() {
		for _, format := range rpm.Formats() {
			patterns = append(patterns, folder+"/"+format.File)
			if format.Log != "" {
				patterns = append(patterns, folder+"/"+format.Log, folder+"/"+format.File+"-journal")
			}
		}
	}
	return patterns
}

// manager is a package manager: its name, which is that of its part of the
// coverage, and how its databases are found and read.
type manager struct {
	name    string
	where   string // for people
	collect func(*collection) error
}

func managers() []manager {
	return []manager{
		{"dpkg", "/var/lib/dpkg", collectDpkg},
		{"rpm", strings.Join(rpmFolders(), ", "), collectRPM},
		{"apk", strings.Join(apkFiles(), ", "), collectApk},
		{"pacman", pacmanLocal, collectPacman},
	}
}

// Collect implements sensor.Sensor.
func (Sensor) Collect(ctx context.Context, host *sensor.Host, emit sensor.Emit) (telemetry.Coverage, error) {
	c, _, err := Read(ctx, host.FS, host.Only, emit)
	return c, err
}

// Read reads the databases of a root file system, the host's or a container's, as
// Collect does: only those that match one of the patterns, unless there are none.
// databases tells how many it has, those that do not match and those that cannot
// be read included.
func Read(ctx context.Context, fs *hostfs.FS, only []string, emit sensor.Emit) (c telemetry.Coverage, databases int, err error) {
	var outcomes []outcome
	for _, m := range managers() {
		c := &collection{ctx: ctx, fs: fs, only: only, emit: emit, manager: m.name}
		if err := m.collect(c); err != nil {
			return telemetry.Coverage{}, 0, err
		}
		outcomes = append(outcomes, c.outcome(m.where))
		databases += c.found + c.left
	}
	return coverage(outcomes), databases, nil
}

// Places are the paths of which at least one is there on a system that has a
// database of packages.
func Places() []string {
	places := append([]string{dpkgStatus, dpkgStatusFolder, pacmanLocal}, apkFiles()...)
	for _, folder := range rpmFolders() {
		for _, format := range rpm.Formats() {
			places = append(places, folder+"/"+format.File)
		}
	}
	return places
}
