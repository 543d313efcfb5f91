# kubectl ispn-resync. `make` builds the program; every target is explained by `make help`.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := build
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

GO      ?= go
# The release: a tag with a leading v. A build of anything else says that it is no release.
VERSION ?= v0.0.0-dev
COMMIT  ?= $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
# Where release archives are downloaded from, without the version.
RELEASES ?= https://github.com/ispn-resync/kubectl-ispn-resync/releases/download

CACHE := $(CURDIR)/.cache
TOOLS := $(CACHE)/bin

export CGO_ENABLED ?= 0

##@ The program

.PHONY: build
build: ## Build the program into bin/
	$(GO) run ./hack/dist -only host -version "$(VERSION)" -commit "$(COMMIT)" -out bin

DIST = $(GO) run ./hack/dist -version "$(VERSION)" -commit "$(COMMIT)" -releases "$(RELEASES)"

.PHONY: dist
dist: ## Build the six release archives with their SBOMs, the checksums and the krew manifest into dist/
	$(DIST) -out dist

# FRESH=1 compiles everything anew, which takes minutes; without it what make dist compiled is linked and packed again.
.PHONY: verify-dist
verify-dist: dist ## Build the archives a second time, in another folder, and demand the same bytes; FRESH=1 compiles anew
	hack/verify-dist.sh $(DIST)

.PHONY: test-install
test-install: ## Install the archives of dist/ with the real krew for six platforms, and run this one's through kubectl
	@test -f dist/ispn-resync.yaml || { echo "there are no archives in dist/; make dist makes them"; exit 1; }
	cd hack/krew && $(GO) test -count=1 -timeout 20m ./...

##@ Judging it

.PHONY: lint
lint: $(TOOLS)/golangci-lint ## Judge format and code by .golangci.yml
	$(TOOLS)/golangci-lint config verify
	$(TOOLS)/golangci-lint run ./...

.PHONY: unit
unit: ## Run the unit tests with the race detector
	hack/require.sh go cc tmux
	CGO_ENABLED=1 $(GO) test -race -timeout 30m ./cmd/... ./hack/... ./pkg/...

# The tools are built once for each version that hack/tools names.
$(TOOLS)/golangci-lint: hack/tools/go.mod hack/tools/go.sum
	@echo "building golangci-lint, once; this takes a few minutes"
	@mkdir -p $(TOOLS)
	cd hack/tools && $(GO) build -o $(TOOLS)/ github.com/golangci/golangci-lint/v2/cmd/golangci-lint mvdan.cc/gofumpt

.PHONY: test
test: ## Run everything: unit tests, then the tests on real sites
	hack/require.sh go java mvn cc tmux shells
	CGO_ENABLED=1 $(GO) test -race -timeout 30m ./cmd/... ./hack/... ./pkg/...
	CGO_ENABLED=1 $(GO) test -race -p 1 -timeout 75m ./e2e/...

.PHONY: e2e
e2e: ## Run the tests on real sites; RUN=NAME picks, INFINISPAN=VERSION chooses the servers, TRANSPORT=exec the way to them, FULL=1 every combination
	hack/require.sh go java mvn
	$(GO) test -v -count=1 -timeout 100m -run '$(or $(RUN),.)' ./e2e $(if $(INFINISPAN),-infinispan $(INFINISPAN)) $(if $(TRANSPORT),-transport $(TRANSPORT)) $(if $(FULL),-full)

.PHONY: bench
bench: ## Print the figures of one recovery on real sites, one line each: bench NAME VALUE UNIT
	hack/require.sh go java mvn
	$(GO) test -count=1 -timeout 30m -run '^$$' -bench . -benchtime 1x ./e2e 2>&1 | grep --line-buffered -E '^(bench |ok|FAIL|---|e2e:|panic)|_test.go'

DURATION ?= 10m
FROM ?= 100000

.PHONY: soak
soak: ## Run the procedure on simulated sites under random faults, for DURATION, from seed FROM on
	$(GO) test ./pkg/xsite/sim/runs -run TestSoak -soak $(DURATION) -from $(FROM) -timeout 24h

FUZZTIME ?= 30s

.PHONY: fuzz
fuzz: ## Fuzz every parser of an answer, for FUZZTIME each
	for package in ./pkg/xsite ./pkg/xsite/infinispan ./pkg/xsite/kube; do \
	  for target in $$($(GO) test -list '^Fuzz' $$package | grep '^Fuzz'); do \
	    $(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) $$package; \
	  done; \
	done

.PHONY: mutants
mutants: ## Take each guard out in turn and demand that a test fails; SHORT=1 takes one place of each guard
	$(GO) run ./hack/mutants $(if $(SHORT),-short)

##@ Real sites

SITES = $(GO) run ./e2e/sites/cmd/sites

.PHONY: demo
demo: ## Show a recovery from nothing: two real sites, an outage, the plugin; leaves the sites up
	@hack/demo.sh

.PHONY: record
record: ## Record docs/session.svg and docs/session.txt from a recovery on real sites
	@hack/record.sh

.PHONY: demo-down
demo-down: ## Take the sites of the demo down and remove what they left
	$(SITES) down --name demo

.PHONY: sites
sites: ## Bring two real sites up in the background; SITES_FLAGS are those of `sites up`
	hack/require.sh go java mvn
	$(SITES) up $(SITES_FLAGS)

.PHONY: sites-down
sites-down: ## Take them down and remove what they left
	$(SITES) down

##@ Housekeeping

.PHONY: clean
clean: ## Remove what was built; caches below .cache stay
	rm -rf bin dist

.PHONY: help
help: ## Show this
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z0-9-]+:.*## / {printf "  %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
