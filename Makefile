# Two programs, a first assessment, and the tests. `make help` lists the targets.

GO      ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS := -s -w -X assay/internal/release.version=$(VERSION)
BUILD   := CGO_ENABLED=0 $(GO) build -trimpath -ldflags='$(LDFLAGS)'

.PHONY: help build run test test-wide test-kernels bench lint generate cross clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 20

build: ## bin/assay and bin/assay-agent
	$(BUILD) -o bin/ ./cmd/...

run: build ## assess this host: service, agent and first findings in one go
	@bin/assay try $(ARGS)

test: ## the tests; installs what they need where it can (Debian, Ubuntu; as root)
	@scripts/test.sh

test-wide: ## the tests that use the data beside the project
	@scripts/test-wide.sh

test-kernels: ## boots Debian's kernels with the kernel programs' tests; writes support/kernel-versions.json
	@scripts/test-kernels.sh

bench: ## the benchmarks, beside their peers, as ratios
	@scripts/bench.sh

lint: ## formatting, go vet, staticcheck, shellcheck
	@scripts/lint.sh

generate: ## what is generated: the API's types from its model
	$(GO) generate ./...

cross: ## both programs for every platform, under bin/<os>-<arch>/
	@for p in linux-amd64 linux-arm64 windows-amd64; do \
		echo "bin/$$p"; GOOS=$${p%-*} GOARCH=$${p#*-} $(BUILD) -o bin/$$p/ ./cmd/... || exit 1; \
	done

clean: ## removes what was built
	rm -rf bin
