# One virtual environment, created again when setup.cfg or the pinned constraints change: `run` installs
# what the service needs, all other targets also the tools of the tests.
VENV ?= .venv
PYTHON ?= python3
BIN = $(VENV)/bin
# An editable installation works on the files of this folder, which is what is wanted.
INSTALL = PYTHONWARNINGS='ignore:Editable installation' $(BIN)/python -m pip install --quiet
ADDRESS ?= 127.0.0.1:8080

.PHONY: run test test-clients test-live lint docs soak fuzz fields sbom licences clean

$(VENV)/.installed: setup.cfg constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) --upgrade pip
	$(INSTALL) --constraint constraints.txt --editable .
	touch $@

$(VENV)/.tools: $(VENV)/.installed
	$(INSTALL) --constraint constraints.txt --editable '.[test]'
	touch $@

run: $(VENV)/.installed
	$(BIN)/mtc-preflight serve --bind $(ADDRESS)

test: $(VENV)/.tools
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest --numprocesses auto --maxprocesses 8 --dist worksteal

# Against real API servers, which are built once (about ten minutes). Needs Go, etcd (Debian's
# etcd-server), kubectl, and the definitions of MTC and OpenShift.
test-live: $(VENV)/.tools
	$(BIN)/pytest tests/live

lint: $(VENV)/.tools
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports

# A Python client that OpenAPI Generator makes of openapi.yaml posts two archives and a plan. It needs
# Java and Maven, and is therefore no part of `test`.
GENERATOR = openapi-generator-cli
GENERATOR_VERSION = 7.14.0
build/$(GENERATOR)-$(GENERATOR_VERSION).jar:
	mvn --quiet dependency:copy -DoutputDirectory=$(CURDIR)/build \
		-Dartifact=org.openapitools:$(GENERATOR):$(GENERATOR_VERSION)

test-clients: $(VENV)/.installed build/$(GENERATOR)-$(GENERATOR_VERSION).jar
	rm -rf build/client
	java -jar build/$(GENERATOR)-$(GENERATOR_VERSION).jar generate --input-spec openapi.yaml \
		--generator-name python --package-name preflight_client --output build/client > build/client.log
	$(PYTHON) -m venv build/clients
	build/clients/bin/python -m pip install --quiet --requirement build/client/requirements.txt
	PYTHONPATH=build/client build/clients/bin/python tools/client_check.py $(BIN)/mtc-preflight

# The generated pages: policies, settings, coverage, openapi.yaml, roles.
docs: $(VENV)/.tools
	$(BIN)/mtc-preflight docs --write .

# A day of requests, good and hostile, in 15 minutes: memory, descriptors, files, while certificates and
# tokens are replaced.
soak: $(VENV)/.tools
	$(BIN)/python benchmarks/soak.py

# Coverage-guided fuzzing of what reads foreign bytes, by default for ten minutes. What it learns
# stays in CORPUS for the next run; an input that it finds fault with is kept in build/. Atheris has
# wheels for few machines, so it is no part of `test`, and only its pinned version is known to work.
FUZZ_SECONDS ?= 600
FUZZ_OPTIONS ?=
CORPUS ?= build/corpus
fuzz: $(VENV)/.tools
	$(BIN)/python -m pip install --quiet --only-binary atheris --constraint constraints.txt atheris
	mkdir -p build
	$(BIN)/python fuzz/corpus.py $(CORPUS)
	$(BIN)/python fuzz/loaders.py -max_total_time=$(FUZZ_SECONDS) -timeout=20 -print_final_stats=1 \
		-dict=$(CORPUS).dict -artifact_prefix=build/ $(FUZZ_OPTIONS) $(CORPUS)

# The fields of the kinds that are read; FOLDER holds CustomResourceDefinitions.
FOLDER ?= ../shared/data
fields: $(VENV)/.tools
	mkdir -p build
	$(BIN)/python tools/fields.py $(FOLDER) > build/fields.json
	mv build/fields.json service/kinds/fields.json

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
