#!/usr/bin/env bash
# What others make of our files (tests/tests/pages.rs), in MuseScore, Chromium, and by the MusicXML schema, which comes in
# a Python virtual environment of its own (.venv).
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh pages
python=.venv/bin/python
if ! "$python" -c 'import musicxml, xmlschema' 2>/dev/null; then
    echo "preparing the MusicXML schema in .venv" >&2
    { "${PYTHON:-python3}" -m venv .venv && "$python" -m pip install -q musicxml xmlschema; } >&2
fi
PYTHON="$PWD/$python" scripts/checked.sh test --workspace --test pages -- --ignored --nocapture --test-threads 1
