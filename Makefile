# `make train` and `make test` set up what they need the first time and after a change of pyproject.toml.
#
# An environment of your own: make test VENV="$VIRTUAL_ENV" (an active one is never installed into unasked).
# Another interpreter to create .venv with: make test PYTHON3=python3.12
# VENV must not contain spaces; the folder of the project may.

PYTHON3 ?= python3
VENV    ?= .venv
LOGDIR  ?= runs
ARGS    ?=
WORKERS ?= 2

# The environment of `make test-minimum`, which holds the oldest versions of everything.
MINIMUM ?= .venv-minimum

PYTHON := $(VENV)/bin/python
# The stamps lie in the environment, so that they go when it goes. The second is for those who work on the project.
RUN_READY := $(VENV)/.gan-lightning-run
DEV_READY := $(VENV)/.gan-lightning-dev

.DEFAULT_GOAL := help
.PHONY: help train test test-minimum lint format tensorboard torture matrix conformance bench race sheets schema extractors clean distclean

help: ## show this list
	@echo 'make TARGET [ARGS="..."]    TARGET is one of:'
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-13s %s\n", $$1, $$2 }' Makefile

train: $(RUN_READY) ## train with the defaults, or with ARGS="loss=hinge trainer.max_steps=1000"
	$(PYTHON) train.py $(ARGS)

test: $(DEV_READY) ## run the tests, or some: ARGS="tests/unit/losses -x"
	$(PYTHON) -m pytest --numprocesses $(WORKERS) --dist loadgroup $(ARGS)

test-minimum: ## run the tests on the oldest versions that pyproject.toml admits, in an environment of their own
	test -d $(MINIMUM) || $(PYTHON3) -m venv $(MINIMUM)
	$(PYTHON3) .ci/minimum.py > $(MINIMUM)/constraints.txt
	$(MINIMUM)/bin/python -m pip install --constraint $(MINIMUM)/constraints.txt --editable '.[dev]'
	$(MINIMUM)/bin/python -m pytest --numprocesses $(WORKERS) --dist loadgroup $(ARGS)

lint: $(DEV_READY) ## check style, formatting and types
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy

format: $(DEV_READY) ## format the code and mend what can be mended
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .

tensorboard: $(RUN_READY) ## show the curves of LOGDIR=runs, to this machine only
	$(PYTHON) -m tensorboard.main --logdir "$(LOGDIR)" --host 127.0.0.1 $(ARGS)

torture: $(DEV_READY) ## run the tests that take minutes: kills, resumes, many devices
	$(PYTHON) -m pytest -m slow --timeout 1800 $(ARGS)

matrix: $(DEV_READY) ## train every loss with every penalty and every network, two steps each
	$(PYTHON) -m pytest tests/promises/test_matrix.py -m "" --timeout 1800 $(ARGS)

conformance: $(DEV_READY) ## compare numbers with those of torch-fidelity, scipy, torchvision and others' code
	$(PYTHON) -m pytest tests/promises/test_conformance.py tests/unit/metrics $(ARGS)

bench: $(RUN_READY) ## measure what the framework costs over a bare loop, and a sweep over single runs
	$(PYTHON) benchmarks/overhead.py $(ARGS)
	$(PYTHON) benchmarks/sweep_overhead.py

race: $(RUN_READY) ## let recipes race a tutorial's loop at equal seconds: an hour and a half, or ARGS="--seeds 0 --points 60 130"
	$(PYTHON) benchmarks/race.py --batch 64 --lr 2e-3 $(ARGS)

LOSSES := minimax,non_saturating,least_squares,hinge,wasserstein,wgan_gp,dragan,relativistic,relativistic_average,r3gan
SHEETS ?= runs/sheets

sheets: $(RUN_READY) ## train with every loss, measure them and draw the sheets of docs/losses: about an hour
	$(PYTHON) train.py -m hydra.sweep.dir="$(SHEETS)/ring" data=toy threads=1 loss=$(LOSSES) $(ARGS)
	$(PYTHON) train.py -m hydra.sweep.dir="$(SHEETS)/mnist" data=mnist kimg=60 threads=1 loss=$(LOSSES) $(ARGS)
	for run in "$(SHEETS)/mnist"/*/; do \
	  $(PYTHON) evaluate.py "$$run" 'metrics=[fid,precision_recall]' n_fake=5000 errors=false || exit; done
	$(PYTHON) docs/make_sheets.py docs/images/ring.png "$(SHEETS)/ring"/*/
	$(PYTHON) docs/make_sheets.py docs/images/mnist_losses.png "$(SHEETS)/mnist"/*/

schema: $(RUN_READY) ## write conf/schema.json, by which editors complete and check yaml files
	$(PYTHON) -m gan_lightning.config.editor.schema > $(VENV)/schema.json
	mv $(VENV)/schema.json conf/schema.json

EXTRACTORS ?= digits mnist cifar10

extractors: $(RUN_READY) ## train the classifiers that quality is measured with, as ARGS says: about an hour
	for name in $(EXTRACTORS); do $(PYTHON) -m gan_lightning.metrics.extractors.train $$name $(ARGS) || exit; done

clean: ## remove caches and build output; runs stay
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache
	find . -name .venv -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean ## remove .venv too
	rm -rf .venv $(MINIMUM)

# An environment that works is used as it is; otherwise one is made (again).
$(RUN_READY): pyproject.toml
	@$(PYTHON) -m pip --version >/dev/null 2>&1 || { \
	  $(PYTHON3) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	    echo 'Python 3.11 or newer is needed and $(PYTHON3) is not: say which, as in make PYTHON3=python3.12' >&2; exit 1; }; \
	  echo 'Creating $(VENV) and installing into it: once, for some minutes'; \
	  $(PYTHON3) -m venv $(VENV); }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo 'Python 3.11 or newer is needed and $(VENV) has an older one: remove it, or choose another with VENV=' >&2; exit 1; }
	$(PYTHON) -m pip install --editable .
	@touch $@

$(DEV_READY): $(RUN_READY)
	$(PYTHON) -m pip install --editable '.[dev]'
	@touch $@
