#!/bin/sh
# Installs AWS's JavaScript clients, and the schemas of SARIF and CycloneDX, for the tests: what
# package-lock.json pins, into a cache folder outside the project, once for each
# lock file. Without npm it does nothing; the tests that miss something are then
# skipped and listed.
set -eu
cd "$(dirname "$0")/../internal/conformance/testdata/node"

if ! command -v npm >/dev/null; then
    echo "install-node-clients: there is no npm: nothing is installed" >&2
    exit 0
fi
folder="${ASSAY_TEST_NODE:-${XDG_CACHE_HOME:-$HOME/.cache}/assay-test-node}"
if [ -e "$folder/node_modules/.package-lock.json" ] && cmp -s package-lock.json "$folder/package-lock.json"; then
    exit 0
fi
mkdir -p "$folder"
rm -rf "$folder/node_modules"
cp package.json package-lock.json "$folder"
echo "install-node-clients: npm ci in $folder" >&2
# The lock file names no registry, so it stays what it is wherever it is used.
(cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error) || {
    rm -rf "$folder/node_modules" "$folder/package-lock.json"
    echo "install-node-clients: npm's packages cannot be installed here" >&2
    exit 0
}
