# `make` alone lists the targets. Works with GNU make 3.81 and later.

# Python 3.11 or later; the first of these that runs. `make setup PYTHON=...` takes another.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.14 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; \
	done)
BIN := .venv/bin
WHEEL := .build/wheel
WHEEL_PYTHON := .build/wheel-venv/bin/python
SOURCES := $(shell find netspec backends docs/errors docs/language.md -type f -not -name '*.pyc')
PARITY := .build/parity
FUZZ := .build/fuzz
INPUTS ?= 1000000
WORKERS ?= 2
# A test must find its packages as installed, never as files of the folder it is run from.
PYTEST := PYTHONSAFEPATH=1 $(WHEEL_PYTHON) -m pytest --wheel

.DEFAULT_GOAL := help
.PHONY: help setup train check test test-slow fuzz golden bench parity docs clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: .venv/.ready ## Make .venv with netspec, PyTorch and the tools in it

train: setup ## Check AlexNet and train it for a few minutes on the photographs that come with it
	$(BIN)/netspec check specs/alexnet.net
	$(BIN)/netspec train specs/alexnet.net --iterations 90 --precision bf16 --eval-images 100

check: setup ## Format, lint, types, import contracts, sizes
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports --cache-dir .build/import-linter
	$(BIN)/python tests/sizes.py

test: $(WHEEL)/.ready ## Run the suite against the built wheel
	$(PYTEST) -n $(WORKERS)

test-slow: $(WHEEL)/.ready ## Run the slow tests too
	$(PYTEST) -n $(WORKERS) --slow

fuzz: $(FUZZ)/.ready ## Judge INPUTS texts, a million, that coverage chooses: hours on one core
	PYTHONPATH=. nice $(FUZZ)/bin/python tests/fuzz/guided.py $(FUZZ)/corpus -runs=$(INPUTS)

golden: setup ## Rewrite the goldens in tests and docs; review the diff
	$(BIN)/python -m pytest --golden tests/test_cases.py tests/test_docs.py tests/render/test_derivation.py

bench: setup $(PARITY)/.ready ## Measure start-up and training speed
	for script in tests/bench/*.py; do $(BIN)/python $$script || exit; done

parity: $(PARITY)/.ready ## Compare the networks with torchvision's, timm's, pretrainedmodels'
	$(PARITY)/bin/python tests/parity/parity.py

docs: setup ## Rewrite the generated reference pages
	$(BIN)/python -m docs.generate

clean: ## Remove all that was built, .venv too
	rm -rf .build .venv dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find netspec backends tests -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.ready: pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "netspec needs Python 3.11 or later; none was found" >&2; exit 1; }
	@echo "Installing netspec, PyTorch and the tools into .venv: a minute or more"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install -qq -c constraints.txt -e '.[torch,dev]'
	@touch $@

# The libraries' own releases of PyTorch, which need not be that of .venv.
$(PARITY)/.ready: tests/parity/requirements.txt pyproject.toml
	@echo "Installing torchvision, timm, pretrainedmodels, torchinfo into $(PARITY): some minutes"
	@test -x $(PARITY)/bin/python || $(PYTHON) -m venv $(PARITY)
	@$(PARITY)/bin/python -m pip install -qq -r tests/parity/requirements.txt -e '.[torch]'
	@touch $@

# atheris has wheels for Linux and macOS, for some releases of Python.
$(FUZZ)/.ready: tests/fuzz/requirements.txt pyproject.toml
	@echo "Installing atheris into $(FUZZ): a minute"
	@test -x $(FUZZ)/bin/python || $(PYTHON) -m venv $(FUZZ)
	@$(FUZZ)/bin/python -m pip install -qq -c constraints.txt -r tests/fuzz/requirements.txt -e .
	@touch $@

# The wheel gets an environment of its own, which finds the packages it needs in .venv: the last line
# makes them visible, but not the editable netspec, whose .pth is read only in its own environment.
$(WHEEL)/.ready: .venv/.ready $(SOURCES) README.md LICENSE
	@echo "Building the wheel into $(WHEEL)"
	@rm -rf $(WHEEL) .build/wheel-venv
	@$(BIN)/python -m pip wheel -qq --no-deps --no-build-isolation --wheel-dir $(WHEEL) .
	@$(BIN)/python -m venv --without-pip .build/wheel-venv
	@$(BIN)/python -m pip --python $(WHEEL_PYTHON) install -qq --no-deps --no-index $(WHEEL)/*.whl
	@$(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
		> "$$($(WHEEL_PYTHON) -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/tools.pth"
	@touch $@
