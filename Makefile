# One virtual environment, made anew when setup.cfg or the pinned constraints change.
VENV ?= .venv
PYTHON ?= python3
BIN = $(VENV)/bin
ADDRESS ?= 127.0.0.1:8080

.PHONY: run test lint docs soak fuzz sbom licences clean

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

# Ten thousand requests, good and hostile, and the memory of the workers.
soak: $(VENV)/.installed
	$(BIN)/python benchmarks/soak.py

# Coverage-guided fuzzing of the loaders, by default for ten minutes.
FUZZ_SECONDS ?= 600
fuzz: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet atheris
	$(BIN)/python fuzz/corpus.py build/corpus
	cd build && PYTHONPATH=.. ../$(BIN)/python ../fuzz/loaders.py -max_total_time=$(FUZZ_SECONDS) -timeout=20 corpus

# What the service is made of, without the tools of the tests: CycloneDX, and the licences.
build/shipped/.installed: setup.cfg constraints.txt
	$(PYTHON) -m venv build/shipped
	build/shipped/bin/python -m pip install --quiet --constraint constraints.txt .
	touch $@

sbom: build/shipped/.installed
	$(PYTHON) -m venv build/tools
	build/tools/bin/python -m pip install --quiet cyclonedx-bom
	build/tools/bin/cyclonedx-py environment --of JSON -o build/sbom.json build/shipped/bin/python

licences: build/shipped/.installed
	build/shipped/bin/python tools/licences.py > docs/licences.md

clean:
	rm -rf $(VENV) build *.egg-info
