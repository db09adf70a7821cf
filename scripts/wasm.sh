#!/usr/bin/env bash
# Checks that the core (theory, files, networks, choice of notes, sessions, takes) builds for the browser: no tract, no
# ports, no threads. Skipped, with a word, where the target can't be installed.
set -euo pipefail
cd "$(dirname "$0")/.."

target=wasm32-unknown-unknown
if ! rustup target list --installed 2>/dev/null | grep -qx "$target" && ! rustup target add "$target" >/dev/null 2>&1; then
    echo "note: the core was not checked for the browser: no Rust for $target (rustup target add $target)" >&2
    exit 0
fi
packages=()
for crate in theory files contract network harmonizer session live; do
    packages+=(-p "chorale-$crate")
done
cargo check --release --target "$target" "${packages[@]}" --no-default-features
