#!/usr/bin/env bash
# jack_messages.sh PERFORMER OUT
#
# To be run in jack_sandbox.sh, with two keyboards. Leaves in OUT/messages what PERFORMER says where something is wrong with
# ports, servers or sound: each call that fails, and its stderr.
set -eu
performer=$1
out=$2
cd "$out"
# No ALSA either, whatever the machine has.
[ ! -d /dev/snd ] || mount -t tmpfs none /dev/snd
export XDG_CONFIG_HOME=$out COLUMNS=100
unset RUST_BACKTRACE

others=()
trap 'kill -KILL "${others[@]}" 2>/dev/null || true' EXIT
for name in "keys one" "keys two"; do
  jack_midiseq "$name" 48000 0 72 10000 >/dev/null 2>&1 &
  others+=($!)
  sleep 0.7
done
echo words >notes.txt
fails() { # fails ARGUMENTS...
  local status=0
  timeout 10 "$performer" "$@" >/dev/null 2>said || status=$?
  [ "$status" -eq 1 ] || { echo "performer $*: status $status" >&2; cat said >&2; exit 1; }
  { echo "\$ performer $*"; cat said; echo; } >>messages
}
fails play --midi jack --no-take --input Casio
fails play --midi jack --no-take --input keys
fails play --midi jack --no-take --output 7
fails play --midi jack --no-take --output performer --ports per-part
fails play --midi jack --no-take --synth --sample-rate 44100
fails play --midi jack --no-take --soundfont missing.sf2
fails play --midi jack --no-take --soundfont notes.txt
fails play --midi jack --no-take --below bass
fails play --midi jack --no-take --second-model notes.txt
fails play --midi jack --take-folder notes.txt
fails learn --midi jack --input Casio -o learned.toml
fails learn --midi jack --input keys -o learned.toml
fails play --midi alsa --no-take
export JACK_DEFAULT_SERVER=nowhere
fails play --midi jack --no-take
fails play --no-take
fails ports
fails learn -o learned.toml
