#!/usr/bin/env bash
# jack_panics.sh PERFORMER OUT
#
# To be run in jack_sandbox.sh. PERFORMER, a debug build, is told to let one of its threads panic after a few notes, each
# in turn. Leaves in the folder OUT for each thread `ours_THREAD` (what it sent), `talk_THREAD` and `status_THREAD`.
set -eu
performer=$1
out=$2

others=()
trap 'kill -KILL "${others[@]}" 2>/dev/null || true' EXIT
jack_midiseq player 48000 0 72 10000 12000 74 10000 24000 76 10000 36000 77 10000 >/dev/null 2>&1 &
others+=($!)
sleep 0.7
for thread in JACK worker recorder main; do
  jack_midi_dump -a "ours_$thread" >"$out/ours_$thread" 2>/dev/null &
  others+=($!)
  sleep 0.5
  PERFORMER_PANICS=$thread "$performer" play --midi jack --input player --output "ours_$thread" --synth \
    --take-folder "$out/takes_$thread" >/dev/null 2>"$out/talk_$thread" &
  playing=$!
  others+=("$playing")
  for _ in $(seq 80); do kill -0 "$playing" 2>/dev/null || break; sleep 0.1; done
  # The one whose panic is not the end.
  kill -INT "$playing" 2>/dev/null || true
  status=0
  wait "$playing" || status=$?
  echo "$status" >"$out/status_$thread"
  sleep 0.3
done
