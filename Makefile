# make run    an operator in a box, in your terminal (Python only)
# make check  the fast gate: format, lint, types, import contracts, tests without servers
# make test   everything, against real servers installed from Debian packages
# make bench  every figure beside its floor or its peer

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=

.PHONY: run check test bench clean

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[controller,agent]'
	touch $@

$(VENV)/.developed: $(VENV)/.installed
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[controller,agent,dev]'
	touch $@

run: $(VENV)/.installed
	$(BIN)/grifo lab $(ARGS)

check: $(VENV)/.developed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -q -n 3 -m 'not servers and not slow'

test: $(VENV)/.developed
	tests/servers/install
	$(BIN)/pytest -q -n 2 $(ARGS)

bench: $(VENV)/.developed
	tests/servers/install
	$(BIN)/python -m benchmarks $(ARGS)

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
