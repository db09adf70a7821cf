# What the scripts beside this one share; they source it, having been called with PERFORMER and OUT. Processes in $others
# end with the script. $playing is PERFORMER's process.

performer=$1
out=$2
others=()
trap 'kill "${others[@]}" 2>/dev/null || true' EXIT

# record NAME...: jack_midi_dump writes what comes to the port NAME:input into OUT/NAME.
record() {
  local name
  for name; do
    jack_midi_dump -a "$name" >"$out/$name" 2>/dev/null &
    others+=($!)
    sleep 0.5
  done
}

# until_ready TALK: waits until PERFORMER, whose stderr goes to TALK, plays.
until_ready() {
  for _ in $(seq 300); do
    grep -q '^READY' "$1" && return
    kill -0 "$playing" || { cat "$1" >&2; exit 1; }
    sleep 0.1
  done
  return 1
}

# end_playing STATUS: SIGINT; the exit status is left in STATUS.
end_playing() {
  local status=0
  kill -INT "$playing"
  wait "$playing" || status=$?
  echo "$status" >"$1"
}
