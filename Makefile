# Conveniences over plain commands, which README.md lists for machines without make.
PYTHON ?= python3.11
RUN := .venv/bin/python
export PORTRAIT VOICE TRANSCRIPT TOPIC NARRATION

.PHONY: demo test lint serve bench

demo: .venv
	$(RUN) scripts/environment.py
	$(RUN) -m scripts.demo

test: .venv
	$(RUN) scripts/environment.py --test
	$(RUN) -m scripts.check

lint: .venv
	$(RUN) -m ruff check . && $(RUN) -m ruff format --check . && $(RUN) -m pyright

serve: .venv
	$(RUN) scripts/environment.py
	$(RUN) -m scripts.serve

bench: .venv
	$(RUN) scripts/environment.py --test
	$(RUN) -m benchmarks

.venv:
	$(PYTHON) -m venv .venv
