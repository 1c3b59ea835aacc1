PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STUDY ?= configs/audit.toml configs/radiologists.toml

.PHONY: help study test validate bench lint flwr tune clean
help:  ## list the tasks
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-8s %s\n", $$1, $$2}'

$(VENV)/.ready: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "fedsoft needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -e '.[dev]'
	$(BIN)/python -c 'from fedsoft.installation import check_import; check_import()'
	@touch $@

study: $(VENV)/.ready  ## set up, and run the flagship studies: digits, then radiologists (STUDY=configs/... for another)
	for study in $(STUDY); do $(BIN)/fedsoft run $$study || exit; done

test: $(VENV)/.ready  ## set up, and run every test
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto

validate: $(VENV)/.ready  ## run the controls that prove the instrument, in full (12 minutes on two cores)
	FEDSOFT_REPETITIONS=full OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/validation -n auto -rP --show-capture=stdout

bench: $(VENV)/.ready  ## measure speed beside a plain loop, stock Flower and pfl
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.bench

lint: $(VENV)/.ready  ## lint, format check, types, import order
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/test_import_order.py

flwr: $(VENV)/.ready  ## run a study with `flwr run` on a SuperLink of its own
	$(BIN)/python simulations/flwr_run.py $(firstword $(STUDY))

clean:  ## remove the environment and caches; results stay
	rm -rf $(VENV) .pytest_cache .ruff_cache .mypy_cache
