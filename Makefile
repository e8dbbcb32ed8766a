# Everything that is done to this project, by one word each. `make help` lists them.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

TARGET := target
SUPERVISOR := $(TARGET)/artifacts/lockhouse-supervisor
# The supervisor is static, so that it runs in any image: musl where rustup has
# it, else the machine's own libc, linked in.
MUSL := $(shell uname -m)-unknown-linux-musl
GNU := $(shell uname -m)-unknown-linux-gnu
# `dev` builds fast and shares its work with the tests; `release` runs fastest.
PROFILE ?= dev
BINARY := $(TARGET)/$(if $(filter dev,$(PROFILE)),debug,$(PROFILE))/lockhouse
BENCHES := --bench policy --bench evaluate --bench beside
DATA ?= $(or $(XDG_DATA_HOME),$(HOME)/.local/share)/lockhouse

.PHONY: help
help: ## List what can be done.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-12s %s\n", $$1, $$2 }'

.PHONY: run
run: build ## Build what is needed and start the server; ends with the URL to open.
	@deploy/prepare $(BINARY) $(DATA)
	exec $(BINARY) serve --data $(DATA) $(FLAGS)

.PHONY: build
build: artifacts web ## Build the server, in one file.
	cargo build --profile $(PROFILE) --workspace --bin lockhouse

.PHONY: artifacts
artifacts: supervisor components ## Build what the server carries: supervisor and components.

.PHONY: supervisor
supervisor: ## Build the static supervisor.
	@deploy/build-supervisor $(MUSL) $(GNU) $(SUPERVISOR)

.PHONY: components
components: ## Build the WebAssembly components from source.
	cargo run --quiet -p guests

.PHONY: web
web: web/dist/index.html ## Build the IDE's pages.

web/dist/index.html: web/package-lock.json web/index.html web/vite.config.ts $(shell find web/src web/public -type f 2>/dev/null)
	@deploy/build-web
	touch $@

.PHONY: test
test: artifacts web ## Install what the tests need, and run all of them.
	@deploy/run-tests

.PHONY: bench
bench: artifacts web ## Measure, beside others; results go to target/bench.
	cargo build --release --workspace --bins $(BENCHES)
	cargo bench --workspace --bench policy --bench evaluate
	cargo bench --workspace --bench beside

.PHONY: fmt
fmt: ## Format.
	cargo fmt --all

.PHONY: lint
lint: artifacts web ## Check the format, the lints and the dependencies.
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	cd web && npm run lint
	if command -v cargo-deny >/dev/null; then cargo deny check; else echo "cargo-deny is not installed: dependencies were not checked"; fi
