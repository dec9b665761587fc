#!/bin/sh
# The wider tests: those that need the data beside the project (../shared), which
# is not part of it. Without that data they fail.
set -eu
cd "$(dirname "$0")/.."

ASSAY_SHARED=${ASSAY_SHARED:-$(pwd)/../shared}
export ASSAY_SHARED
if [ ! -d "$ASSAY_SHARED/data" ]; then
    echo "test-wide: there is no data folder under $ASSAY_SHARED: set ASSAY_SHARED to where it is" >&2
    exit 1
fi
# The other tests of the same packages run too, and need their server.
[ -n "${ASSAY_TEST_POSTGRES:-}" ] || exec scripts/with-postgres.sh scripts/test-wide.sh "$@"
packages=$(git grep -l '^//go:build wide' -- '*_test.go' | xargs -n1 dirname | sort -u | sed 's#^#./#')
if [ -z "$packages" ]; then
    echo "test-wide: there are no wide tests" >&2
    exit 1
fi
# shellcheck disable=SC2086
{ go test -json -tags wide $packages || true; } | go run ./scripts/testreport
