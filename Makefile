# `make` lists the verbs.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.synced
MAJORS ?= 14 15 16 17
PYTEST_FLAGS ?=
CORPUS_FLAGS ?=
LOAD_FLAGS ?=

.PHONY: help venv demo test quick golden coverage case new-case new-kind matrix matrix-binaries lint fmt corpus bench load kubernetes kubernetes-tools image image-test clean

help:  ## List the verbs
	@awk -F ':.*##' '/^[a-z-]+:.*##/ {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

venv: $(STAMP)  ## Make .venv with everything that uv.lock names

$(STAMP): pyproject.toml uv.lock
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet uv
	$(BIN)/uv sync --quiet --frozen --all-extras
	touch $@

demo: venv  ## The whole loop on an embedded server, with this project's schema/
	$(BIN)/reconcile demo

test: venv lint kubernetes-tools  ## Everything: lint, all tests, and a smaller set on the other majors
	$(BIN)/pytest -n 2 $(PYTEST_FLAGS)
	$(MAKE) --no-print-directory matrix

quick: venv  ## The tests that need no database: seconds
	$(BIN)/pytest -q -m quick $(PYTEST_FLAGS)

coverage: venv  ## Write docs/coverage.md anew, with the catalogs of every major that is there
	@for major in $$($(BIN)/python tests/matrix/fetch.py --list $(MAJORS)) embedded; do \
	    RECONCILE_GOLDEN=1 RECONCILE_TEST_PG=$$major $(BIN)/pytest -q -n 0 tests/laws/test_catalogs.py -k page; \
	done

golden: venv  ## Write the plans of tests/cases anew; read the diff before you commit it
	RECONCILE_GOLDEN=1 $(BIN)/pytest -q tests/test_cases.py $(PYTEST_FLAGS)

case: venv  ## Replay one case and show its plan: CASE=column/narrowed, or an id of the corpus
	$(BIN)/python -m tests.workbench.case "$(CASE)"

new-case: venv  ## Begin a case: CASE=column/with_a_default
	$(BIN)/python -m tests.workbench.case --new "$(CASE)"

new-kind: venv  ## Begin a kind, with its first case: NAME=security_label
	$(BIN)/python -m tests.workbench.kind "$(NAME)"

matrix: matrix-binaries  ## The tests marked `matrix` on every other major that can be had
	@for major in $$($(BIN)/python tests/matrix/fetch.py --list $(MAJORS)); do \
	    echo "== PostgreSQL $$major"; \
	    RECONCILE_TEST_PG=$$major $(BIN)/pytest -q -n 2 -m matrix $(PYTEST_FLAGS); \
	done

matrix-binaries: venv  ## Get PostgreSQL 14 to 17 and Debian's newest minors (tells what can't be had)
	$(BIN)/python tests/matrix/fetch.py $(MAJORS)

kubernetes: kubernetes-tools  ## The manifests of k8s/: rendered, validated, and their commands run
	$(BIN)/pytest -q tests/k8s $(PYTEST_FLAGS)

kubernetes-tools: venv  ## Get kubectl, helm and promtool into .reconcile/tools (tells what can't be had)
	$(BIN)/python tests/k8s/tools.py

lint: venv  ## Style, formatting, types, import rules
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

fmt: venv  ## Format, and fix what can be fixed by itself
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

corpus: venv  ## The pairs and histories of the corpus
	$(BIN)/python -m tests.corpus.runner $(CORPUS_FLAGS)

bench: venv  ## Measure speed and memory
	$(BIN)/python -m bench

load: venv  ## Each change on a table of 5 million rows, while clients work on it (an hour)
	$(BIN)/python -m load --rows 5000000 $(LOAD_FLAGS)

image: venv  ## Build the container image with Docker, or else with buildah (docs/image.md)
	@if docker info >/dev/null 2>&1; then \
	    docker build --tag reconcile --build-arg REVISION="$$(git rev-parse HEAD)" .; \
	else \
	    $(BIN)/python -m tests.image.workshop runtime; \
	fi

image-test: venv  ## Build both images without Docker, and try them (root; a few minutes)
	$(BIN)/pytest tests/image $(PYTEST_FLAGS)

clean:  ## Remove caches and the fetched PostgreSQL versions; .venv and the dev database stay
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist .reconcile/pg
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
