//go:build !linux

package network

import (
	"errors"

	"assay/internal/telemetry"
)

var errNotHere = errors.New("the network sensor of this version reads Linux only")

func interfaces() ([]telemetry.Record, error) { return nil, errNotHere }

func routes() ([]telemetry.Record, error) { return nil, errNotHere }
