# What the scripts beside this one share; they source it. $playing is PERFORMER's process.

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
