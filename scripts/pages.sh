#!/usr/bin/env bash
# What others make of our files (tests/tests/pages.rs), in MuseScore, Chromium, oggdec, lame, and by the MusicXML schema; of our
# plugin for MuseScore (tests/tests/musescore.rs) and of our sockets (performer/tests/serve.rs). What comes from PyPI is in a virtual environment of its own (.venv).
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh pages
PYTHON="$PWD/.venv/bin/python" scripts/checked.sh test --workspace --test pages --test musescore --test serve -- --ignored --nocapture --test-threads 1
