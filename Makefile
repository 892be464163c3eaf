# `make lab` opens the course. It sets up .venv first, once, and again where pyproject.toml or constraints.txt changed.
# for instructors
# `make test` runs all that CI runs; `make check` looks at style, types and links, and validates the notebooks that
# changed since they were last green here. Both add to .venv what they need.
# end of for instructors

# The first Python from 3.11 to 3.14 on the path; name another with `make lab PYTHON=python3.12`.
PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$name -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null && echo $$name && break; done)
BIN := .venv/bin
STUDENT := .venv/student

# TORCH=cpu is PyTorch without CUDA, TORCH=auto the one for this machine's driver; without it PyPI's comes.
# $(STUDENT) keeps the choice, so that a later `make` stays with it, as does `make clean lab`.
ifndef TORCH
TORCH := $(shell cat $(STUDENT) 2>/dev/null)
endif

.PHONY: lab same-torch clean

# make lab [NOTEBOOK=2] [PORT=8890] [BROWSER=no] [TORCH=cpu]
lab: $(STUDENT)
	@$(BIN)/course lab $(NOTEBOOK) $(if $(PORT),--port $(PORT)) $(if $(filter no,$(BROWSER)),--no-browser)

# $(call install,WHAT): WHAT is this folder, with the extras that it needs. Only uv can choose among PyTorch's builds.
define install
	@test -n "$(PYTHON)" || { \
		echo "make: no Python from 3.11 to 3.14 found: install one, or name it with PYTHON=…" >&2; exit 1; }
	@test -x $(BIN)/python || if command -v uv >/dev/null; \
		then uv venv --quiet --seed --python "$(PYTHON)" .venv; else $(PYTHON) -m venv .venv; fi
	@test -z "$(TORCH)" || command -v uv >/dev/null || \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt uv
	@if uv=$$(PATH="$$PATH:$(BIN)" command -v uv); \
		then $$uv pip install --quiet --python .venv $(if $(TORCH),--torch-backend $(TORCH)) -c constraints.txt -e '$(1)'; \
		else $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '$(1)'; fi
endef

$(STUDENT): pyproject.toml constraints.txt | same-torch
	@echo "setting up .venv: this downloads up to 3 GB, once"
	$(call install,.)
	@echo "$(TORCH)" >$@

same-torch:
	@test ! -e $(STUDENT) || test "$(TORCH)" = "$$(cat $(STUDENT))" || { \
		echo "make: .venv was set up with another TORCH: remove it first, with \`make clean\`" >&2; exit 1; }

clean:
	rm -rf .venv
# for instructors

FULL := .venv/full
EXTRAS := instructor,cluster,dev
LOWEST := build/lowest
UV := PATH="$$PATH:$(BIN)" uv

.PHONY: test check style coverage lowest setup

# The tests run whatever the notebooks say: one slow or red notebook must not hide them.
test: style
	@status=0; \
	$(BIN)/course validate --all || status=1; \
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 || status=1; \
	exit $$status

check: style
	$(BIN)/course validate

# Twice as long as the tests alone. What runs inside the jail is not counted: it is killed with its kernel.
coverage: $(FULL)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --cov --cov-report=term

# The library at the lower ends of all ranges in pyproject.toml, in an environment of its own. Their own dependencies are
# new, and may call them old: a warning is no error here.
lowest:
	@$(UV) --version >/dev/null 2>&1 || $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt uv
	$(UV) venv --quiet --clear --python "$(PYTHON)" $(LOWEST)
	$(UV) pip install --quiet --python $(LOWEST) --resolution lowest-direct -e '.[$(EXTRAS)]'
	OMP_NUM_THREADS=1 $(LOWEST)/bin/python -m pytest -o filterwarnings=default -n 2 tests/library tests/command/test_doctor.py

style: $(FULL)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/course index --check

setup: $(FULL)

$(FULL): $(STUDENT)
	$(call install,.[$(EXTRAS)])
	@touch $@
# end of for instructors
