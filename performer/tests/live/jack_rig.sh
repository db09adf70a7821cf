#!/usr/bin/env bash
# jack_rig.sh PERFORMER OUT
#
# To be run in jack_sandbox.sh. PERFORMER plays in the time of jack_midi_clock, sounds by itself (jack_rec records), and
# is put through what happens on a stage: its keyboard dies with a note down and comes back, SIGUSR1 asks for silence,
# the transport stops. Leaves in the folder OUT: `ours` (jack_midi_dump's record of what PERFORMER sent), `sound.wav`,
# `json` and `talk` (PERFORMER's stdout and stderr), `takes`, `connected` (jack_lsp when the keyboard is back), `status`.
set -eu
. "$(dirname "$0")/jack_common.sh"

record ours
jack_midi_clock -b 120 >/dev/null 2>&1 &
others+=($!)
sleep 0.5
# Four beats of 24000 frames, the last one held: START KEY LENGTH ...
keyboard() {
  jack_midiseq player 192000 0 72 23000 24000 74 23000 48000 76 23000 72000 74 23000 96000 72 90000 >/dev/null 2>&1 &
  player=$!
  disown
  others+=("$player")
  sleep 0.7
}
keyboard

"$performer" play --midi jack --clock midi --input player --output ours --synth --json \
  --take-folder "$out/takes" >"$out/json" 2>"$out/talk" &
playing=$!
others+=("$playing")
until_ready "$out/talk"
jack_connect jack_midi_clock:mclk_out performer:in
jack_rec -f "$out/sound.wav" -d 4 performer:left performer:right >/dev/null 2>&1 &
others+=($!)
sleep 0.5
echo play | jack_transport >/dev/null 2>&1
sleep 6

kill -KILL "$player"
sleep 2
keyboard
sleep 2.5
jack_lsp -c >"$out/connected"
kill -USR1 "$playing"
sleep 2
echo stop | jack_transport >/dev/null 2>&1
sleep 1
end_playing "$out/status"
sleep 0.3
