#!/usr/bin/env bash
# The README's timings: bench.sh [--json]. Compares with onnxruntime in a virtual environment of its own (.venv) when
# Python is there and can install it; otherwise that comparison is left out, with a message.
set -euo pipefail
cd "$(dirname "$0")/.."

python=.venv/bin/python
if ! "$python" -c 'import numpy, onnxruntime' 2>/dev/null; then
    echo "preparing onnxruntime in .venv" >&2
    { "${PYTHON:-python3}" -m venv .venv && "$python" -m pip install -q numpy onnxruntime; } >&2 || python=
fi
cargo bench -q --workspace --bench speed -- ${python:+--python "$PWD/$python"} "$@"
