#!/usr/bin/env bash
# jack_click.sh PERFORMER OUT
#
# To be run in jack_sandbox.sh. PERFORMER counts a bar in and clicks on; jack_midiseq comes in some beats later. Leaves in
# the folder OUT: `ours` (jack_midi_dump's record of what PERFORMER sent), `sound.wav` (the count-in as jack_rec has it),
# `json` and `talk` (PERFORMER's stdout and stderr), `takes`, `status`.
set -eu
. "$(dirname "$0")/jack_common.sh"

record ours

"$performer" play --midi jack --clock strict --tempo 120 --click --count-in 1 --output ours --synth --json \
  --take-folder "$out/takes" >"$out/json" 2>"$out/talk" &
playing=$!
others+=("$playing")
until_ready "$out/talk"
jack_rec -f "$out/sound.wav" -d 2 performer:left performer:right >/dev/null 2>&1
jack_midiseq player 96000 0 72 23000 24000 74 23000 48000 76 23000 72000 74 23000 >/dev/null 2>&1 &
others+=($!)
sleep 0.5
jack_connect player:out performer:in
sleep 5
jack_disconnect player:out performer:in

end_playing "$out/status"
sleep 0.3
