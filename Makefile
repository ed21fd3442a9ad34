# `make demo` and `make test` set up everything they need in .venv, by pip.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test lint bench clean

demo: .venv
	$(BIN)/lofivpr demo

test: lint
	$(BIN)/pytest

lint: .venv
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: .venv
	$(BIN)/python -m benchmarks

# The stamp is the installed state: changing pyproject.toml installs again.
.venv: .venv/.installed
.venv/.installed: pyproject.toml
	@echo 'installing into .venv what the package and its tests need: some minutes, several gigabytes (torch)'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet --editable '.[all,dev]'
	touch $@

clean:
	rm -rf .venv out
