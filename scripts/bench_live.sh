#!/usr/bin/env bash
# The live figures of docs/PERFORMANCE.md, through a real JACK server: bench_live.sh [--long] [--json]
# or an hour of dense playing: bench_live.sh --soak [SECONDS]
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh live
cargo build -q --release -p performer --bins --example echo
cargo bench -q -p performer --bench live -- "$@"
