# make run    an operator in a box, in your terminal (Python only)
# make check  the fast gate: format, lint, types, import contracts, tests without servers
# make test   everything, against real servers installed from Debian packages
# make words  sentences and labels of the code into the catalogs of languages/
# make bench  every figure beside its floor or its peer

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=

.PHONY: run check test words bench clean

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

words: $(VENV)/.developed
	$(BIN)/python -m languages.gathering

bench: $(VENV)/.developed
	tests/servers/install
	$(BIN)/python -m benchmarks $(ARGS)

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
