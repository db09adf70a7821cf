#!/usr/bin/env bash
# Builds the browser page into web/dist: chorale.html, one file that holds everything, and site/, the same for a server.
# With `check` also plays it: the module in Node, the page in Chromium.
# Skipped, with a word, where Rust for the browser can't be installed.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! scripts/setup.sh page; then
    echo "note: the page was not built" >&2
    exit 0
fi
target=wasm32-unknown-unknown
folder=${CARGO_TARGET_DIR:-target}
CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS="-C target-feature=+simd128" \
    cargo build --profile page --target "$target" -p chorale-web --lib
cargo run --release --quiet -p assemble -- "$folder/$target/page/chorale_web.wasm" models/wavenet.onnx \
    web/page crates/engraving/src/page web/dist
[ "${1:-}" = check ] || exit 0

scripts/setup.sh page-check
node web/tests/speed.mjs web/dist/site/chorale.wasm models/wavenet.onnx
scripts/checked.sh test --workspace --test page -- --ignored --nocapture --test-threads 1
cd web/tests
npm ci --no-audit --no-fund --silent
npm run --silent format
PYTHON="$OLDPWD/.venv/bin/python" node --test --test-concurrency=1 *.test.mjs
