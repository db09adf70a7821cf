#!/usr/bin/env bash
# Compiles program and plugin for macOS as far as it goes without Apple's SDK, which is up to linking, and lints them.
# Skipped, with a word, where the target can't be installed.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! scripts/setup.sh macos; then
    echo "note: nothing was checked for macOS" >&2
    exit 0
fi
# Nothing is linked, so that nothing must be compiled of what is no Rust.
export CC_aarch64_apple_darwin=true AR_aarch64_apple_darwin=true
cargo clippy --release --target aarch64-apple-darwin -p performer -p chorale-plugin --no-default-features -- -D warnings
