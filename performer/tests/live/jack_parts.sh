#!/usr/bin/env bash
# jack_parts.sh PERFORMER OUT
#
# To be run in jack_sandbox.sh. PERFORMER follows a player without a clock, with a port for each part and settings of their
# own; lines on its stdin hold the harmony and end it. Leaves in the folder OUT: `alto`, `tenor` and `bass` (jack_midi_dump's
# records of what it sent there), `json` and `talk` (its stdout and stderr), `status`.
set -eu
. "$(dirname "$0")/jack_common.sh"

record alto tenor bass
cat >"$out/settings.toml" <<'SETTINGS'
clock = "follow"
tempo = 110
[alto]
channel = 3
octave = 1
velocity = 0.5
[tenor]
muted = true
[bass]
program = 20
SETTINGS
# Quarters at 120 beats a minute: START KEY LENGTH ...
jack_midiseq player 192000 0 67 23000 24000 69 23000 48000 71 23000 72000 72 23000 96000 71 23000 120000 69 23000 \
  144000 67 23000 168000 66 23000 >/dev/null 2>&1 &
others+=($!)
sleep 0.7

mkfifo "$out/typed"
exec 3<>"$out/typed"
"$performer" play --midi jack --input player --ports per-part --virtual --config "$out/settings.toml" --json --no-take \
  <&3 >"$out/json" 2>"$out/talk" &
playing=$!
others+=("$playing")
until_ready "$out/talk"
for part in alto tenor bass; do jack_connect "performer:$part" "$part:input"; done
sleep 6
echo h >&3
sleep 2
echo h >&3
sleep 0.5
echo q >&3
status=0
wait "$playing" || status=$?
echo "$status" >"$out/status"
sleep 0.3
