# Two commands: `make demo` and `make test`. Each sets up .venv as far as it needs and is quick the second time.
PYTHON ?= python3.11
VENV := .venv
TRITON := .venv-triton
TORCH := .venv-torch
BIN := $(VENV)/bin
ARGS ?=
EXTRAS ?= dev

TORCH_TESTS := tests/unit/training/test_learning.py tests/unit/training/test_training_run.py \
  tests/unit/language/test_local.py tests/unit/language/test_make.py tests/unit/voice/test_whisper.py

.PHONY: demo test soak lint triton torch bench screenshots clean help

help:  ## say what there is
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 8

demo: $(VENV)/.base  ## run the virtual line with everything embedded; make demo ARGS="--parts 50 --headless"
	@$(BIN)/inspector demo $(ARGS)

test: $(VENV)/.dev  ## run all tests; make test ARGS="-k plc"
	$(BIN)/python -m pytest $(ARGS)

soak: $(VENV)/.dev  ## run the long fault tests: hours of kills, cuts and crashes in minutes
	$(BIN)/python -m pytest -m soak $(ARGS)

lint: $(VENV)/.dev  ## ruff, mypy --strict, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Debian's interpreter: the server loads libpython3.11.so.1.0 from where the loader looks.
triton: $(TRITON)/.ready  ## set up a Triton Inference Server on the processor, for the tests that talk to one

$(TRITON)/.ready:
	@echo "Setting up $(TRITON) (about half a minute) ..."
	@/usr/bin/python3.11 -m venv $(TRITON)
	@$(TRITON)/bin/python -m pip install --quiet --disable-pip-version-check \
	  'nvidia-pytriton==0.7.0' 'numpy<2' 'onnxruntime>=1.20'
	@touch $@

# Apart: the other tests prove that nothing on the line needs torch.
torch: $(TORCH)/.ready  ## run the tests of training and of transformers models, in an environment of their own (8 GB)
	$(TORCH)/bin/python -m pytest $(TORCH_TESTS) $(ARGS)

$(TORCH)/.ready: pyproject.toml
	@echo "Setting up $(TORCH) (some minutes) ..."
	@$(PYTHON) -m venv $(TORCH)
	@$(TORCH)/bin/python -m pip install --quiet --disable-pip-version-check -e '.[dev,train,language,whisper,voice]'
	@touch $@

bench: $(VENV)/.base  ## measure the verdict path on this machine
	@$(BIN)/inspector bench $(ARGS)

screenshots: $(VENV)/.dev  ## take the pictures of the documentation again, of the demonstration as it runs
	$(BIN)/python -m tests.support.screenshots docs/images

clean:  ## remove what was set up and cached
	rm -rf $(VENV) $(TRITON) $(TORCH) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage dist build

# Debian's and pyenv's interpreters both answer to python3.11; elsewhere any newer python3 will do.
$(VENV)/bin/python:
	@command -v $(PYTHON) >/dev/null && $(PYTHON) -m venv $(VENV) || python3 -m venv $(VENV)

$(VENV)/.base: pyproject.toml | $(VENV)/bin/python
	@echo "Setting up $(VENV) (about a minute the first time) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(VENV)/.dev: pyproject.toml | $(VENV)/bin/python
	@echo "Setting up $(VENV) for development (about a minute the first time) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[$(EXTRAS)]'
	@touch $@ $(VENV)/.base
