#!/bin/sh
# The tests of the project: `make test`. It installs what they need where it can,
# starts a PostgreSQL server for them, and runs them; with CI=true nothing may be
# skipped. Arguments go to `go test`.
set -eu
cd "$(dirname "$0")/.."

[ -n "${ASSAY_NO_INSTALL:-}" ] || scripts/install-test-tools.sh
[ -n "${ASSAY_NO_INSTALL:-}" ] || scripts/install-node-clients.sh
[ -n "${ASSAY_NO_INSTALL:-}" ] || scripts/install-spdx-schema.sh
scripts/lint.sh
exec scripts/with-postgres.sh scripts/go-test.sh "$@"
