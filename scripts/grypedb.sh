#!/bin/sh
# Makes a database for grype of the advisories of Debian that the benchmarks use: a
# peer for `scripts/bench.sh -only grype -grype-db FOLDER`. Builds a part of grype, which
# takes some minutes.
#
#     scripts/grypedb.sh FOLDER
set -eu
cd "$(dirname "$0")/.."

mkdir -p "$1"
folder=$(cd "$1" && pwd)
records=${ASSAY_SHARED:-$(pwd)/../shared}/data/advisories/debian-11-12-13.osv.jsonl.zst
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp scripts/bench/grypedb/* "$work"
(cd "$work" && GOFLAGS=-mod=mod go build -o grypedb .)
zstd -dc "$records" | "$work/grypedb" "$folder"
