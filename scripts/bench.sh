#!/bin/sh
# The benchmarks: the programs as they are shipped, beside their peers and their
# goals, as one table. docs/benchmarks.md tells what the figures mean. Exits with 1
# if anything could not be measured, a missing peer included.
#
#     scripts/bench.sh                    everything; most of the time is for 10
#                                         million findings in each database
#     scripts/bench.sh -findings 300000   with fewer: some 5 minutes
#     scripts/bench.sh -only heartbeats   one part
set -eu
cd "$(dirname "$0")/.."

ASSAY_SHARED=${ASSAY_SHARED:-$(pwd)/../shared}
export ASSAY_SHARED
make -s build
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
go build -o "$work/bench" ./scripts/bench
# Only findings need a PostgreSQL server: one that syncs its files, as one in use.
case " $* " in
*" -store "*) ;;
*" -only findings "* | *" -only=findings "*) server=yes ;;
*" -only"*) ;;
*) server=yes ;;
esac
if [ -z "${server:-}" ]; then
	"$work/bench" "$@"
else
	# shellcheck disable=SC2016 # the inner shell is to expand it
	POSTGRES_SYNC=1 scripts/with-postgres.sh sh -c 'ASSAY_BENCH_POSTGRES=$ASSAY_TEST_POSTGRES exec "$@"' bench "$work/bench" "$@"
fi
