#!/usr/bin/env bash
# Whether two builds of performer write the same bytes: same_bytes.sh OLD NEW [FILE...]
# Renders the demo's melody, new chorales that OLD writes and any files given, with the options below and without any into
# every format, and compares what comes out. For changes that must not change the music.
set -euo pipefail
[ $# -ge 2 ] || { sed -n '2,4s/^# \{0,1\}//p' "$0" >&2; exit 2; }
old=$(realpath "$1") new=$(realpath "$2")
shift 2
files=("$(realpath "$(dirname "$0")/../demo/melody.mid")")
for file in "$@"; do files+=("$(realpath "$file")"); done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

for seed in 1 2; do
    "$old" generate -o "new$seed.musicxml" --seed "$seed" --steps 96 --quiet
    files+=("$work/new$seed.musicxml")
done
formats=(mid musicxml json)
other_formats=(mxl svg png html wav)
options=(
    ""
    "--live"
    "--live --model lstm --seed 5"
    "--model lstm --seed 2 --temperature 1.1"
    "--ranges SAB"
    "--ranges TTBB --staves 2 --marks"
    "--density beats --key Eb --title Nun"
    "--melody-part tenor"
    "--no-guard --particles 4"
    "--transpose -3 --rule crossing=0"
)
compared=0 different=0
compare() { # compare WHAT: the folders old and new
    local file
    for file in old/*; do
        compared=$((compared + 1))
        cmp -s "$file" "new/${file#old/}" || { different=$((different + 1)); echo "differs: $1: ${file#old/}"; }
    done
}
for file in "${files[@]}"; do
    for option in "${options[@]}"; do
        for side in old new; do
            rm -rf "$side" && mkdir "$side"
            outputs=()
            all=("${formats[@]}")
            [ -n "$option" ] || all+=("${other_formats[@]}")
            for format in "${all[@]}"; do outputs+=(-o "$side/out.$format"); done
            # shellcheck disable=SC2086 # the options are words
            "${!side}" render "$file" "${outputs[@]}" $option >"$side/shown" 2>"$side/said" || echo "exit $?" >>"$side/said"
            # How long it took, and the folder, are no part of the music.
            sed -i -e 's/ in [0-9.]* s$//' -e "s,$side/out,out,g" "$side/said" "$side/shown"
            if [ -f "$side/out.musicxml" ]; then "${!side}" explain "$side/out.musicxml" >"$side/explained" 2>&1 || true; fi
        done
        compare "$(basename "$file") ${option:-without options}"
    done
done
for side in old new; do
    rm -rf "$side" && mkdir "$side"
    for seed in 4 5; do "${!side}" generate -o "$side/$seed.mid" --seed "$seed" --steps 128 --model lstm >"$side/$seed.shown" 2>/dev/null; done
done
compare generate
echo "$compared files compared, $different differ"
[ "$different" -eq 0 ]
