# make run     a cluster on this machine, and a shell on it; Ctrl-D leaves the servers running
# make stop    ends the servers
# make test    all tests          make check   format, lint, types, documentation
# make docs    API pages          make bench   the measurements
# make sim     500 fresh simulated histories
# make chaos   a cluster whose processes and links fail all the time: make chaos SECONDS=300 SEED=7
# make lock    renews requirements.lock from the ranges in setup.py
# make clean   removes what the others made, but not the data in var/

SHELL := /bin/sh
PYTHON ?= python3
PORT ?= 5000
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check install
VAR := var
SERVERS := ss1 ss1_backup
SECONDS ?= 180
PAGES := $(wildcard *.rst docs/*.rst docs/decisions/*.rst)

.PHONY: run start stop test test-trial test-pytest test-histories check docs sim bench chaos lock clean

# ---- set-up: one environment; what only the checks need is added when they are asked for

$(VENV)/run: requirements.lock setup.py pyproject.toml
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV) || \
	  { echo "Python cannot make environments here; on Debian: apt install python3-venv" >&2; exit 1; }
	@echo "Installing dfs into $(VENV) …"
	@$(PIP) -c requirements.lock setuptools wheel
	@$(PIP) -c requirements.lock --no-build-isolation -e .
	@touch $@

$(VENV)/dev: $(VENV)/run
	@echo "Installing what the checks need …"
	@$(PIP) -c requirements.lock --no-build-isolation -e '.[dev]'
	@touch $@

# ---- a cluster; each server has its own pid and log file in var/ by default

# $(call alive,STEM): whether the process in var/STEM.pid is one of ours
alive = grep -qs twistd /proc/$$(cat $(VAR)/$(1).pid 2>/dev/null || echo none)/cmdline

run: start
	@DFS_NM=127.0.0.1:$(PORT) DFS_USER=$${USER:-me} $(BIN)/dfs

start: $(VENV)/run
	@mkdir -p $(VAR)
	@$(call alive,dfs-nm) || { rm -f $(VAR)/dfs-nm.pid; cd $(VAR) && \
	  ../$(BIN)/twistd dfs-nm --listen tcp:$(PORT):interface=127.0.0.1; }
	@for name in $(SERVERS); do \
	  $(call alive,dfs-$$name) || { rm -f $(VAR)/dfs-$$name.pid; (cd $(VAR) && \
	    ../$(BIN)/twistd dfs-ss --name $$name --nm 127.0.0.1:$(PORT)) || exit 1; }; \
	done
	@for try in $$(seq 30); do \
	  seen=$$($(BIN)/dfs --nm 127.0.0.1:$(PORT) --user $${USER:-me} SERVERS 2>&1) || true; \
	  missing=; for name in $(SERVERS); do \
	    echo "$$seen" | grep -qw $$name || missing=$$name; \
	  done; \
	  test -n "$$missing" || exit 0; sleep 0.5; \
	done; echo "$$missing did not register with the name server:" >&2; echo "$$seen" >&2; \
	tail -n 5 $(VAR)/dfs-*.log >&2; exit 1

stop:
	@for name in $(SERVERS) nm; do \
	  if $(call alive,dfs-$$name); then kill $$(cat $(VAR)/dfs-$$name.pid); fi; \
	done
	@for name in $(SERVERS) nm; do \
	  for try in $$(seq 100); do $(call alive,dfs-$$name) || continue 2; sleep 0.1; done; \
	  echo "dfs-$$name does not end; see $(VAR)/dfs-$$name.log" >&2; exit 1; \
	done

# ---- checks: trial runs what needs no real process, pytest runs everything

test: $(VENV)/dev
	@echo "Tests without real processes, some minutes; what they say comes at their end …"
	@$(MAKE) --jobs=2 --output-sync=target test-trial test-pytest test-histories
	DFS_CHAOS=1 $(BIN)/python -m pytest tests/process

test-trial: $(VENV)/dev
	$(BIN)/python -m twisted.trial --reporter=text tests

test-pytest: $(VENV)/dev
	$(BIN)/python -m pytest --ignore=tests/process

# Histories and storms are those that the code draws: another version of it meets others.
test-histories: $(VENV)/dev
	DFS_SIM_SEEDS=500 $(BIN)/python -m pytest -s tests/simulation/test_seeds.py

check: $(VENV)/dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	@for page in $(PAGES); do \
	  echo "docutils $$page"; $(BIN)/docutils --strict --report=1 $$page /dev/null || exit 1; \
	done
	$(MAKE) docs

docs: $(VENV)/dev
	@rm -rf docs/api
	$(BIN)/pydoctor

sim: $(VENV)/dev
	DFS_SIM_SEEDS=500 DFS_SIM_BASE=$$(date +%s) $(BIN)/python -m pytest -s tests/simulation/test_seeds.py

bench: $(VENV)/dev
	$(BIN)/python -m bench

chaos: $(VENV)/dev
	$(BIN)/python -m tests.chaos --seconds $(SECONDS) $(if $(SEED),--seed $(SEED)) $(CHAOS)

lock:
	@rm -rf $(VENV)-lock
	@$(PYTHON) -m venv $(VENV)-lock
	@$(VENV)-lock/bin/pip --quiet --disable-pip-version-check install '.[dev]'
	@{ echo "# Exact versions for make and the checks; the ranges stand in setup.py."; \
	   echo "# To renew: make lock"; \
	   $(VENV)-lock/bin/pip freeze --all | grep -v -e '^dfs @' -e '^pip=='; } > requirements.lock
	@rm -rf $(VENV)-lock build dfs.egg-info

clean:
	rm -rf $(VENV) $(VENV)-lock build dist dfs.egg-info docs/api _trial_temp* \
	  .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +
