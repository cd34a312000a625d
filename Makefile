# Every target sets up .venv itself; nothing has to be installed first but Python 3.11 and make.
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready

.PHONY: help setup demo test test-core interop check fix mutants docs lock drill drill-restore crashtest bench bench-ebms bench-large bench-latency bench-intake bench-drop fuzz clean

help:  ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(READY): requirements/dev.txt pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

setup: $(READY)  ## make .venv with everything in it

demo: $(READY)  ## one permit request from a local DSO-LV into the case folder, and its notice published, step by step
	$(BIN)/digikoppelaar demo

test: $(READY)  ## all tests, offline, three modules at a time; TEST_WORKERS=0 one after the other
	$(BIN)/pytest -n $(or $(TEST_WORKERS),3) --dist loadscope --no-loadscope-reorder

test-core: $(READY)  ## only the pure cores (ebms, pki, stam): seconds, no network, no database
	$(BIN)/pytest tests/unit/ebms tests/unit/pki tests/unit/stam tests/conformance

interop: $(READY)  ## against a second message service in Java (needs a JDK 17 and Maven, which fetches its libraries)
	@for tool in java mvn; do command -v $$tool >/dev/null || { echo "make interop needs $$tool: install a JDK (17 or newer) and Maven" >&2; exit 1; }; done
	$(BIN)/pytest tests/interop

check: $(READY)  ## format, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fix: $(READY)  ## what a machine can fix
	$(BIN)/ruff check --fix --exit-zero .
	$(BIN)/ruff format .

mutants: $(READY)  ## break rules on purpose; every one must turn a test red
	$(BIN)/python -m tests.conformance.mutants

docs: $(READY)  ## write the generated pages of docs: conformance, rules, checks, and the steps of onboarding
	$(BIN)/python -m tests.conformance.page
	$(BIN)/python -m tests.unit.stam.rules_page
	$(BIN)/python -m tests.unit.drop.checks_page
	$(BIN)/python -m tests.unit.onboarding.pages

lock: $(READY)  ## pin the newest versions, with hashes
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header pyproject.toml -o requirements/run.txt --upgrade
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --group dev pyproject.toml -o requirements/dev.txt --upgrade

drill: $(READY)  ## replace certificates under forty CPAs while messages go both ways
	$(BIN)/pytest tests/journeys/test_renewal.py

drill-restore: $(READY)  ## back to a dump of the database, with the case systems ahead; nothing lost or double
	$(BIN)/pytest tests/journeys/test_restore.py

crashtest: $(READY)  ## kill gateway and PostgreSQL at random moments under load; every verzoek must arrive once
	$(BIN)/python bench/crashtest.py

bench: $(READY)  ## all benches; the last line is one JSON object
bench: bench-latency bench-large bench-ebms

bench-ebms: $(READY)  ## messages per second, latency, memory; BENCH_RUNS=5 runs of which the median
	$(BIN)/python bench/ebms.py

bench-latency: $(READY)  ## from notification to delivered, without a large file
	$(BIN)/python bench/latency.py

bench-large: $(READY)  ## a bijlage of 1 GiB passes, then 80 of 20 MiB with cuts and a kill; memory of the gateway
	$(BIN)/python bench/large.py

bench-intake: $(READY)  ## verzoeken into a slow case system, a free one, and under kills; ten minutes, not in `bench`
	$(BIN)/python bench/intake.py

bench-drop: $(READY)  ## 2,000 kennisgevingen are published and found, then 500 under 50 kills; none lost or double
	$(BIN)/python bench/drop.py

fuzz: $(READY)  ## attack the readers with made-up input, FUZZ_SECONDS (60) each; FUZZ_SECONDS=3600 for a long run
	$(BIN)/python fuzz/run.py

clean:  ## remove .venv and caches
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
