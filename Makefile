# The first of these that runs and is new enough; PYTHON=... overrides. The last one is there to say what it lacks.
PYTHON ?= $(shell for python in .venv/bin/python python3.14 python3.13 python3.12 python3.11 python3; do \
	"$$python" -c "import sys; sys.exit(sys.version_info < (3, 11))" 2>/dev/null && echo "$$python" && exit; \
	done; echo python3)
WEB_PORT ?= 8000
GATEWAY_PORT ?= 8001
export WEB_PORT GATEWAY_PORT

BOOTSTRAP = python="$(PYTHON)"; "$$python" config/bootstrap.py

.DEFAULT_GOAL := help
.PHONY: help demo demo-reset manage test lint prove bench

help:
	@echo "make demo                     try Steadyline on this machine (WEB_PORT=8000, GATEWAY_PORT=8001)"
	@echo "make demo-reset               delete the try-out's data"
	@echo 'make manage ARGS="..."        a management command on the try-out'"'"'s data'
	@echo "make test                     everything; ARGS=--fast for SQLite only, other ARGS go to pytest"
	@echo "make lint                     the checks that need no tests"
	@echo "make prove                    heavy checks at full count, written to docs/measured.md"
	@echo "make bench                    what depends on speed and memory, written to docs/measured.md"

demo:
	@$(BOOTSTRAP) demo "$$python" && exec .venv/bin/python -m config.launcher --stop-with-parent

demo-reset:
	@$(BOOTSTRAP) reset "$$python"

manage:
	@$(BOOTSTRAP) demo "$$python" && exec .venv/bin/python -m config.launcher manage $(ARGS)

test:
	@$(BOOTSTRAP) test "$$python" && exec .venv/bin/python -m tests $(ARGS)

lint:
	@$(BOOTSTRAP) test "$$python" && exec .venv/bin/python -m tests --lint

prove:
	@$(BOOTSTRAP) test "$$python" && exec .venv/bin/python -m tests --prove

bench:
	@$(BOOTSTRAP) test "$$python" && exec .venv/bin/python -m benchmarks $(ARGS)
