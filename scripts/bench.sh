#!/usr/bin/env bash
# The table of speeds of docs/PERFORMANCE.md: bench.sh [--long] [--json]. The live rows come first (scripts/bench_live.sh, which --long
# is for). Compares with onnxruntime in a virtual environment of its own (.venv) when Python is there and can install it,
# and with PyTorch where that was installed there (.venv/bin/python -m pip install torch); what is left out is told.
set -euo pipefail
cd "$(dirname "$0")/.."

long=
if [ "${1:-}" = --long ]; then
    long=--long
    shift
fi
python=.venv/bin/python
if ! "$python" -c 'import numpy, onnxruntime' 2>/dev/null; then
    echo "preparing onnxruntime in .venv" >&2
    { "${PYTHON:-python3}" -m venv .venv && "$python" -m pip install -q numpy onnxruntime; } >&2 || python=
fi
mkdir -p target
live=$PWD/target/live.json
if ! scripts/bench_live.sh $long --json >"$live"; then
    echo "note: scripts/bench_live.sh failed, as said above; the live rows were left out" >&2
    live=
fi
cargo bench -q --workspace --bench speed -- ${python:+--python "$PWD/$python"} ${live:+--live "$live"} "$@"
