# The targets install all they need, except git, make, and Python 3.13 or uv (which fetches Python 3.13).
# `make help` lists the targets.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# uv from the PATH if it is recent enough to read uv.lock, else a copy in .local/uv.
UV_OLDEST  := 0.9.0
UV_VERSION := 0.13.8
UV := $(shell version=$$(uv --version 2>/dev/null | cut -d' ' -f2); \
	[ "$$(printf '%s\n' "$(UV_OLDEST)" "$$version" | sort -V | head -n 1)" = "$(UV_OLDEST)" ] \
	&& echo uv || echo .local/uv/bin/uv)
UV_INSTALLED := $(filter-out uv,$(UV))

# Python is found, or uv fetches it. If neither works, one sentence says what to install.
PYTHON_VERSION := $(shell cat .python-version)
NEED_PYTHON = $(UV) python find $(PYTHON_VERSION) >/dev/null 2>&1 || $(UV) python install --quiet $(PYTHON_VERSION) >/dev/null 2>&1 \
	|| { echo "Python $(PYTHON_VERSION) is missing, and uv cannot download it. Install Python $(PYTHON_VERSION)" \
	"so that python$(PYTHON_VERSION) is on the PATH, and run the command again." >&2; exit 1; }

# One environment for the project, and one for each program with pins of its own, all from one lock.
PYTHON    := .venv/bin/python
LOCAL_ENV := .venv/.local-synced
DEV_ENV   := .venv/.dev-synced
MINISTACK := .local/tools/ministack/.synced
SAM       := .local/tools/sam/.synced
AWSCLI    := .local/tools/awscli/.synced
VISDK     := .local/tools/visdk/.synced
SDKTESTS  := .local/tools/visdk-tests/.unpacked
JSONATA   := .local/tools/jsonata/node_modules/.synced
CHROMIUM  := .local/tools/chromium/node_modules/.synced
IAMLINT   := .local/tools/iamlint/.synced
SBOM      := .local/tools/sbom/.synced
RCLONE    := .local/tools/rclone/.synced
AUDIT     := .local/tools/audit/.synced
CHECKOV   := .local/tools/checkov/.synced
LOCK      := pyproject.toml uv.lock .python-version

# The requirements that `sam build` installs in the layer, exported because pip does not read uv.lock.
LAYER_REQUIREMENTS := layers/assetline/requirements.txt
EXPORT_LAYER = $(UV) export --frozen --quiet --only-group layer --no-emit-project --no-header --no-annotate

# For the stack: its port, its name, and servers to use instead of the emulated APIs of SafetyCulture and Vi.
LOCAL_PORT ?= 4566
STACK ?= assetline
SAFETYCULTURE_URL ?=
VI_URL ?=
# For the emulated SafetyCulture API: its assets, and the seconds it takes for a page.
ROWS ?= 2000
LATENCY ?= 0
# For `make invoke`: the function, its payload in events/, and none to do without a container engine.
F ?=
E ?=
ENGINE ?= auto
# For `make build`: the processor of the functions, if it is not the template's default.
ARCHITECTURE ?=
export LOCAL_PORT STACK SAFETYCULTURE_URL VI_URL ROWS LATENCY F E ENGINE

# Commands start in a third of the time if Python may keep compiled modules.
unexport PYTHONDONTWRITEBYTECODE

# The SAM CLI sends no telemetry, and does not write to the home folder.
export SAM_CLI_TELEMETRY := 0
export __SAM_CLI_APP_DIR := $(CURDIR)/.local/aws-sam
RUN_SAM := .local/tools/sam/bin/sam

# ------------------------------------------------------------------- to do
.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: $(LOCAL_ENV) $(MINISTACK) $(SAM) ## Export 2,000 emulated assets to a CSV in out/, on a local stack of its own
	@$(PYTHON) -m local demo

.PHONY: test
test: $(DEV_ENV) $(MINISTACK) $(SAM) $(AWSCLI) $(VISDK) $(SDKTESTS) $(JSONATA) $(CHROMIUM) $(IAMLINT) $(CHECKOV) $(SBOM) ## Run all tests, including those on the local stack
	@$(PYTHON) -m pytest --numprocesses 3 --dist loadfile

# The linters of the template take a minute; `make check` runs them.
.PHONY: test-fast
test-fast: $(DEV_ENV) $(MINISTACK) $(SAM) $(VISDK) $(SDKTESTS) $(JSONATA) $(CHROMIUM) $(SBOM) ## Run all tests except the local stack, simulations, kills and linters
	@$(PYTHON) -m pytest --quiet --numprocesses 3 --dist loadfile -m "not kills" \
		--ignore tests/workflows --ignore tests/simulation --ignore tests/contract/test_lint.py

