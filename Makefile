# Two commands are all a newcomer needs; each sets up by itself what it needs, in .venv:
#
#   make demo    a real app under a real limit, untuned and tuned, with every number of workers
#   make test    linters, unit tests, and tests with real containers where they can run
#
# What is tested is the wheel, installed in .venv: `.venv/bin/pytest` finds the installed cgtune first and
# the work tree last (for `tests`, `lab`, `bench`), and black-box tests run `.venv/bin/cgtune` elsewhere.
# While writing code, `.venv/bin/python -m pytest tests/unit` tests the work tree, without an install.

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup demo test test-long test-pythons lint format bench clean
export PYTHON ?= python3
# Only what make runs is promised to be the installed package; tests may ask for it by this.
export CGTUNE_TEST_INSTALLED = 1

BIN = .venv/bin
CODE = $(wildcard cgtune lab bench tests)

help: ## this list
	@grep -E '^[a-z-]+:.*## ' Makefile | sed 's/:.*## /\t/' | expand -t 15

setup: # a virtual environment with the built wheel and the tools; nothing to do: 20 ms
	@scripts/setup

demo: setup ## set up, then one app untuned and tuned, and every number of workers beside cgtune's pick
	@$(BIN)/python -m bench.demo

test: lint test-pythons ## set up, then all checks and tests (at most 20 minutes; PYTEST_ARGS="-k word")
	$(BIN)/pytest $(PYTEST_ARGS)

test-long: setup ## what takes longer than `make test` may
	$(BIN)/pytest -m long $(PYTEST_ARGS)

test-pythons: setup # the unit tests on every other Python found here
	@scripts/each-python

lint: setup ## ruff, mypy, import-linter
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy $(CODE)
	$(BIN)/lint-imports

format: setup ## let ruff put the code in order
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format

bench: setup ## the measurements behind the figures in the documentation
	@$(BIN)/python -m bench

clean: ## remove what make made here
	rm -rf .venv .venv-* .venv.* dist build .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
