# One virtual environment, made anew when setup.cfg or the pinned constraints change.
VENV ?= .venv
PYTHON ?= python3
BIN = $(VENV)/bin
ADDRESS ?= 127.0.0.1:8080

.PHONY: run test lint docs clean

$(VENV)/.installed: setup.cfg constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[test]'
	touch $@

run: $(VENV)/.installed
	$(BIN)/gunicorn --config service/api/gunicorn_conf.py --bind $(ADDRESS) 'service.api.app:create_app()'

test: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest

lint: $(VENV)/.installed
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports

# The generated pages: policies, settings, coverage, openapi.yaml, roles.
docs: $(VENV)/.installed
	$(BIN)/mtc-preflight docs --write .

clean:
	rm -rf $(VENV) build *.egg-info
