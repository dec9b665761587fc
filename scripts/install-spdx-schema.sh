#!/bin/sh
# Installs SPDX 2.3's JSON schema for the tests, into a cache folder outside the
# project. Its publisher has it in no registry; the Go module of syft, which tests
# by it, has. Where it cannot be had nothing is done; the test that misses it is
# then skipped and listed.
set -eu

from=github.com/anchore/syft@v1.42.3
file=schema/spdx-json/spdx-schema-2.3.json
digest=c2e139546ef93597d3b1214d1d452369d0b536af6c6d6500dbd25c582034aa7c
to="${ASSAY_TEST_SPDX_SCHEMA:-${XDG_CACHE_HOME:-$HOME/.cache}/assay-test-spdx/spdx-schema-2.3.json}"

is_it() { [ -e "$1" ] && echo "$digest  $1" | sha256sum --check --status; }

! is_it "$to" || exit 0
cd / # the module of the project is not to be touched
echo "install-spdx-schema: go mod download $from" >&2
folder=$(go mod download -json "$from" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p') || folder=""
if [ -z "$folder" ] || ! is_it "$folder/$file"; then
    echo "install-spdx-schema: SPDX's schema cannot be had here" >&2
    exit 0
fi
mkdir -p "$(dirname "$to")"
install -m 644 "$folder/$file" "$to"
