#!/usr/bin/env bash
# What others make of our files (tests/tests/pages.rs), in MuseScore, Chromium, and by the MusicXML schema, which comes in
# a Python virtual environment of its own (.venv).
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh pages
PYTHON="$PWD/.venv/bin/python" scripts/checked.sh test --workspace --test pages -- --ignored --nocapture --test-threads 1
