# `make lab` opens the course, `make test` runs all that CI runs; both set up .venv first, once.

# The first Python 3.11 or newer on the path; name another with `make lab PYTHON=python3.12`.
PYTHON ?= $(shell for each in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$each -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$each && break; done)
BIN := .venv/bin
INSTALLED := .venv/installed

.PHONY: lab test setup clean

# make lab [NOTEBOOK=2] [PORT=8890] [BROWSER=no]
lab: $(INSTALLED)
	@$(BIN)/course lab $(NOTEBOOK) $(if $(PORT),--port $(PORT)) $(if $(filter no,$(BROWSER)),--no-browser)

test: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/course index --check
	$(BIN)/course validate
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2

setup: $(INSTALLED)

$(INSTALLED): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "make: no Python 3.11 or newer found: install one, or name it with PYTHON=…" >&2; exit 1; }
	@if command -v uv >/dev/null; then \
		uv venv --quiet --allow-existing --python "$(PYTHON)" .venv && \
		uv pip install --quiet --python .venv -c constraints.txt -e '.[dev,instructor,cluster]'; \
	else \
		$(PYTHON) -m venv .venv && \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,instructor,cluster]'; \
	fi
	@touch $@

clean:
	rm -rf .venv
