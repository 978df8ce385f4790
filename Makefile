# Each target makes what it needs. PYTHON names the interpreter of a new virtual environment.
PYTHON ?= python3
# RELEASE has options of scripts.release build: --notes 0.1.0 for a release by tag.
RELEASE ?=
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test test-fast lint generated mutants robustness release lock clean

demo: $(VENV)/done ## the main job on the embedded default, with a real package from the index
	PATH="$(CURDIR)/$(BIN):$$PATH" sh demo.sh

test-fast: $(VENV)/done ## the tests while one works: no network, no control plane, under a minute on two cores
	HYPOTHESIS_PROFILE=fast $(BIN)/pytest -n 2 --dist worksteal -m "not control_plane and not network and not slow"

test: $(VENV)/done ## all tests; those of the control plane file by file, as the tests of some go on with one site
	$(BIN)/pytest -n 2 --dist worksteal -m "not control_plane"
	rm -f .pytest_cache/v/cache/lastfailed
	$(BIN)/pytest -n 4 --dist loadfile -m control_plane || \
	  { echo "FAILED ONCE, see above; the files of these tests once more, one after another:"; \
	    files=$$($(BIN)/python scripts/failed_files.py) && echo "$$files" && $(BIN)/pytest -m control_plane $$files; }

lint: $(VENV)/done ## style, types, code that nothing uses, dependencies that nothing imports
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/vulture
	$(BIN)/deptry .

generated: $(VENV)/done ## all that is made from the code: pages, the chart's schema, Roles
	for script in reference messages metrics chart_schema chart_role; do $(BIN)/python -m scripts.$$script || exit 1; done

mutants: $(VENV)/done ## a sample of bugs in the core, and which of them no test notices (see CONTRIBUTING.md)
	$(BIN)/python -m scripts.mutants

robustness: $(VENV)/done ## docs/robustness.md: faults at every call, kills, mutated inputs, in numbers (an hour)
	$(BIN)/python -m scripts.robustness

release: $(VENV)/done ## a release's files in build/release, built twice and byte for byte the same; nothing is published
	.ci/helm
	rm -rf build/release build/release-again
	$(BIN)/python -m scripts.release build build/release --helm $(CURDIR)/build/helm/helm3 $(RELEASE)
	umask 077 && $(BIN)/python -m scripts.release build build/release-again --helm $(CURDIR)/build/helm/helm3 $(RELEASE)
	diff -r build/release build/release-again
	rm -r build/release-again

lock: ## renew the locked versions
	$(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/pip install --quiet pip-tools
	$(VENV)-lock/bin/pip-compile --quiet --upgrade --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --strip-extras --no-header --output-file requirements.lock pyproject.toml
	$(VENV)-lock/bin/pip-compile --quiet --upgrade --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --strip-extras --no-header --allow-unsafe --extra dev --constraint requirements.lock \
	  --output-file requirements-dev.lock pyproject.toml
	$(VENV)-lock/bin/pip-compile --quiet --upgrade --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --strip-extras --no-header --allow-unsafe --build-deps-for wheel --only-build-deps \
	  --output-file requirements-build.lock pyproject.toml
	rm -r $(VENV)-lock

clean:
	rm -rf $(VENV) demo build

$(VENV)/done: requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "secretsync needs Python 3.11 or newer: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@
