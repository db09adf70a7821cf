#!/usr/bin/env bash
# Checks that everything which a page needs builds for the browser: no tract, no ports, no threads, and no library that
# wants something from JavaScript. `make page` builds it.
# Skipped, with a word, where the target can't be installed.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! scripts/setup.sh page; then
    echo "note: the core was not checked for the browser" >&2
    exit 0
fi
target=wasm32-unknown-unknown
if cargo tree --target "$target" -p chorale-web -e normal -i wasm-bindgen 2>/dev/null | grep .; then
    echo "error: with these the module would need more than plain WebAssembly gives" >&2
    exit 1
fi
cargo check --release --target "$target" -p chorale-web --lib
