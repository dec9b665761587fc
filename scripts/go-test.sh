#!/bin/sh
# Runs the Go tests and reports on them; `make test` calls it once the servers
# that they need are there. The race detector needs cgo and takes its time, so it
# runs where goroutines meet.
set -eu
cd "$(dirname "$0")/.."

meet='^assay/internal/(agent|gateway|assess|jobs|blob|vault|access|notify|users|audit|figures)(/|$)'
# assess tests amounts, too, which are small while the detector watches.
both='^assay/internal/assess$'
# shellcheck disable=SC2046
{
    go test -json -timeout 30m -race "$@" $(go list ./... | grep -E "$meet") || true
    go test -json -timeout 30m "$@" $(go list ./... | grep -vE "$meet"; go list ./... | grep -E "$both") || true
} | go run ./scripts/testreport
