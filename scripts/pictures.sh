#!/usr/bin/env bash
# Makes what the README shows, from the program itself: docs/pictures/score.png (demo/st_anne.abc, engraved by MuseScore),
# st_anne.ogg (the same by our organ), screen.svg (performer play in a terminal, while JACK's jack_midiseq plays a tune) and
# page.png (the browser page, while the same tune is played on the computer's keys).
#
#     scripts/pictures.sh [PERFORMER]        # target/release/performer by default
set -euo pipefail
cd "$(dirname "$0")/.."
performer=$(realpath "${1:-${CARGO_TARGET_DIR:-target}/release/performer}")
for what in pages live pictures page-check; do scripts/setup.sh "$what"; done
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

# Of the seeds 1 to 24 one of those that a teacher would mark least.
"$performer" render demo/st_anne.abc -o "$out/score.musicxml" -o "$out/st_anne.wav" --staves 2 --seed 20 >/dev/null
QT_QPA_PLATFORM=offscreen mscore3 -T 24 -r 110 -o "$out/score.png" "$out/score.musicxml" >/dev/null 2>&1
oggenc --quiet --quality 0 --downmix --comment "TITLE=St Anne, harmonized by performer" -o "$out/st_anne.ogg" "$out/st_anne.wav"

cat >"$out/play.sh" <<'PLAY'
set -eu
performer=$1 out=$2
tmux() { command tmux -S "$out/tmux" "$@"; }
trap 'tmux kill-server 2>/dev/null || true' EXIT
# St Anne at 96 to the minute, as pairs of START KEY LENGTH in frames of 48 kHz.
notes=() start=96000
for key in 67 64 69 67 72 72 71 72 67 72 67 69 66 67; do
    notes+=("$start" "$key" 28000)
    start=$((start + 30000))
done
jack_midiseq keyboard 600000 "${notes[@]}" >/dev/null 2>&1 &
sleep 1
tmux new-session -d -x 120 -y 30 "$performer play --midi jack --input keyboard --virtual --tempo 96 --pickup 1 --no-take 2>$out/talk"
for _ in $(seq 100); do grep -q ^READY "$out/talk" 2>/dev/null && break; sleep 0.1; done
sleep 8
tmux capture-pane -e -p >"$out/screen.ansi"
PLAY
bash performer/tests/live/jack_sandbox.sh 256 bash "$out/play.sh" "$performer" "$out"
python3 scripts/screen_svg.py <"$out/screen.ansi" >"$out/screen.svg"

scripts/page.sh
(cd web/tests && npm ci --no-audit --no-fund --silent && node picture.mjs "$out/page.png")

mkdir -p docs/pictures
cp "$out"/score-1.png docs/pictures/score.png
cp "$out"/{st_anne.ogg,screen.svg,page.png} docs/pictures/
ls -l docs/pictures
