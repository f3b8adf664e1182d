# `make demo` and `make test` start from a bare machine with Python 3.10 or later and make. A second call is quick: what
# was installed is remembered in .venv, and installed again when pyproject.toml or constraints.txt changes.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: demo test check docs bench clean

demo: $(VENV)/.installed-demo
	@$(BIN)/python tools/demo.py notebooks/quickstart.ipynb demo

test: check
	@sh tools/chromium.sh $(BIN)/python
	@$(BIN)/python -m pytest -m "not browser" --numprocesses 2 --dist loadgroup
	@$(BIN)/python -m pytest -m browser tests/browser tests/view

check: $(VENV)/.installed-test
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/pyright

docs: $(VENV)/.installed-docs
	@$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html
	@echo "The pages are in docs/_build/html/index.html"

bench: $(VENV)/.installed-bench
	@$(BIN)/python benchmarks/check.py
	@$(BIN)/python benchmarks/export_overhead.py
	@sh tools/chromium.sh $(BIN)/python
	@$(BIN)/python benchmarks/graph_view.py
	@$(BIN)/python benchmarks/diff.py
	@$(BIN)/python benchmarks/recording.py
	@$(BIN)/python benchmarks/sweep.py

clean:
	rm -rf $(VENV) demo build dist docs/_build .pytest_cache .ruff_cache .hypothesis

$(VENV)/.installed-%: pyproject.toml constraints.txt | $(VENV)/.made
	@echo "Installing onnxmagic with what '$*' needs into $(VENV) (the first time takes minutes) ..."
	@$(PIP) --editable '.[$*]'
	@touch $@

$(VENV)/.made:
	@sh tools/venv.sh $(PYTHON) $(VENV)
	@touch $@
