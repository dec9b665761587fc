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
# Tests of the same packages need a server.
[ -n "${ASSAY_TEST_POSTGRES:-}" ] || exec scripts/with-postgres.sh scripts/test-wide.sh "$@"
files=$(git grep -l '^//go:build wide' -- '*_test.go')
packages=$(echo "$files" | xargs -n1 dirname | sort -u | sed 's#^#./#')
# The others of these packages are in make test.
tests=$(echo "$files" | xargs sed -n 's/^func \(Test[A-Za-z0-9_]*\)(.*/\1/p' | sort -u | paste -s -d '|')
if [ -z "$tests" ]; then
    echo "test-wide: there are no wide tests" >&2
    exit 1
fi
# shellcheck disable=SC2086
{ go test -json -tags wide -run "^($tests)\$" $packages || true; } | go run ./scripts/testreport
