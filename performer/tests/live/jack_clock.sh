#!/usr/bin/env bash
# jack_clock.sh PERFORMER OUT
#
# To be run in jack_sandbox.sh. PERFORMER plays in the time of jack_midi_clock, which follows jack_transport: it starts,
# stops, is sent to sixteenth 84 and goes on there, dies and comes back; then the cable to the keyboard is pulled under a
# chord and put in again, and the one to the instrument. Leaves in the folder OUT: `ours` (jack_midi_dump's record of what PERFORMER sent), `clock` (of
# what the master sent), `json` and `talk` (PERFORMER's stdout and stderr), `takes`, `status`.
set -eu
. "$(dirname "$0")/jack_common.sh"

record ours clock
start_master() {
  jack_midi_clock -b 120 -d 0.5 >/dev/null 2>&1 &
  master=$!
  disown
  others+=("$master")
  sleep 0.7
}
start_master
# Quarters at 120 beats a minute without gaps, so that a chord always sounds: START KEY LENGTH ...
jack_midiseq player 96000 0 72 24000 24000 74 24000 48000 76 24000 72000 74 24000 >/dev/null 2>&1 &
others+=($!)
sleep 0.7

# Only a timecode master's place is told as a song position; it is one as long as it runs.
mkfifo "$out/transport"
jack_transport <"$out/transport" >/dev/null 2>&1 &
others+=($!)
exec 3>"$out/transport"
printf 'tempo 120\nmaster\n' >&3

"$performer" play --midi jack --clock midi --clock-input jack_midi_clock --input player --output ours --json --take-folder "$out/takes" \
  >"$out/json" 2>"$out/talk" &
playing=$!
others+=("$playing")
until_ready "$out/talk"
jack_connect jack_midi_clock:mclk_out clock:input
echo play >&3
sleep 3
printf 'stop\nlocate 480000\n' >&3
sleep 1
echo play >&3
sleep 3

kill "$master"
for _ in $(seq 50); do grep -q 'has stalled' "$out/talk" && break; sleep 0.1; done
sleep 2
start_master # its cable is put in again by PERFORMER
for _ in $(seq 50); do grep -q 'is back' "$out/talk" && break; sleep 0.1; done
sleep 1

jack_disconnect player:out performer:in
sleep 1
jack_connect player:out performer:in
sleep 2
jack_disconnect performer:out ours:input
sleep 0.3
jack_connect performer:out ours:input
sleep 1
end_playing "$out/status"
sleep 0.3
