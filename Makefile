# The first Python that runs and is new enough. PYTHON=... overrides it. If there is none, `python3` runs the bootstrap
# script, which prints the requirement.
PYTHON ?= $(shell for python in .venv/bin/python python3.14 python3.13 python3.12 python3.11 python3; do \
	"$$python" -c "import sys; sys.exit(sys.version_info < (3, 11))" 2>/dev/null && echo "$$python" && exit; \
	done; echo python3)
WEB_PORT ?= 8000
GATEWAY_PORT ?= 8001
export WEB_PORT GATEWAY_PORT

BOOTSTRAP = python="$(PYTHON)"; "$$python" config/launcher/bootstrap.py

.DEFAULT_GOAL := help
.PHONY: help demo demo-reset manage test lint prove bench

help:
	@echo 'make demo                        run Steadyline on this machine, without a key (WEB_PORT=8000 GATEWAY_PORT=8001)'
	@echo 'make demo-reset                  delete the demo'"'"'s data'
	@echo 'make manage ARGS="command"       run a management command on the demo'"'"'s data'
	@echo 'make test                        run the linters and every test once'
	@echo 'make test ARGS="-k name"         run only the tests whose names match; other pytest options work too'
	@echo 'make test ARGS=--both            run every test on SQLite and on PostgreSQL'
	@echo 'make lint                        run the linters: style, types, layers, missing migrations'
	@echo 'make prove                       run the heavy checks at full scale; results go to docs/measured.md'
	@echo 'make prove ARGS=planted          plant known faults and check that the tests find each of them'
	@echo 'make bench                       measure speed and memory; results go to docs/measured.md'
	@echo 'make bench ARGS="imports pages"  measure only these; others are gateway, evaluations, and recordings'

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
	@$(BOOTSTRAP) test "$$python" && exec .venv/bin/python -m tests --prove $(ARGS)

bench:
	@$(BOOTSTRAP) test "$$python" && exec .venv/bin/python -m benchmarks $(ARGS)
