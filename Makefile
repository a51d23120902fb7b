# make demo | test | test-shared | check | bench | bench-exact | bench-prior | train-tiny; SHARED is the folder with real data and weights.
PYTHON ?= python3
SHARED ?= ../shared
VENV := .venv
PY := $(VENV)/bin/python
DONE := $(VENV)/.installed


.PHONY: demo test test-shared check bench bench-exact bench-prior train-tiny

$(DONE): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --upgrade-strategy only-if-needed -c constraints.txt -e ".[dev]"
	touch $@

demo: $(DONE)
	$(PY) -m oneseed.demo demo

test: $(DONE)
	OMP_NUM_THREADS=1 $(PY) -m pytest -q -m "not shared"

test-shared: $(DONE)
	ONESEED_SHARED=$(SHARED) OMP_NUM_THREADS=1 $(PY) -m pytest -q -m shared

check: $(DONE)
	$(PY) -m ruff check . && $(PY) -m ruff format --check . && $(PY) -m pyright

bench: $(DONE)
	$(PY) -m bench --davis $(SHARED)/data/davis --output runs/bench --tasks "mask downsample motion-blur+noise temporal-blur+noise both+noise"

bench-exact: $(DONE)
	$(PY) -m bench --davis $(SHARED)/data/davis --output runs/bench --tasks "motion-blur temporal-blur both" --methods "cgls draft balanced"

bench-prior: $(DONE)
	$(PY) -m bench.prior --kodak $(SHARED)/data/kodak --perceptual $(SHARED)/weights/lpips_alexnet.safetensors
	$(PY) -m bench.seeds --davis $(SHARED)/data/davis --output runs/seeds.png

train-tiny: $(DONE)
	$(VENV)/bin/oneseed train $(SHARED)/data/photos-288.tar runs/tiny --perceptual $(SHARED)/weights/lpips_alexnet.safetensors --validate $(SHARED)/data/kodak
