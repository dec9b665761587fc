#!/bin/sh
# What the code must be before it is tested: formatted, vetted, free of what
# staticcheck finds, with a tidy go.mod; the scripts too.
set -eu
cd "$(dirname "$0")/.."

staticcheck=honnef.co/go/tools/cmd/staticcheck@v0.8.2

unformatted=$(git ls-files --cached --others --exclude-standard '*.go' | xargs gofmt -l)
if [ -n "$unformatted" ]; then
    echo "not formatted (gofmt -w):" "$unformatted" >&2
    exit 1
fi
go vet ./...
go run "$staticcheck" ./...
if command -v shellcheck >/dev/null; then
    shellcheck scripts/*.sh .ci/run
fi
go mod tidy -diff
