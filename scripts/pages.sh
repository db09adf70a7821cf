#!/usr/bin/env bash
# What others make of our files (tests/tests/pages.rs), in MuseScore, Chromium, and by the MusicXML schema, and of our sockets
# (performer/tests/serve.rs). What comes from PyPI is in a virtual environment of its own (.venv).
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh pages
PYTHON="$PWD/.venv/bin/python" scripts/checked.sh test --workspace --test pages --test serve -- --ignored --nocapture --test-threads 1
