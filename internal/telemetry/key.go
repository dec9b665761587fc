package telemetry

import (
	"fmt"
	"strconv"
)

// Key names a record within a snapshot, for people and for evidence, as
// "type:key": "text:/etc/ssh/sshd_config", "user:root", "process:811".
func Key(r Record) string { return string(r.kind()) + ":" + key(r) }

func key(r Record) string {
	switch r := r.(type) {
	case *Text:
		return r.Path
	case *File:
		return r.Path
	case *User:
		return r.Name
	case *Shadow:
		return r.Name
	case *Group:
		return r.Name
	case *Package:
		return within(r.Container, r.Manager+"/"+r.Name)
	case *PackageDatabase:
		return within(r.Container, r.Path)
	case *Library:
		return within(r.Container, r.Ecosystem+"/"+r.Name+"@"+r.Version+" in "+r.Path)
	case *Container:
		return r.ID
	case *Execution:
		return fmt.Sprintf("%s/%d", inode(r.Device, r.Inode, r.Generation), r.UID)
	case *Connection:
		return fmt.Sprintf("%s/%d/%d/%s/%d", inode(r.Device, r.Inode, r.Generation), r.UID, r.NetNS, r.Remote, r.Port)
	case *Accepting:
		return fmt.Sprintf("%d/%d/%d", r.NetNS, r.Family, r.Port)
	case *Program:
		return within(r.Container, r.Path)
	case *Load:
		return fmt.Sprintf("%s/%s/%d", inode(r.Device, r.Inode, r.Generation), inode(r.ByDevice, r.ByInode, r.ByGeneration), r.UID)
	case *Spoken:
		return fmt.Sprintf("%d/%d/%s/%d/%s", r.NetNS, r.Family, r.Remote, r.Port, r.Protocol)
	case *Observation:
		return r.Tier
	case *KernelParameter:
		return r.Name
	case *KernelModule:
		return r.Name
	case *Mount:
		return r.Point
	case *Process:
		return gone(r.Gone, strconv.Itoa(r.PID), r.Started)
	case *Object:
		return r.Path
	case *Socket:
		return gone(r.Gone, r.Protocol+"/"+r.Local+"/"+strconv.Itoa(int(r.LocalPort)), r.Inode)
	case *Interface:
		return r.Name
	case *Route:
		return r.Destination
	case *Coverage:
		return r.Sensor
	case *Looks:
		return r.Sensor
	}
	return ""
}

// inode tells a file from others, where a generation is known also from one that was
// deleted and had its inode.
func inode(device, n uint64, generation uint32) string {
	if generation == 0 {
		return fmt.Sprintf("%d/%d", device, n)
	}
	return fmt.Sprintf("%d/%d.%d", device, n, generation)
}

// gone tells what is over from what has its number or its port now.
func gone[N int64 | uint64](is bool, key string, n N) string {
	if !is {
		return key
	}
	return fmt.Sprintf("%s@%d", key, n)
}

// within tells what is in a container from what the host has.
func within(container, key string) string {
	if container == "" {
		return key
	}
	return container + "/" + key
}
