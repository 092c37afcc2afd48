# Sallyport. `make run` opens the window, `make test` passes the tests; both install what they need first.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= $(shell .ci/find-python)
BIN := .venv/bin
READY := .venv/.ready
# Tests run in so many processes at once (pytest-xdist); 0: one after the other, in one.
WORKERS ?= 2
# Where this is set, every command and every child process compiles the whole program anew.
unexport PYTHONDONTWRITEBYTECODE

help: ## What can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 18

$(READY): requirements.lock .ci/system-libraries
	@test -n "$(PYTHON)" || { echo "Sallyport needs Python 3.11, 3.12 or 3.13: install the package python3 (Debian: apt-get install python3 python3-venv)."; exit 4; }
	@.ci/system-libraries
	@$(PYTHON) -m venv .venv || { echo "This Python cannot make virtual environments: install the package python3-venv."; exit 4; }
	@echo "Installing the pinned Python packages (a few minutes the first time) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	@touch $@

setup: $(READY) ## Install the virtual environment and the system libraries

run: $(READY) ## Open the window on the simulated camera
	@$(BIN)/python main.py

test: $(READY) ## Run the tests (what CI runs)
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -m "not slow" tests
	@$(BIN)/lint-imports --no-cache

lint: $(READY) ## ruff, mypy --strict and the import contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

faults: $(READY) ## The fault matrix, the long form (an hour on 2 cores); writes docs/reliability.md
	@SALLYPORT_KILLS=$${SALLYPORT_KILLS:-20} TMPDIR=$${TMPDIR:-/var/tmp} $(BIN)/python -m pytest -m "faults or fault_row" tests \
		--fault-table docs/reliability.md --timeout 3600 -o faulthandler_timeout=0

fuzz: $(READY) ## Fuzz every loader (FUZZ_SECONDS each, 600 by default); exit 1 on an undocumented error
	@$(BIN)/python -c "import atheris" 2>/dev/null || $(BIN)/python -m pip install --quiet --disable-pip-version-check "atheris>=3" \
		|| { echo "Atheris could not be installed (it needs Linux or macOS, and a package index): nothing was fuzzed."; exit 4; }
	@$(BIN)/python -m tests.fuzz

soak: $(READY) ## Run the headless station for SOAK_HOURS (or SOAK_MINUTES); exit 1 when something grows
	@$(BIN)/python -m tests.soak

challenge: $(READY) ## What a camera's challenge costs and what it stops, on rendered scenes (minutes)
	@$(BIN)/python -m tests.benchmarks.challenge

bench: $(READY) ## Measure speed against peers in the same run; writes docs/benchmarks.md
	@$(BIN)/python -m tests.benchmarks --out docs/benchmarks.md

screenshots: $(READY) ## Drive the real window on simulated input; writes docs/screenshots/
	@QT_QPA_PLATFORM=offscreen $(BIN)/python -m tests.screenshots --out docs/screenshots

train-factory: $(READY) ## Train the factory model on simulated scenes (under an hour on 2 cores)
	@$(BIN)/python main.py train --factory

lock: ## Pin what is installed now into requirements.lock
	@{ head -2 requirements.lock; $(BIN)/python -m pip freeze | sed -E 's/\+cpu//' | sort -f; } > requirements.lock.new && mv requirements.lock.new requirements.lock

clean: ## Remove the virtual environment and every cache
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: help setup run test lint faults fuzz soak challenge bench screenshots train-factory lock clean
