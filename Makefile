# Everything runs in .venv, which `make` sets up by itself. PYTHON chooses the interpreter (3.11 or newer).
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help demo test test-slow test-fabric test-fabric-slow test-fabric-interop lint format generate clean

help:
	@echo "make demo       run the main job on the embedded network"
	@echo "make test       run the tests"
	@echo "make test-slow  run the tests that take long"
	@echo "make test-fabric  run the scenarios on Fabric's peers and orderers (FABRIC_BIN names their folder)"
	@echo "make test-fabric-slow  the same for those that take long; machines of their own for three sites need root"
	@echo "make test-fabric-interop  run the official clients and chaincodes on Fabric's peers and orderers"
	@echo "make lint       style, types, import contracts, generated files"
	@echo "make format     put the code into the project's format"
	@echo "make generate   write the generated files anew"
	@echo "make clean      remove what make made"

$(VENV)/installed: setup.cfg pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("certledger needs Python 3.11 or newer") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

demo: $(VENV)/installed
	$(BIN)/certledger demo

test: $(VENV)/installed-dev
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile

test-slow: $(VENV)/installed-dev
	$(BIN)/python -m pytest -m slow

test-fabric: $(VENV)/installed-dev
	$(BIN)/python -m pytest tests/scenarios --engine fabric

test-fabric-slow: $(VENV)/installed-dev
	$(BIN)/python -m pytest tests/scenarios --engine fabric -m slow

test-fabric-interop: $(VENV)/installed-dev
	$(BIN)/python -m pytest tests/interop --engine fabric

lint: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/generate_stubs.py --check
	$(BIN)/python scripts/generate_sync.py --check

format: $(VENV)/installed-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

generate: $(VENV)/installed-dev
	$(BIN)/python scripts/generate_stubs.py
	$(BIN)/python scripts/generate_sync.py

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	rm -rf bench/*/node_modules tests/interop/*/node_modules tests/interop/*/target
