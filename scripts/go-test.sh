#!/bin/sh
# Runs the Go tests and reports on them; `make test` calls it once the servers
# that they need are there. The race detector needs cgo and takes its time, so it
# runs where goroutines meet.
set -eu
cd "$(dirname "$0")/.."

meet='^assay/internal/(agent|gateway|assess|jobs|blob|vault|access|audit|figures|notify|users)(/|$)'
# shellcheck disable=SC2046
{
    go test -json -race "$@" $(go list ./... | grep -E "$meet") || true
    go test -json "$@" $(go list ./... | grep -vE "$meet") || true
} | go run ./scripts/testreport
