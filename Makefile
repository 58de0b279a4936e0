# Thin names for real commands; each can be typed by hand.
PYTHON ?= python3
BIN := .venv/bin
STREAM_APP := $(BIN)/stream-app

.PHONY: demo plans test lint bench compare peers profile faults hostile recovery api-fuzz browser-test sdk-test kafka kafka-stop install clean help unit wheel-test

help:  ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1\t\2/' | expand -t 14

demo: .venv/installed  ## the main job on a simulated fortnight, on this machine, no broker
	rm -rf demo-data
	$(STREAM_APP) simulate --users 600 --days 14 --out demo-data/input
	$(STREAM_APP) replay demo-data/input/events.jsonl --catalogue demo-data/input/catalogue.jsonl \
		--data-dir demo-data/state
	$(STREAM_APP) segments --data-dir demo-data/state
	$(STREAM_APP) campaigns plan stream_app/planning/data/starter.toml --data-dir demo-data/state
	$(STREAM_APP) evaluate notifications --users 200 --days 21
	$(STREAM_APP) report --data-dir demo-data/state --out demo-data/report.html
	@echo "To look around: $(STREAM_APP) serve --data-dir demo-data/state"

test: .venv/installed-dev lint  ## everything, the Kafka tests included
	$(BIN)/pytest -n 3 --dist worksteal

unit: .venv/installed-dev  ## the unit tests alone, in under a minute
	$(BIN)/pytest -n 2 --dist worksteal tests/unit

wheel-test: .venv/installed-dev  ## the built wheel in an empty environment of each Python from 3.11 on that is here
	$(BIN)/pytest tests/packaging

api-fuzz: .venv/installed-dev  ## the API asked 10,000 things at random (schemathesis)
	API_FUZZ_REQUESTS=$(or $(REQUESTS),10000) $(BIN)/pytest tests/contract/test_api_fuzzed.py

lint: .venv/installed-dev  ## style, types and who may import whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

plans: .venv/installed-dev  ## a million decisions on random campaigns, people, zones and clocks (about half an hour)
	PLANNING_DECISIONS=1000000 $(BIN)/pytest tests/properties/planning

bench: .venv/installed-dev  ## what learning costs; the job beside a plain Faust agent and, after `make peers`, others
	$(BIN)/python tests/benchmarks/learning_bench.py --users 150 --days 14
	$(BIN)/python -m load_tests.bench

compare: .venv/installed-dev  ## this build and another checkout's in turn: make compare OTHER=../other [ROUNDS=5]
	$(BIN)/python -m load_tests.compare --other $(OTHER) --rounds $(or $(ROUNDS),5) $(if $(JSON),--json $(JSON))

peers: .venv/installed-dev  ## what the load tests compare with, in an environment of its own (Java 17 and Maven)
	$(PYTHON) -m venv build/peers
	build/peers/bin/pip install --quiet --disable-pip-version-check -r load_tests/peers/requirements-peers.txt
	mvn --batch-mode --quiet -f load_tests/peers/kafka_streams/pom.xml package

profile: .venv/installed-dev  ## where each microsecond of a worker goes
	$(BIN)/python -m load_tests.profile_full_job

faults: .venv/installed-dev  ## every fault on a running job: three seeds, models frozen and learning (over an hour)
	PYTHONPATH=tests $(BIN)/python -m faults.run --events $(or $(EVENTS),300000) $(or $(SEEDS),1 2 3)

hostile: .venv/installed-dev  ## 20,000 malformed and hostile inputs through every way in, timed (a quarter of an hour)
	PYTHONPATH=tests $(BIN)/python -m hostile.run --inputs $(or $(INPUTS),20000)

recovery: .venv/installed-dev  ## how long a million rows take to come back
	PYTHONPATH=tests $(BIN)/python -m faults.recovery --rows $(or $(ROWS),1000000)

browser-test: .venv/installed-dev  ## the collector's page in headless Chromium (apt-get install chromium)
	CI=true $(BIN)/pytest tests/browser

sdk-test: .venv/installed-dev build/sdk/installed  ## the trackers' SDKs against the collector (Node.js, Chromium)
	CI=true $(BIN)/pytest tests/sdk

build/sdk/installed: tests/sdk/package.json tests/sdk/requirements-sdk.txt
	$(PYTHON) -m venv build/sdk/python
	build/sdk/python/bin/pip install --quiet --disable-pip-version-check -r tests/sdk/requirements-sdk.txt
	mkdir -p build/sdk/node
	cp tests/sdk/package.json build/sdk/node/
	npm install --prefix build/sdk/node --no-package-lock --no-audit --no-fund --ignore-scripts --loglevel=error
	touch $@

kafka: .venv/installed-dev  ## a broker on port 9092, without Docker
	$(BIN)/python -m load_tests.broker start --data-dir .kafka --port 9092

kafka-stop: .venv/installed-dev  ## the broker of `make kafka`, stopped
	$(BIN)/python -m load_tests.broker stop --data-dir .kafka

install: .venv/installed  ## the environment in .venv, with what the product needs to run

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/installed: .venv/bin/python requirements.txt pyproject.toml setup.py $(wildcard models/recommenders/*.c)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@

.venv/installed-dev: .venv/installed requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@

clean:  ## away with what the demo and the broker left
	rm -rf demo-data .kafka
