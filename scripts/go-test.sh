#!/bin/sh
# Runs the Go tests and reports on them; `make test` calls it once the servers
# that they need are there. The race detector needs cgo and takes its time, so it
# runs where goroutines meet.
set -eu
cd "$(dirname "$0")/.."

meet='^assay/internal/(agent|gateway|assess|jobs|blob|vault|access|notify|users|audit|figures)(/|$)'
# assess tests amounts, too, which are small while the detector watches.
both='^assay/internal/assess$'
# The whole system looks at this host, and what it finds there, containers above all,
# must not be what another package's tests are making. It looks at the lowest priority, so
# that it sees little of known deeds while every processor is taken.
alone='^assay/internal/(e2e|groundtruth)$'
# The detector's share is done beside the others: one of its packages takes as long as all
# of theirs, and leaves processors idle.
watched=$(mktemp)
trap 'rm -f "$watched"' EXIT
# shellcheck disable=SC2046
{
    go test -json -timeout 30m -race "$@" $(go list ./... | grep -E "$meet") >"$watched" &
    go test -json -timeout 30m "$@" $(go list ./... | grep -vE "$meet|$alone"; go list ./... | grep -E "$both") || true
    wait $! || true
    cat "$watched"
    go test -json -p 1 -timeout 30m "$@" $(go list ./... | grep -E "$alone") || true
} | go run ./scripts/testreport
