# The commands of the house. Each sets up what it needs first; `make help` lists them.
SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
# The newest interpreter that really runs (a shim on the PATH may not), from 3.11 on, with venv and pip to set up with.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo $$p; break; }; done)
PIP := @$(BIN)/python -m pip --disable-pip-version-check -qq
# Tests run on this many processes.
JOBS ?= 2
ARGS ?=

.PHONY: help run compile test check lint types imports accuracy bench chaos soak demo container lock clean
.DEFAULT_GOAL := help

help:  ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/.runtime  ## run the service and its page (settings: storywatch.toml, if there is one)
	$(BIN)/storywatch run $(ARGS)

compile: $(VENV)/.runtime  ## compile the reader of claims, faster by half (needs a C compiler and Python's headers)
	$(PIP) install --require-hashes -r requirements-compile.lock
	$(BIN)/storywatch compile

demo: $(VENV)/.runtime  ## play January 2022 on this machine, offline, and show the alerts
	$(BIN)/storywatch demo $(ARGS)

test: $(VENV)/.dev  ## run all tests
	$(BIN)/python -m pytest -q -n $(JOBS) $(ARGS)

check: lint types imports test accuracy  ## everything that must hold: format, lint, types, imports, tests, accuracy

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/.dev
	$(BIN)/mypy

imports: $(VENV)/.dev
	$(BIN)/lint-imports --no-cache

accuracy: $(VENV)/.dev  ## score the extraction, matching and ledger against their floors, and print the figures
	$(BIN)/python -m pytest -q -s -p no:randomly tests/quality

bench: $(VENV)/.dev  ## measure speed and memory beside peers (ARGS=--full: large sizes; ARGS=ledger: only that)
	-@$(BIN)/storywatch compile
	@$(BIN)/python -m bench $(ARGS)

chaos: $(VENV)/.dev  ## do faults to workers under load, and write what came of it to docs/reliability.md (ARGS="--minutes 10")
	@$(BIN)/python -m bench.chaos --out docs/reliability.md $(ARGS)

soak: $(VENV)/.dev  ## a month of schedule with 2,000 feeds in 45 minutes, and what grows, into docs/soak.md (ARGS="--minutes 15 --days 10")
	@$(BIN)/python -m bench.soak --out docs/soak.md $(ARGS)

container: $(VENV)/.dev  ## build and run the containers with a real engine (as root, on Debian)
	$(BIN)/python -m pytest -q -p no:randomly -m container --durations=10 tests/acceptance $(ARGS)

# The extras parquet, mcp and otel are left to those who ask for them: the first one's library is larger than all the others together.
lock: $(VENV)/.dev  ## resolve the dependencies of pyproject.toml anew
	$(BIN)/uv pip compile pyproject.toml --extra postgres --extra scale --extra demo --extra apprise --group build --universal --generate-hashes \
		--no-header --no-emit-index-url --quiet -o requirements.lock
	$(BIN)/uv pip compile pyproject.toml --all-extras --group build --group dev --constraints requirements.lock --universal --generate-hashes \
		--no-header --no-emit-index-url --quiet -o requirements-dev.lock
	$(BIN)/uv pip compile --group compile --constraints requirements-dev.lock --universal --generate-hashes \
		--no-header --no-emit-index-url --quiet -o requirements-compile.lock

clean:  ## remove what was set up and cached (never data/)
	rm -rf $(VENV) .bench build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or newer with venv found. On Debian: apt-get install python3 python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

# A stamp is as old as the lock that was installed; the package itself is linked, so that its code needs no new install.
$(VENV)/.runtime: requirements.lock pyproject.toml | $(BIN)/python
	@echo "Setting up $(VENV) from requirements.lock (a minute, once)"
	$(PIP) install --require-hashes -r requirements.lock
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements-dev.lock pyproject.toml | $(VENV)/.runtime
	@echo "Adding the tools of requirements-dev.lock"
	$(PIP) install --require-hashes -r requirements-dev.lock
	$(PIP) install --no-deps --no-build-isolation --editable .
	@$(BIN)/storywatch compile || echo "The reader of claims stays as it is, in plain Python: it reads the same, more slowly."
	@touch $@ $(VENV)/.runtime
