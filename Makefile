# Two commands do everything on a machine with Python 3.11+, git and the package index:
#   make demo    watch eight issues get done, offline, with the bundled demo agent
#   make test    run every test that needs no account and no real agent
# They create what they need in .venv; a second run starts at once.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# Half as many test processes again as there are cores: most of them wait for a child.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print((os.cpu_count() or 2) * 3 // 2)')

.PHONY: help demo test check integration conformance mutants variants benchmark soak format lock clean

help:
	@sed -n 's/^#   //p' Makefile
	@echo "make check        static checks: ruff, pyright strict, import contracts"
	@echo "make integration  the daemon with the real Codex program and a model on loopback"
	@echo "make conformance  the daemon judged by the conformance suite, with both trackers"
	@echo "make mutants      small defects of the daemon, each noticed by the checks it is listed with"
	@echo "make variants     changes of the daemon that SPEC.md permits, which the suite has to pass"
	@echo "make soak         hours of the same: events, kills, wrong lines, work; docs/reliability.md"
	@echo "make benchmark    the figures of docs/performance.md, measured on this machine"
	@echo "make format       apply the formatter"
	@echo "make lock         resolve requirements/*.txt again from pyproject.toml"
	@echo "make clean        remove what these commands created"

$(VENV)/python.stamp:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "symphony needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Name another one: make PYTHON=/path/to/python3.12 ...")'
	@$(PYTHON) -m venv $(VENV)
	@touch $@

# Wheels with known hashes only; the project itself is linked, not copied.
$(VENV)/runtime.stamp: $(VENV)/python.stamp requirements/runtime.txt pyproject.toml
	@echo "installing the runtime packages into $(VENV) ..."
	@$(PIP) install --require-hashes -r requirements/runtime.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/development.stamp: $(VENV)/runtime.stamp requirements/development.txt
	@echo "installing the development packages into $(VENV) ..."
	@$(PIP) install --require-hashes -r requirements/development.txt
	@touch $@

$(VENV)/agent.stamp: $(VENV)/development.stamp requirements/agent.txt
	@echo "installing the real Codex program into $(VENV) (140 MB) ..."
	@$(PIP) install --require-hashes -r requirements/agent.txt
	@touch $@

demo: $(VENV)/runtime.stamp
	@$(BIN)/symphony demo $(DEMO)

test: $(VENV)/development.stamp
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal --ignore tests/integration $(TESTS)

check: $(VENV)/development.stamp
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/pyright --warnings

integration: $(VENV)/agent.stamp
	@$(BIN)/python -m pytest -n $(WORKERS) -rs tests/integration $(TESTS)

# Our own daemon, judged as any other implementation; the results hold every report.
conformance: $(VENV)/runtime.stamp
	@$(BIN)/symphony-conformance run --implementation symphony-for-python --dialect linear \
	  --results conformance-results/linear --report html=conformance-results/linear.html $(CONFORMANCE)
	@$(BIN)/symphony-conformance run --implementation symphony-for-python --dialect github \
	  --results conformance-results/github --report html=conformance-results/github.html $(CONFORMANCE)

# Each small defect of the daemon has to be noticed by the checks that it is listed with.
mutants: $(VENV)/development.stamp
	@$(BIN)/python -m tests.mutants.gate $(MUTANTS)

# What the specification permits: all at once, with both trackers.
variants: $(VENV)/development.stamp
	@$(BIN)/python -m tests.variants.gate --together --all --dialect linear $(VARIANTS)
	@$(BIN)/python -m tests.variants.gate --together --all --dialect github $(VARIANTS)

# Each prints one line of figures and fails where a promise was broken.
soak: $(VENV)/development.stamp
	@$(BIN)/python -m tests.simulation.soak --events 10000000
	@$(BIN)/python -m tests.reliability.hostile_lines --lines 1000000
	@$(BIN)/python -m tests.reliability.rounds --rounds 200
	@$(BIN)/python -m tests.reliability.soak --issues 2000 --minutes 30

benchmark: $(VENV)/development.stamp
	@$(BIN)/python -m benchmarks.run $(BENCHMARKS)

format: $(VENV)/development.stamp
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

# Needs the uv program: `pip install uv`.
LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --no-emit-index-url pyproject.toml
lock:
	$(LOCK) --extra install -o requirements/runtime.txt
	$(LOCK) --extra install --extra dev -c requirements/runtime.txt -o requirements/development.txt
	$(LOCK) --extra install --extra agent -c requirements/runtime.txt -o requirements/agent.txt

clean:
	rm -rf $(VENV) .ruff_cache .import_linter_cache .hypothesis