.PHONY: unit
unit: $(DEV_ENV) $(MINISTACK) ## Run the unit tests, in less than a minute
	@$(PYTHON) -m pytest --quiet --numprocesses 2 --dist worksteal tests/unit

.PHONY: simulate
simulate: $(DEV_ENV) ## Run SEEDS simulated worlds, from seed FIRST on; a failure names its seed (SEEDS=1000 make simulate)
	@SEEDS=$(or $(SEEDS),1000) FIRST=$(or $(FIRST),0) $(PYTHON) -m pytest --quiet --numprocesses 2 --exitfirst tests/simulation

.PHONY: bench
bench: $(DEV_ENV) $(MINISTACK) $(SAM) $(VISDK) ## Measure speed, memory and cost, as a table and in .local/bench.json
	@$(PYTHON) -m benchmarks

.PHONY: bench-ingest
bench-ingest: $(DEV_ENV) $(MINISTACK) $(SAM) $(VISDK) $(RCLONE) ## Measure ingestions, beside the official SDK of Vi
	@$(PYTHON) -m benchmarks --ingestion

.PHONY: check
check: $(DEV_ENV) $(SAM) $(IAMLINT) $(CHECKOV) ## Check format, lint, types, template, policies, machines, and the layer against the lock
	$(PYTHON) -m ruff format --check
	$(PYTHON) -m ruff check
	$(PYTHON) -m mypy
	.venv/bin/lint-imports --no-cache --no-logo
	$(RUN_SAM) validate --lint --region us-east-1
	$(PYTHON) -m pytest --quiet tests/contract/test_machines.py tests/contract/test_template.py \
		tests/contract/test_transformed_template.py tests/contract/test_permissions.py tests/contract/test_lint.py \
		tests/contract/test_layer.py
	@$(EXPORT_LAYER) | diff - $(LAYER_REQUIREMENTS) || { echo "$(LAYER_REQUIREMENTS) is out of date: make lock"; exit 1; }

.PHONY: up
up: $(LOCAL_ENV) $(MINISTACK) $(SAM) ## Start the local stack on LOCAL_PORT, or restart its outdated parts
	@aws --version >/dev/null 2>&1 || $(MAKE) --silent $(AWSCLI)
	@$(PYTHON) -m local up

.PHONY: down
down: ## Stop the local stack on LOCAL_PORT
	@if [ -x $(PYTHON) ]; then $(PYTHON) -m local down; else echo "Nothing to stop: nothing is installed."; fi

.PHONY: invoke
invoke: $(LOCAL_ENV) $(MINISTACK) $(SAM) ## Invoke function F with payload E of events/, by sam local (docs/local-testing.md)
	@$(PYTHON) -m local invoke

.PHONY: sam-local
sam-local: $(LOCAL_ENV) $(MINISTACK) $(SAM) ## Run every payload of events/ by sam local, and check the exported file
	@$(PYTHON) -m local sam-local

.PHONY: record-jsonata
record-jsonata: $(DEV_ENV) $(MINISTACK) $(SAM) $(AWSCLI) $(VISDK) ## Record the JSONata of real runs for the contract test
	@rm -f .local/jsonata.jsonl
	@ASSETLINE_RECORD_JSONATA=$(CURDIR)/.local/jsonata.jsonl $(PYTHON) -m pytest --quiet tests/workflows
	@$(PYTHON) -m tests.contract.jsonata .local/jsonata.jsonl

.PHONY: record-calls
record-calls: $(DEV_ENV) ## Record the AWS calls of each function for the contract test of grants
	@rm -rf .local/calls && mkdir -p .local/calls
	@ASSETLINE_RECORD_CALLS=$(CURDIR)/.local/calls $(PYTHON) -m pytest --quiet --numprocesses 2 --dist loadfile tests/handlers
	@$(PYTHON) -m tests.support.record_calls .local/calls

.PHONY: format
format: $(DEV_ENV) ## Format the code, and fix what the linter can
	$(PYTHON) -m ruff format
	$(PYTHON) -m ruff check --fix

