VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
# A release's, as it was given; that of the chart otherwise.
RELEASE  = $(if $(filter command% environment%,$(origin VERSION)),$(VERSION))
# RACE= tests without the race detector, and so without a C compiler.
RACE    ?= -race
FUZZTIME ?= 30s
export FUZZTIME

.DEFAULT_GOAL := help
.PHONY: help build demo test unit e2e verify lint fmt generate render vuln bench bench-rotation bench-compare attacks chaos dashboard faults fuzz release push clean cc

help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## Build the programs into bin/
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o bin/ ./cmd/...

demo: ## Show it at work on a real Kubernetes on this machine (KEEP=1 leaves it running)
	@hack/first-look
	cd e2e && go run -trimpath ./cmd/demo $(if $(KEEP),--keep)

test: cc ## All tests: unit, then e2e (V=1 shows each)
	cd e2e && go run -trimpath ./cmd/suite $(RACE) $(if $(V),-v)

unit: cc ## Tests that need nothing but Go
	go test $(RACE) ./...

e2e: cc ## Tests against a real Kubernetes on this machine; as root with a real node
	cd e2e && go run -trimpath ./cmd/suite $(RACE) $(if $(V),-v) -only e2e

verify: ## All other checks: format, lint, dead code, other systems, scripts, links, chart, generated files
	hack/verify

lint: ## Run golangci-lint
	hack/lint

fmt: ## Format the Go files
	"$$(hack/tool gofumpt)" -l -w .

generate: ## Generate files again
	go generate ./...

render: ## Render deploy/install.yaml from the chart
	hack/render > deploy/install.yaml.new && mv deploy/install.yaml.new deploy/install.yaml

vuln: ## Look for known vulnerabilities (asks vuln.go.dev)
	"$$(hack/tool govulncheck)" ./...

bench: ## Run the benchmarks
	go test -run '^$$' -bench . -benchmem ./inject ./webhook ./internal/cli/lint ./internal/cli/convert

bench-compare: ## Measure akv-injector against other webhooks and as a cluster grows (half an hour), and write docs/performance.md
	hack/bench-compare

bench-rotation: ## Measure when new versions arrive (an hour and a half), and write docs/rotation.md
	hack/bench-rotation

attacks: ## Try what a hostile tenant can do, and write docs/attacks.md
	hack/attacks

faults: ## Break what can break, ask kubectl akv doctor, mend it as it says, and write docs/faults.md (as root, with a real node)
	hack/faults

chaos: ## Break what can break beside an installation for ten minutes, twice, and write docs/reliability.md (as root, with a real node)
	hack/chaos

dashboard: ## Have a real Prometheus watch akv-injector for ten minutes, and draw what the chart's dashboard shows, in docs/dashboard.svg (as root, with a real node)
	hack/dashboard

fuzz: ## Fuzz every target for FUZZTIME
	hack/fuzz

release: ## Make a release in dist/: images, chart, plugin, SBOMs, checksums (VERSION=v1.2.3, REPO=REGISTRY/NAME for install.yaml)
	hack/release "$(RELEASE)" "$(REPO)"

push: ## Push the images of dist/ to REPO=REGISTRY/NAME
	hack/push "$(RELEASE)" "$(REPO)"

clean: ## Remove what was built here (the cache of tools stays)
	rm -rf bin dist

cc:
	@[ -z '$(RACE)' ] || command -v "$$(go env CC)" >/dev/null || { \
	  echo "The race detector needs a C compiler, and $$(go env CC) is not installed."; \
	  echo "Install it (Debian: apt-get install gcc libc6-dev), or test without: make $(MAKECMDGOALS) RACE="; \
	  exit 1; }
