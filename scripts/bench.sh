#!/bin/sh
# The benchmarks: the programs as they are shipped, beside their peers and their
# goals, as one table. docs/benchmarks.md tells what the figures mean. Exits with 1
# if anything could not be measured, a missing peer included.
#
#     scripts/bench.sh                    everything; some 4 minutes
#     scripts/bench.sh -only heartbeats   one part
set -eu
cd "$(dirname "$0")/.."

ASSAY_SHARED=${ASSAY_SHARED:-$(pwd)/../shared}
export ASSAY_SHARED
make -s build
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
go build -o "$work/bench" ./scripts/bench
"$work/bench" "$@"
