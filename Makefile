# What can be done here; `make` alone tells. Needs Python 3.11 or newer, git and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# An environment whose Python is gone is made anew, and nothing in it is up to date.
$(shell test -x $(BIN)/python || rm -f $(BIN)/activate $(VENV)/*.stamp)

# dvc.yaml calls plain `mtcs`: the one of this environment.
export PATH := $(CURDIR)/$(BIN):$(PATH)

help: ## show this list
	@echo "Multi-Task Classifier Sharing for time series. Begin with 'make demo'; README.md tells the rest."
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r name text; \
		do printf '  make %-11s %s\n' "$$name" "$$text"; done

DEMO := measure@demo-mtcs-0 measure@demo-mtl-0 measure-alone@demo-dtw-0

demo: $(VENV)/run.stamp ## install, reproduce the demo suite's report with one seed, show its accuracy table
	@git rev-parse --git-dir >/dev/null 2>&1 || dvc config --local core.no_scm true # an unpacked archive of the code
	dvc repro $(DEMO)
	dvc repro --single-item report@demo
	@echo
	@cat reports/demo/accuracy.md
	@echo
	@echo "The whole report: $(CURDIR)/reports/demo/report.html"

flow: $(VENV)/run.stamp ## the whole demo as a run of Prefect, for hours; ARGS says more, such as ARGS="--suites ucr12 --workers 2"
	python -m flows.reproduce $(or $(ARGS),--suites demo)

test: lint ## all checks but the slow ones
	pytest -n 2 --dist loadfile -m "not slow"

test-all: lint ## all checks
	pytest -n 2 --dist loadfile

fuzz: $(VENV)/dev.stamp ## hostile and broken inputs for hours, from where it stopped; ARGS="archive --inputs 1000" for a part
	PYTHONPATH=.:tests OMP_NUM_THREADS=1 python -m fuzz $(ARGS)

lint: $(VENV)/dev.stamp ## style, types and the order of the floors
	ruff check .
	ruff format --check .
	basedpyright
	lint-imports

format: $(VENV)/dev.stamp ## put the code into its one format
	ruff check --fix .
	ruff format .

readme: $(VENV)/dev.stamp ## copy the reports' tables into README.md and docs/results.md
	python tests/test_readme.py

screenshots: $(VENV)/dev.stamp ## take anew what the report's page is compared with, after a change of its looks
	RENEW_SCREENSHOTS=1 pytest tests/reports/test_browser.py -k looks

docs: $(VENV)/dev.stamp ## build the site of docs/ into build/docs, warnings as errors, without network
	NO_MKDOCS_2_WARNING=1 mkdocs build # without the theme's notice of its successor

install: $(VENV)/dev.stamp ## everything above needs: .venv with this package and its tools

clean: ## remove .venv and caches of tools; data, models and reports stay
	rm -rf $(VENV) *.egg-info .pytest_cache .ruff_cache .import_linter_cache

$(VENV)/dev.stamp: $(VENV)/run.stamp
	python -m pip install --disable-pip-version-check -c constraints.txt -e '.[dev,cluster,docs]'
	@touch $@

$(VENV)/run.stamp: pyproject.toml constraints.txt $(BIN)/activate
	python -m pip install --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(BIN)/activate: # venv writes it after pip
	@command -v $(PYTHON) >/dev/null || { echo \
		"There is no $(PYTHON); install Python 3.11 or newer, or name one: make PYTHON=/path/to/python3." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo \
		"$(PYTHON) is $$($(PYTHON) --version), too old; name Python 3.11 or newer: make PYTHON=/path/to/python3." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo \
		"$(PYTHON) cannot make environments; install its venv module (Debian and Ubuntu: python3-venv)." >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)

.PHONY: help demo flow test test-all fuzz lint format readme screenshots docs install clean
