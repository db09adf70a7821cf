#!/usr/bin/env bash
# jack_hands.sh PERFORMER OUT
#
# To be run in jack_sandbox.sh. Lets jack_midiseq play a melody as hands do: each key early or late by up to 36 ms, every
# other one legato. Leaves in the folder OUT: `ours` (jack_midi_dump's record of what PERFORMER sent), `talk` and `chords`
# (PERFORMER's stderr and stdout), `status`.
set -eu
. "$(dirname "$0")/jack_common.sh"

record ours

"$performer" play --midi jack --tempo 80 --output ours --take-folder "$out/takes" >"$out/chords" 2>"$out/talk" &
playing=$!
others+=("$playing")
until_ready "$out/talk"

# A beat is 36,000 frames, a millisecond 48.
keys=(72 74 76 77 79 77 76 74 72 71 72 74 76 79 77 76 74 72)
late=(0 18 -12 25 -22 9 31 -5 -28 14 22 -17 3 36 -8 20 -30 11)
notes=()
for number in "${!keys[@]}"; do
  start=$((36000 * number + 48 * late[number]))
  next=$((36000 * (number + 1) + 48 * ${late[number + 1]:-0}))
  if ((number % 2)); then overlap=1700; else overlap=-2900; fi
  notes+=("$start" "${keys[number]}" $((next + overlap - start)))
done
jack_midiseq player 720000 "${notes[@]}" >/dev/null 2>&1 &
others+=($!)
sleep 0.5
jack_connect player:out performer:in
sleep 14.5
jack_disconnect player:out performer:in

end_playing "$out/status"
sleep 0.3
