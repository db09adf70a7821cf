#!/usr/bin/env bash
# Runs each fuzz target for so many seconds: fuzz.sh [SECONDS [TARGET...]]. See fuzz/README.md.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-30}
shift || true
command -v cargo-fuzz >/dev/null || { echo "error: cargo-fuzz is missing: cargo install cargo-fuzz" >&2; exit 1; }
# Coverage needs what only nightly compilers switch on; a stable one does it when it is told to.
export RUSTC_BOOTSTRAP=1
if [ ! -d fuzz/corpus/take ]; then
    # For the network's target a tiny one, trained for an epoch on a scale.
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    for split in train valid test; do
        mkdir -p "$work/data/$split"
        awk 'BEGIN { print "note0,note1,note2,note3"
                     for (step = 0; step < 300; step++) { up = int(step / 4) % 7; print 67 + up "," 60 + up ",55," 43 + up } }' \
            > "$work/data/$split/scale.csv"
    done
    cargo build --release --workspace --bins
    target/release/trainer train lstm --data "$work/data" --epochs 1 --width 4 --layers 1 --head-width 4 --out "$work/run"
    target/release/trainer export "$work/run/best.safetensors" --data "$work/data" -o "$work/small.onnx"
    cargo run --release --manifest-path fuzz/Cargo.toml --features performer --bin seeds -- "$work/small.onnx"
fi
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(midi_file musicxml data_set render live_midi settings take network)
for target in "${targets[@]}"; do
    echo "== $target" >&2
    # Without an address sanitizer: what we look for are panics, endless loops and memory without end.
    cargo fuzz run -s none --features performer "$target" -- \
        -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1
done
