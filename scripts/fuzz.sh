#!/usr/bin/env bash
# Runs each fuzz target for so many seconds: fuzz.sh [SECONDS [TARGET...]]. See fuzz/README.md.
# fuzz.sh --keep [TARGET...] puts what the corpus has found into fuzz/saved, without what covers nothing new.
set -euo pipefail
cd "$(dirname "$0")/.."

keep=
if [ "${1:-}" = --keep ]; then
    keep=1
    shift
else
    seconds=${1:-30}
    shift || true
fi
scripts/setup.sh fuzz
scripts/checked.sh run -q --bin fuzz_seeds
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(midi_file musicxml abc data_set render live_midi remote settings take network own_network)
run() { # run TARGET FOLDERS-AND-OPTIONS...
    # Without an address sanitizer: what we look for are panics, endless loops and memory without end. Coverage needs
    # what only nightly compilers switch on; a stable one does it when it is told to.
    RUSTC_BOOTSTRAP=1 cargo fuzz run -s none "$@" -timeout=30 -rss_limit_mb=2048
}
# A short run tries the same every time, so that a change is not blamed for a chance; a long one looks for new things.
if [ -z "$keep" ] && [ "$seconds" -le 60 ]; then chance=1; else chance=$RANDOM; fi
for target in "${targets[@]}"; do
    corpus=fuzz/corpus/$target
    saved=fuzz/saved/$target.tgz
    if [ ! -d "$corpus" ]; then
        mkdir -p "$corpus"
        [ ! -f "$saved" ] || tar -xzf "$saved" -C "$corpus"
    fi
    if [ -n "$keep" ]; then
        kept=$(mktemp -d)
        # The seeds are made anew anyway. Longer inputs are left to them.
        run "$target" "$kept" "fuzz/seeds/$target" "$corpus" -- -set_cover_merge=1 -max_len=2048
        mkdir -p fuzz/saved
        tar -cz --sort=name --mtime=@0 --owner=0 --group=0 -f "$saved" -C "$kept" .
        rm -r "$kept"
        ls -l "$saved"
        continue
    fi
    echo "== $target" >&2
    run "$target" "$corpus" "fuzz/seeds/$target" -- -max_total_time="$seconds" -seed="$chance" -print_final_stats=1
done
