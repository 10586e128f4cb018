# Two commands do everything: `make demo` and `make test`. `make help` lists the rest.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
SPARK  := $(VENV)/.ready-spark
COMPILE := uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-header \
  --no-annotate --no-emit-index-url --no-emit-find-links pyproject.toml
export PYTHONUTF8 := 1

.DEFAULT_GOAL := help
.PHONY: help setup spark spark-cluster demo test test-spark test-cluster airflow lint format lock bench clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: $(READY) ## create the environment from the lock file

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; ok = (3, 11) <= sys.version_info < (3, 14); sys.exit(None if ok else "make: Python 3.11, 3.12 or 3.13 is needed, found " + sys.version.split()[0] + "; give another with PYTHON=python3.11")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m uv --version >/dev/null 2>&1 || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/python -m uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements.lock
	$(BIN)/python -m uv pip install --quiet --python $(BIN)/python --no-deps -e .
	@touch $@

spark: $(SPARK) ## add Spark to the environment, for those who outgrow one machine

$(SPARK): $(READY) requirements-spark.lock
	$(BIN)/python -m uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements-spark.lock
	@touch $@

demo: $(READY) ## run the main job on the made-up town
	$(BIN)/tingchao demo

test: $(READY) ## run every test
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

test-spark: $(SPARK) ## hold both engines against each other; needs Java 17 or later
	$(BIN)/python -m pytest tests/spark --ignore tests/spark/test_cluster.py

test-cluster: $(SPARK) ## kill workers and masters of a Spark cluster on this machine; takes long
	$(BIN)/python -m pytest tests/spark/test_cluster.py

airflow: $(READY) ## start Airflow on loopback with the DAGs loaded
	$(BIN)/tingchao airflow

spark-cluster: $(SPARK) ## the demo's marts on a Spark master and two workers of this machine
	$(BIN)/python -m demo.on_spark

lint: $(READY) ## check style and types
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy

format: $(READY) ## mend style
	$(BIN)/python -m ruff check --fix .
	$(BIN)/python -m ruff format .

lock: ## resolve both lock files anew
	$(COMPILE) --extra dev -o requirements.lock
	$(COMPILE) --extra spark -c requirements.lock -o requirements-spark.lock

bench: $(READY) ## measure speed side by side with the plain way
	@for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

clean: ## remove what the demo made
	rm -rf var/demo
