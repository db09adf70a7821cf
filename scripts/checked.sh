#!/usr/bin/env bash
# Cargo as the tests want it (scripts/checked.toml): checked.sh test --workspace
# What is compiled on the way lies with that of ordinary builds; the programs lie apart, in target/checked/release, so
# that target/release/performer stays the fast one.
set -euo pipefail
cd "$(dirname "$0")/.."

target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
command=$1
shift
CARGO_BUILD_BUILD_DIR="$target" CARGO_TARGET_DIR="$target/checked" \
    exec cargo --config scripts/checked.toml "$command" --release "$@"
