#!/usr/bin/env bash
# jack_faults.sh PERFORMER OUT
#
# To be run in jack_sandbox.sh. Leaves in the folder OUT:
# - `talk_full`, `status_full`, `full_left`, `chords_before`, `chords_after`: PERFORMER recorded its take on a full disk
#   until SIGHUP; the lines of its stdout when it noticed and three seconds later;
# - `talk_read_only`, `status_read_only`: its take folder could not be written;
# - `killed`, `after`: what PERFORMER sent until it was killed in the middle of a chord, and what the next one sent; the
#   network's file was overwritten while the first played; `replay`: what `performer replay` says of the killed one's
#   take; `killed_ms`, `take_ms`: when it was killed and when the take's MIDI file was written last.
set -eu
performer=$1
out=$2
model=$(dirname "$0")/../../../models/lstm.onnx

others=()
trap 'kill -KILL "${others[@]}" 2>/dev/null || true' EXIT
ready() { # ready TALK
  for _ in $(seq 300); do grep -q '^READY' "$1" && return; sleep 0.1; done
  cat "$1" >&2
  return 1
}

last_is() { # last_is on|off: waits until the last that the recorder heard is the beginning or the end of a note
  for _ in $(seq 200); do tail -n 1 "$out/killed" | grep -q " note $1 " && return; sleep 0.01; done
}

mkdir "$out/full" "$out/read_only"
mount -t tmpfs -o size=16k full "$out/full"
mount -t tmpfs -o ro read_only "$out/read_only"
jack_midiseq player 24000 0 72 5000 6000 74 5000 12000 76 5000 18000 77 5000 >/dev/null 2>&1 &
others+=($!)
sleep 0.7
"$performer" play --midi jack --input player --take-folder "$out/full" >"$out/chords" 2>"$out/talk_full" &
playing=$!
others+=("$playing")
ready "$out/talk_full"
for _ in $(seq 150); do grep -q 'no longer recorded' "$out/talk_full" && break; sleep 0.1; done
wc -l <"$out/chords" >"$out/chords_before"
sleep 3
wc -l <"$out/chords" >"$out/chords_after"
ls "$out/full" >"$out/full_left"
kill -HUP "$playing"
status=0
wait "$playing" || status=$?
echo "$status" >"$out/status_full"

status=0
"$performer" play --midi jack --input player --take-folder "$out/read_only" >/dev/null 2>"$out/talk_read_only" || status=$?
echo "$status" >"$out/status_read_only"
umount "$out/full" "$out/read_only"

jack_midi_dump -a killed >"$out/killed" 2>/dev/null &
others+=($!)
sleep 0.5
jack_midi_dump -a after >"$out/after" 2>/dev/null &
others+=($!)
sleep 0.5
cp "$model" "$out/model.onnx"
"$performer" play --midi jack --input player --output killed --model "$out/model.onnx" --take-folder "$out/takes" \
  >/dev/null 2>"$out/talk" &
playing=$!
others+=("$playing")
ready "$out/talk"
echo "not a network" >"$out/model.onnx"
sleep 4
# Between two chords there is a gap.
last_is off
last_is on
kill -KILL "$playing"
date +%s%3N >"$out/killed_ms"
wait "$playing" 2>/dev/null || true
cp "$model" "$out/model.onnx"
take=$(ls "$out"/takes/*.mid)
echo $(($(stat -c %.3Y "$take" | tr -d .))) >"$out/take_ms"
"$performer" replay "${take%.mid}.log" >"$out/replay" 2>&1 || true

sleep 1
"$performer" play --midi jack --output after --no-take >/dev/null 2>"$out/talk" &
playing=$!
others+=("$playing")
ready "$out/talk"
sleep 0.5
kill -INT "$playing"
wait "$playing"
sleep 0.3
