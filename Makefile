# The two commands a person needs are `make demo` and `make test`; everything is installed in .venv.
PYTHON ?= $(shell command -v python3.11 || command -v python3 || echo python3)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip
# One thread per process: the tests run in two processes, and small tensors are slower on more threads.
TESTENV := QT_QPA_PLATFORM=offscreen OMP_NUM_THREADS=1
PYTEST_ARGS ?= -n 2

.DEFAULT_GOAL := help
.PHONY: help install install-dev system-libraries demo test lint types contracts pytest bench format clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: install system-libraries ## install, then open the window on the bundled demo
	$(BIN)/python main.py demo

test: install-dev system-libraries ## install, then everything that CI runs
	$(MAKE) --no-print-directory lint
	$(MAKE) --no-print-directory types
	$(MAKE) --no-print-directory contracts
	$(MAKE) --no-print-directory pytest

lint: install-dev ## ruff: style and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: install-dev ## mypy, strict on core
	$(BIN)/mypy --strict core

contracts: install-dev ## who may import whom
	$(BIN)/lint-imports

pytest: install-dev ## the tests; PYTEST_ARGS='tests/images -x' for some of them
	$(TESTENV) $(BIN)/python -m pytest $(PYTEST_ARGS)

bench: install-dev system-libraries ## time what has a time limit (tests/bench/bench_*.py)
	@set -e; for script in tests/bench/bench_*.py; do \
		[ -e "$$script" ] || { echo "tests/bench holds no bench_*.py"; exit 1; }; \
		echo "== $$script"; PYTHONPATH=. QT_QPA_PLATFORM=offscreen $(BIN)/python "$$script"; \
	done

format: install-dev ## let ruff put the code in form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

install: $(VENV)/.installed ## what the program needs, in .venv
install-dev: $(VENV)/.installed-dev ## and what its tests need

system-libraries: ## what Qt needs of the system
	@$(firstword $(wildcard $(BIN)/python) $(PYTHON)) tools/system_libraries.py

$(BIN)/python:
	sh tools/make_venv.sh "$(PYTHON)" $(VENV)

# The stamps make an install happen once for each state of these two files. torch goes first and alone: with its pinned
# version in place, no other package's wider range makes pip fetch another build of it.
$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) install -q -c constraints.txt torch
	$(PIP) install -q -c constraints.txt -e .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) install -q -c constraints.txt torch
	$(PIP) install -q -c constraints.txt -e '.[dev]'
	@touch $@ $(VENV)/.installed

clean: ## remove .venv and everything that tools cached
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