.PHONY: build
build: $(LOCAL_ENV) $(SAM) $(SBOM) $(LAYER_REQUIREMENTS) ## Build for AWS, with the bill of materials (sam deploy comes next)
	PATH="$$($(PYTHON) -c 'import sys; print(sys.base_prefix)')/bin:$$PATH" $(RUN_SAM) build \
		$(if $(ARCHITECTURE),--parameter-overrides Architecture=$(ARCHITECTURE))
	@$(PYTHON) -m release compile
	@$(PYTHON) -m release sbom

.PHONY: audit
audit: $(LOCAL_ENV) $(AUDIT) ## Look for known vulnerabilities in the layer, where the advisory source can be reached
	@$(PYTHON) -m release audit $(if $(STRICT),--strict)

.PHONY: lock
lock: $(UV_INSTALLED) ## Update uv.lock and the layer's requirements from pyproject.toml
	$(UV) lock
	$(EXPORT_LAYER) > $(LAYER_REQUIREMENTS)

.PHONY: clean
clean: ## Stop all local stacks, and remove generated files and environments, but not out/
	@if [ -x $(PYTHON) ]; then $(PYTHON) -m local down --all; fi
	rm -rf .venv .local .aws-sam .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# ------------------------------------------------------------------ set-up
# --inexact: the two share .venv, and neither removes packages that only the other needs.
$(LOCAL_ENV): $(LOCK) | $(UV_INSTALLED)
	@echo "Installing the environment of the local stack."
	@$(NEED_PYTHON)
	@UV_PROJECT_ENVIRONMENT=.venv $(UV) sync --frozen --quiet --inexact --no-default-groups --group local
	@touch $@

$(DEV_ENV): $(LOCK) | $(UV_INSTALLED)
	@echo "Installing the environment of the tests and checks."
	@$(NEED_PYTHON)
	@UV_PROJECT_ENVIRONMENT=.venv $(UV) sync --frozen --quiet --inexact
	@touch $@ $(LOCAL_ENV)

.local/tools/%/.synced: $(LOCK) | $(UV_INSTALLED)
	@echo "Installing $* in a separate environment."
	@UV_PROJECT_ENVIRONMENT=.local/tools/$* $(UV) sync --frozen --quiet --only-group $*
	@touch $@

# Only the SDK's source distribution has its tests; its hash is in the lock. pip builds it to read its metadata.
$(SDKTESTS): $(VISDK)
	@echo "Downloading the tests of the SDK of Datature Vi."
	@rm -rf $(@D) && mkdir -p $(@D)
	@$(UV) export --frozen --quiet --only-group visdk --no-emit-project --no-header --no-annotate \
		| sed -n '/^vi-sdk==/,/[^\\]$$/p' > $(@D)/requirements.txt
	@.local/tools/visdk/bin/python -m pip download --quiet --disable-pip-version-check --no-deps --no-binary vi-sdk \
		--no-build-isolation --require-hashes --requirement $(@D)/requirements.txt --dest $(@D)
	@tar -xzf $(@D)/vi_sdk-*.tar.gz -C $(@D) --strip-components=1
	@touch $@

# The reference implementation of JSONata is JavaScript: Node.js is in the environment of this tool.
$(JSONATA): .local/tools/jsonata/.synced tests/contract/jsonata/package.json tests/contract/jsonata/package-lock.json
	@cp tests/contract/jsonata/package.json tests/contract/jsonata/package-lock.json .local/tools/jsonata/
	@cd .local/tools/jsonata && PATH="$$PWD/bin:$$PATH" npm ci --ignore-scripts --no-audit --no-fund --silent
	@touch $@

# Headless Chromium, in which the tests open the reports, and what drives it.
$(CHROMIUM): .local/tools/jsonata/.synced tests/browser/package.json tests/browser/package-lock.json
	@echo "Installing Chromium, in an environment of its own."
	@mkdir -p .local/tools/chromium && cp tests/browser/package.json tests/browser/package-lock.json .local/tools/chromium/
	@cd .local/tools/chromium && PATH="$(CURDIR)/.local/tools/jsonata/bin:$$PATH" npm ci --ignore-scripts --no-audit --no-fund --silent
	@touch $@

# Any Python 3 can install uv, which then finds or fetches the Python of .python-version.
.local/uv/bin/uv:
	@echo "Installing uv $(UV_VERSION) in .local/uv."
	@python=$$(command -v python3.13) && "$$python" -c '' 2>/dev/null || python=python3; \
		"$$python" -m venv .local/uv && .local/uv/bin/python -m pip install --quiet uv==$(UV_VERSION) \
		|| { echo "Cannot install uv. Install uv (https://docs.astral.sh/uv), or Python 3.13 with its venv module."; exit 1; }
