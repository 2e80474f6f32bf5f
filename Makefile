# SPDX-License-Identifier: MIT
# Every target does its own set-up: virtual environment, locked packages, compiled core.

PYTHON ?= python3
ARGS   ?=
VENV   := .venv
BIN    := $(VENV)/bin
LOCK   := .ci/requirements.txt
BENCH_LOCK := .ci/requirements-bench.txt

# What the compiled core is made from. The folders are listed too: their time
# changes when a file is added or removed. An editable install knows the packages
# that there were when it was made.
CORE := CMakeLists.txt pyproject.toml native/build_native.py \
        $(shell find native/src native/measure native/preload native/include -type d -o -name '*.[ch]') \
        native/preload/CMakeLists.txt \
        $(wildcard heapkit/*/__init__.py heapkit/*/*/__init__.py)

# Two makes at once share one environment: one builds, the other waits.
LOCKED := flock $(VENV)/build.lock

# All tests, in two processes: tests/conftest.py says what has to stay in one.
BOTH := --numprocesses=2 --dist=loadscope --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help lab test bench docs lint live kernel build lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-6s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

lab: $(VENV)/.core ## open JupyterLab on the first notebook (on this machine only)
	$(BIN)/jupyter lab --ip=127.0.0.1 --ServerApp.root_dir="$(CURDIR)" \
	  --LabApp.extension_manager=readonly --LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb \
	  $(if $(filter 0,$(shell id -u)),--allow-root) \
	  $(if $(DISPLAY)$(WAYLAND_DISPLAY),,--no-browser) $(ARGS)

test: $(VENV)/.core ## run every test; ARGS="-k pool" or ARGS=tests/unit picks some
	@.ci/system-packages test
	$(BIN)/python -m pytest $(if $(ARGS),,$(BOTH)) $(ARGS)

bench: $(VENV)/.core $(VENV)/.bench ## measure against the budgets; ARGS=--json, --page, "--only buddy"
	@$(BIN)/python -m benchmarks $(ARGS)

docs: $(VENV)/.core ## run the notebooks and write them as offline pages to docs/_site
	$(BIN)/python docs/build.py $(ARGS)

lint: $(VENV)/.core ## check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	find native -name '*.[ch]' ! -name uapi.cdef.h -print0 | xargs -0 -r $(BIN)/clang-format --dry-run -Werror
	find notebooks -maxdepth 1 -name '*.ipynb' -print0 | xargs -0 -r $(BIN)/nbstripout --verify --keep-id

live: kernel ## run the tests that need a real kernel (in QEMU)
	$(BIN)/python -m pytest tests/live $(ARGS)

# The one with a CMA heap: 6 to 12 minutes, once a machine.
kernel: $(VENV)/.core
	@.ci/system-packages test
	@$(BIN)/python tests/live/rig.py --build

build: $(VENV)/.core ## set up the environment and compile the core

lock: $(VENV)/.packages ## resolve the locked versions anew
	$(BIN)/pip install --quiet "uv>=0.9,<1"
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --upgrade --group dev \
	  --custom-compile-command "make lock" --output-file $(LOCK) pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --upgrade --group bench \
	  --constraints $(LOCK) --no-emit-package numpy \
	  --custom-compile-command "make lock" --output-file $(BENCH_LOCK)

clean: ## remove what was built, but not the environment
	rm -rf build dist artefacts docs/_site $(VENV)/.core .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find heapkit tests benchmarks native docs -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	.ci/system-packages build
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "heapkit needs Python 3.11 or later: make PYTHON=python3.12 …")'
	$(PYTHON) -m venv $(VENV)

# The question about Jupyter news is switched off: it is the one request Lab makes by itself.
$(VENV)/.packages: $(LOCK) | $(BIN)/python
	@echo "installing the locked packages: about a minute"
	@$(LOCKED) $(BIN)/python -m pip install --quiet --require-hashes --no-deps -r $(LOCK)
	@$(BIN)/jupyter labextension disable --level=sys_prefix @jupyterlab/apputils-extension:announcements 2>/dev/null
	@touch $@

# What a benchmark compares with and nothing else needs.
$(VENV)/.bench: $(BENCH_LOCK) $(VENV)/.packages
	@$(LOCKED) $(BIN)/python -m pip install --quiet --require-hashes --no-deps -r $(BENCH_LOCK)
	@touch $@

$(VENV)/.core: $(CORE) $(VENV)/.packages
	@echo "compiling the core"
	@$(LOCKED) $(BIN)/python -m pip install --quiet --no-build-isolation --no-deps --editable .
	@touch $@
