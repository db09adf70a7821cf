#!/usr/bin/env bash
# jack_play.sh PERFORMER OUT
#
# To be run in jack_sandbox.sh. Lets jack_midiseq play a melody into PERFORMER and jack_midi_dump record, both of jackd's
# own tools. Leaves in the folder OUT: `ours` (what PERFORMER sent), `both` (what PERFORMER and the player sent, on one
# time line), `talk` and `chords` (PERFORMER's stderr and stdout), `status` (its exit status after SIGINT).
#
# Clients are started one at a time and left alone until their ports are there: jackd can get stuck otherwise.
set -eu
. "$(dirname "$0")/jack_common.sh"

record ours both

"$performer" play --midi jack --tempo 120 --output ours --take-folder "$out/takes" >"$out/chords" 2>"$out/talk" &
playing=$!
others+=("$playing")
until_ready "$out/talk"

# A step is 6000 frames. START KEY LENGTH ..., again and again: two beats with a gap, the same note twice, eighths,
# sixteenths, one just before its beat, a note held for four beats, then nothing for three beats.
jack_midiseq player 336000 \
  0 72 23000 24000 74 23000 48000 74 11000 60000 72 12000 72000 71 6000 78000 72 6000 84000 74 6000 \
  95500 76 23000 120000 67 6000 126000 84 40000 168000 72 96000 >/dev/null 2>&1 &
others+=($!)
sleep 0.5

jack_connect performer:out both:input
jack_connect player:out both:input
jack_connect player:out performer:in
sleep 15
jack_disconnect player:out performer:in

end_playing "$out/status"
sleep 0.3
