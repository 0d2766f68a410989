# Semblance: `make demo` shows it, `make test` checks it. Everything needed is set up in .venv by itself.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help demo test bench zip dev-install lint clean which-python

# The interpreter of version $(1): on the PATH, or one of pyenv's that no shim leads to.
find_python = $(shell for p in python$(1) $(HOME)/.pyenv/versions/$(1).*/bin/python$(1) python3; do \
	"$$p" -c 'import sys; sys.exit("%d.%d" % sys.version_info[:2] != "$(1)")' 2>/dev/null && { echo "$$p"; break; }; done)
PYTHON311 := $(call find_python,3.11)
PYTHON313 := $(call find_python,3.13)
# Python 3.11 goes with Blender 4.5 and can run every rival; 3.13 goes with Blender 5.2.
PYTHON ?= $(or $(PYTHON311),$(PYTHON313))
.venv-3.13/%: PYTHON = $(PYTHON313)
RUN := .venv/bin/python
# The second half of the matrix, where both interpreters are here.
SECOND := $(if $(PYTHON311),$(if $(PYTHON313),.venv-3.13))
# Three processes for two cores, because a quarter of the time tests wait for clocks, servers and processes that they
# started; each with whole files: what a file has set up serves all its tests.
PYTEST := -m pytest -n 3 --dist loadfile
PIP := -m pip install --quiet --disable-pip-version-check

help:
	@echo "make demo         track the clip in assets/, drive Pip with it, write out/demo.blend, .mp4 and .png"
	@echo "make test         the whole suite: Python 3.11 with Blender 4.5, and Python 3.13 with Blender 5.2 if present"
	@echo "make bench        the figures beside their rivals (NAMES=\"tracking blender\" picks some)"
	@echo "make zip          the extension to install in Blender, in out/ (PLATFORM=all for every system)"
	@echo "make dev-install  link this checkout into a Blender (BLENDER=/path/to/blender)"
	@echo "make lint         ruff and mypy"
	@echo "make clean        remove out/ and the virtual environments"

demo: .venv/runtime.stamp
	$(RUN) -m addon.commands demo

test: .venv/development.stamp $(SECOND:=/development.stamp)
	$(RUN) $(PYTEST)
ifneq ($(SECOND),)
	@echo "── the same with Python 3.13 and Blender 5.2"
	$(SECOND)/bin/python $(PYTEST)
endif

bench: .venv/development.stamp
	$(RUN) -m training.bench $(NAMES)

zip: .venv/runtime.stamp
	$(RUN) packaging/build_zip.py $(PLATFORM)

BLENDER ?= blender
dev-install: .venv/runtime.stamp
	$(RUN) packaging/dev_install.py --blender '$(BLENDER)'

lint: .venv/development.stamp
	$(RUN) -m ruff check .
	$(RUN) -m mypy addon

clean:
	rm -rf out .venv .venv-3.13

# The interpreter that .venv is made with; nothing where there is none.
which-python:
	@echo $(PYTHON)

VENVS := .venv .venv-3.13
# What users have: the command line, Blender as a module.
$(VENVS:=/runtime.stamp): %/runtime.stamp: pyproject.toml
	@[ -n "$(PYTHON)" ] || { echo "Semblance needs Python 3.11 or 3.13: sudo apt-get install python3.11 python3.11-venv"; exit 1; }
	@$(PYTHON) -m addon.commands.system_libraries --install
	@echo "Setting up $* with $(PYTHON) (about 1 GB the first time, mostly Blender's module) ..."
	@$(PYTHON) -m venv $*
	@$*/bin/python $(PIP) --editable '.[blender]'
	@touch $@

# What developers have on top: tests, training, and MediaPipe as the rival (see pyproject.toml for its --no-deps).
$(VENVS:=/development.stamp): %/development.stamp: %/runtime.stamp
	@echo "Adding the development packages to $* ..."
	@$*/bin/python $(PIP) --editable '.[blender,dev,train,rival]'
	@$*/bin/python $(PIP) --no-deps "mediapipe==0.10.21; python_version < '3.13'"
	@touch $@
