# The two commands: `make demo` and `make test`. Both make .venv first and need only Python 3.11 or newer, and make.
#
# On Linux without a GPU, pip's default index gives torch with several GB of CUDA libraries. To take the CPU build, name
# the index of PyTorch's CPU builds:  make demo TORCH_INDEX=<that index>
# Only torch itself comes from there: such an index holds few versions of what torch needs, and not those of
# constraints.txt.

PYTHON ?= python3
TORCH_INDEX ?=
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt
INDEX := $(if $(TORCH_INDEX),--no-deps --index-url $(TORCH_INDEX),)

unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test test-fast check format sizes deviations constraints bench docs clean

demo: $(VENV)/.demo
	$(BIN)/foretell demo

test: $(VENV)/.dev
	$(BIN)/python -m pytest -q -n 2 --dist loadfile

test-fast: $(VENV)/.dev
	$(BIN)/python -m pytest -q -m "not slow" -n 2 --dist loadfile

check: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell foretell tests docs benchmarks *.md
	$(BIN)/python -m pytest -q --shapes -m "not slow" tests/model tests/objective tests/generate tests/corpus tests/test_shapes.py

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

sizes: $(VENV)/.dev
	$(BIN)/python benchmarks/sizes.py

deviations:
	@grep -rn --include='*.py' "Deviation:" foretell || true

constraints: $(VENV)/.dev
	$(BIN)/python benchmarks/freeze.py

docs: $(VENV)/.dev
	$(BIN)/python -m benchmarks.docs_site

bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks.startup
	$(BIN)/python -m benchmarks.train_throughput
	$(BIN)/python -m benchmarks.generate_speed

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache

# --- installing: a stamp each, so that a second call does nothing

# pip is the last that venv makes: where it is, .venv is whole
$(BIN)/pip:
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is not installed; on Debian: apt-get install python3-venv"; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "foretell needs Python 3.11 or newer; this is $$($(PYTHON) --version): make PYTHON=python3.12 ..."; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "Python's venv module is missing; on Debian: apt-get install python3-venv"; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.torch: constraints.txt | $(BIN)/pip
	$(PIP) $(INDEX) torch
	@touch $@

$(VENV)/.demo: pyproject.toml $(VENV)/.torch
	@echo "installing foretell and what it needs into $(VENV): a minute or some"
	$(PIP) --quiet -e '.[audit,corpus,eval,labels,serve]'
	@touch $@

$(VENV)/.dev: pyproject.toml $(VENV)/.torch
	@echo "installing foretell and the tools of its tests into $(VENV): a minute or some"
	$(PIP) --quiet -e '.[dev]'
	@touch $@ $(VENV)/.demo
