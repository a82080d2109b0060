# make demo           install what is missing, and count at a simulated entrance
# CAMERA=… make run   install what is missing, and count at a camera
# make test           install what is missing, check the code, and run every test
# make check          what `make test` runs, without installing anything of the system
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
SUDO = $(shell [ "$$(id -u)" = 0 ] || echo sudo)

# What the tests use besides Python: a browser for the pages, a real RTSP camera, a font with Arabic.
TEST_PACKAGES = chromium fonts-noto-core python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-base \
	gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly

.PHONY: demo run test check lint types unit install system-test format clean

demo: install
	$(BIN)/metrica-launch --demo

run: install
	@test -n "$$CAMERA" || { echo "say which camera: CAMERA=rtsp://user:password@192.168.1.10/stream1 make run (a video file will do)"; exit 2; }
	@DOOR_RTSP="$$CAMERA" $(BIN)/metrica-launch launch/store.yaml

test: system-test $(VENV)/.installed-dev check

check: lint types unit

lint:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types:
	$(BIN)/mypy
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/pyright

unit:
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/pytest -n 2 --dist loadfile

install: $(VENV)/.installed

$(VENV)/.installed: setup.cfg pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable .
	touch $@

$(VENV)/.installed-dev: setup.cfg pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable '.[dev]'
	touch $(VENV)/.installed $@

system-test:
	@dpkg -s $(TEST_PACKAGES) >/dev/null 2>&1 || { $(SUDO) apt-get update && $(SUDO) apt-get install -y $(TEST_PACKAGES); }

format:
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
