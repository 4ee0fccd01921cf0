# The environment, the default experiment and the checks. `make` alone lists what there is.

PYTHON ?= python3
CORES ?= $(shell getconf _NPROCESSORS_ONLN)
TORCH ?=
UPGRADE ?=
TESTS ?=
BIN := $(CURDIR)/.venv/bin
IN_ENV = PATH="$(BIN):$$PATH"
# Tests start many processes. If Python may not store compiled code, each of them compiles the library again.
# The workers of the tests share the cores: with a thread each, they compute the same in four fifths of the time.
TEST_ENV = $(IN_ENV) PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1
PARALLEL = -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

.PHONY: help env slurm tools run test test-fast coverage rehearsal downloads lint types docs lock clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile
	@echo "Settings: CORES=N, PYTHON=python3.12 (to make .venv with), TORCH=cuda (make env or slurm: PyTorch with CUDA)"

env:  ## make .venv from the lock files
	@$(PYTHON) tools/environment.py $(if $(TORCH),--torch $(TORCH))

slurm:  ## make .venv, with Snakemake's executor for SLURM
	@$(PYTHON) tools/environment.py $(if $(TORCH),--torch $(TORCH)) --slurm

tools: env  ## add to .venv what types, docs, coverage and pre-commit need
	@$(PYTHON) tools/environment.py --tools

run: env  ## run the default experiment, and say what came out and where it is
	@$(IN_ENV) snakemake --cores $(CORES)

test: env  ## run the tests
	@$(TEST_ENV) pytest $(PARALLEL)

test-fast: env  ## run the quick tests of the library: those in tests/unit that are not marked slow
	@$(TEST_ENV) pytest $(PARALLEL) -m "not slow and not downloads" tests/unit

coverage: tools  ## measure which branches of the library the tests reach, also in jobs and commands (TESTS=tests/unit: some)
	@mkdir -p build/coverage
	@$(TEST_ENV) coverage run -m pytest $(PARALLEL) $(TESTS)
	@$(IN_ENV) coverage combine --quiet
	@$(IN_ENV) coverage report --ignore-errors --skip-covered --include='workflow/selfalign/*'

downloads: env  ## run the tests that download packages: published chat templates and tokenizers
	@$(TEST_ENV) pytest -m downloads

rehearsal: env  ## run config/paper.yaml with an invented survey and random models: docs/rehearsal.md
	@$(IN_ENV) python tools/rehearsal.py --published --cores $(CORES)

lint: env  ## check the style of the code and of the workflow
	@$(IN_ENV) ruff check .
	@$(IN_ENV) ruff format --check .
	@$(IN_ENV) snakefmt --check Snakefile workflow/Snakefile workflow/rules workflow/inputs
	@$(IN_ENV) snakemake --lint

types: tools  ## check the types of the library
	@$(IN_ENV) mypy

docs: tools  ## write the API reference into build/api/ from the docstrings; a warning is an error
	@$(IN_ENV) python tools/api.py

lock: env  ## write the lock files from pyproject.toml (UPGRADE=1: newer versions)
	@$(IN_ENV) python tools/lock.py $(if $(UPGRADE),--upgrade)

clean:  ## remove what was made: results/, rehearsal/, build/ and Snakemake's own records
	rm -rf results rehearsal build .snakemake
