#!/usr/bin/env bash
# pipewire.sh PERFORMER OUT
#
# PERFORMER under a PipeWire server of this script, which stands in for JACK as on most Linux desktops: it waits
# unconnected, plays, the server is killed under a chord and started again. Leaves in the folder OUT: `ours_1` and `ours_2`
# (jack_midi_dump's records of what PERFORMER sent before and after), `talk`, `talk_idle` (what PERFORMER said while nothing
# was connected), `status`.
set -eu
if [ -z "${PIPEWIRE_SANDBOX_ENTERED:-}" ]; then
  export PIPEWIRE_SANDBOX_ENTERED=1
  exec unshare --pid --fork --kill-child --mount-proc -- "$BASH" "$0" "$@"
fi
. "$(dirname "$0")/jack_common.sh"
export XDG_RUNTIME_DIR=$out PIPEWIRE_QUANTUM=128/48000

trap 'kill -KILL "${others[@]}" 2>/dev/null || true' EXIT
start_server() {
  pipewire >/dev/null 2>&1 &
  server=$!
  others+=("$server")
  sleep 1
}
start_others() { # start_others NUMBER
  pw-jack jack_midi_dump -a ours >"$out/ours_$1" 2>/dev/null &
  others+=($!)
  sleep 0.7
  pw-jack jack_midiseq player 96000 0 72 24000 24000 74 24000 48000 76 24000 72000 74 24000 >/dev/null 2>&1 &
  others+=($!)
  sleep 0.7
}
told() { # told TEXT: waits until PERFORMER has said it
  for _ in $(seq 200); do
    grep -q "$1" "$out/talk" && return
    sleep 0.1
  done
  cat "$out/talk" >&2
  return 1
}

start_server
pw-jack "$performer" play --midi jack --no-take >/dev/null 2>"$out/talk_idle" &
idle=$!
sleep 6
kill -INT "$idle"
wait "$idle"

start_others 1
pw-jack "$performer" play --midi jack --tempo 120 --input player --output ours --no-take >/dev/null 2>"$out/talk" &
playing=$!
others+=("$playing")
told '^READY'
sleep 3
kill -KILL "$server"
told 'has shut down'
start_server
told 'JACK is back'
start_others 2
told 'input .*: connected; output .*: connected'
sleep 4
end_playing "$out/status"
sleep 0.3
