#!/usr/bin/env bash
# jack_sandbox.sh PERIOD COMMAND...
#
# Runs COMMAND beside a JACK server of its own and returns COMMAND's exit status. The server has the dummy driver (no
# sound card), 48 kHz and PERIOD frames a cycle, and finishes each cycle before the next (-S), so that no event comes a
# period late. /dev/shm and the process numbers are private: runs never meet each other's servers, and when this script
# ends, killed or not, every process that it started ends with it and leaves nothing behind.
#
# Statuses of its own: 69 no server could be started; 75 the server got stuck, which jackd 1.9.21 does now and then when
# clients come and go (run again).
set -u
if [ -z "${JACK_SANDBOX_ENTERED:-}" ]; then
  export JACK_SANDBOX_ENTERED=1
  exec unshare --mount --propagation private --pid --fork --kill-child --mount-proc -- "$BASH" "$0" "$@"
fi
period=$1
shift
mount -t tmpfs -o mode=1777,size=256m performer-test /dev/shm || exit 69
export JACK_DEFAULT_SERVER=performer-test JACK_NO_AUDIO_RESERVATION=1 JACK_NO_START_SERVER=1

log=$(mktemp)
realtime=(--no-realtime)
chrt --fifo 60 true 2>/dev/null && realtime=(--realtime --realtime-priority 60)
# COMMAND may kill the server (its number is in JACK_SANDBOX_SERVER) and start another with this.
export JACK_SANDBOX_START="jackd --name $JACK_DEFAULT_SERVER ${realtime[*]} -S -d dummy --rate 48000 --period $period"
$JACK_SANDBOX_START >"$log" 2>&1 &
export JACK_SANDBOX_SERVER=$!
end_server() {
  kill "$JACK_SANDBOX_SERVER" 2>/dev/null
  for _ in $(seq 30); do kill -0 "$JACK_SANDBOX_SERVER" 2>/dev/null || break; sleep 0.1; done
  kill -KILL "$JACK_SANDBOX_SERVER" 2>/dev/null
  wait "$JACK_SANDBOX_SERVER" 2>/dev/null
  rm -f "$log"
}
trap end_server EXIT
if ! jack_wait --server "$JACK_DEFAULT_SERVER" --wait --timeout 10 >/dev/null 2>&1; then
  echo "jackd did not start:" >&2
  cat "$log" >&2
  exit 69
fi

"$@"
status=$?
if [ "$status" -ne 0 ] && { ! timeout 5 jack_lsp >/dev/null 2>&1 || grep -q SuspendRefNum "$log"; }; then
  echo "the JACK server got stuck" >&2
  status=75
elif [ "$status" -ne 0 ]; then
  echo "the end of what the JACK server said:" >&2
  tail -n 5 "$log" >&2
fi
exit "$status"
