# Everything one does with a checkout, a word each. `make` alone lists the words.
# Each word first makes .venv and installs into it, once, and again when pyproject.toml or constraints.txt change.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
FOUR := $(VENV)/four-bit
READY := $(VENV)/.ready
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input install --quiet -c constraints.txt
# Tests write to memory where there is room for it: a quarter of their time is waiting for the disk.
ROOMY := $(shell df -k --output=avail /dev/shm 2> /dev/null | awk 'NR == 2 && $$1 > 4000000 { print "/dev/shm" }')
# One thread for each of two test processes: threads that wait for each other by spinning cost a small machine tenfold.
PYTEST := $(if $(ROOMY),TMPDIR=$(ROOMY)) OMP_NUM_THREADS=1 HF_HUB_OFFLINE=1 $(BIN)/python -m pytest -n 2 --dist worksteal

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-slow test-four-bits check bench bars docs clean

help: ## list these words
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

setup: $(READY) ## make .venv and install into it

demo: $(READY) ## the whole loop on this machine; ARGS="--git ." goes to `homeostat demo`
	$(BIN)/homeostat demo $(ARGS)

test: $(READY) ## the tests but the slow ones and those of `make check`
	$(PYTEST) -m "not slow" --ignore=tests/house $(ARGS)

test-slow: $(READY) ## the slow tests
	$(PYTEST) -m slow $(ARGS)

test-four-bits: $(READY) ## the tests of bases and moments in few bits, which need a large package
	@test -d $(FOUR)/bitsandbytes || $(PIP) --no-deps --target $(FOUR) 'bitsandbytes>=0.50'
	PYTHONPATH=$(FOUR) $(PYTEST) tests/llm/test_four_bit.py tests/train/test_quantize.py tests/cli/test_quantize.py \
	  tests/train/test_optim.py $(ARGS)

check: $(READY) ## format, lint, types, floors, and the rules of the house
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q tests/house

bars: $(READY) ## every claim measured quickly, as a table
	$(BIN)/python bench/bars.py $(ARGS)

bench: $(READY) ## every claim measured in full (hours); results go to bench/results
	$(BIN)/python bench/bars.py --full $(ARGS)

docs: $(READY) ## write the pages and pictures that are made from the code
	$(BIN)/python docs/configuration_page.py
	$(BIN)/python docs/commands_page.py
	$(BIN)/python docs/errors_page.py
	$(BIN)/python docs/methods_page.py
	$(BIN)/python docs/deploy.py
	$(BIN)/python docs/tree.py

clean: ## remove what these words have made
	rm -rf $(VENV) build dist homeostat-demo .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# torch goes first and alone, so that no resolver chooses a build of it by looking at the rest.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Homeostat needs Python 3.11 or newer, and $(PYTHON) is not: $$($(PYTHON) --version 2>&1 || true)"; \
	  echo "fix: name another one, e.g. make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv --clear $(VENV)
	@echo "installing into $(VENV) (some minutes the first time) …"
	@$(PIP) torch
	@$(PIP) -e '.[dev]'
	@touch $@
