#!/usr/bin/env bash
# jack_lost.sh PERFORMER OUT
#
# To be run in jack_sandbox.sh. The JACK server is killed and does not come back; then PERFORMER is ended. Leaves in the
# folder OUT: `talk` (PERFORMER's stderr), `status`, `took` (milliseconds that the end took).
set -eu
performer=$1
out=$2

"$performer" play --midi jack --no-take >/dev/null 2>"$out/talk" &
playing=$!
for _ in $(seq 300); do grep -q '^READY' "$out/talk" && break; sleep 0.1; done
jack_midiseq player 96000 0 72 96000 >/dev/null 2>&1 &
player=$!
sleep 0.7
jack_connect player:out performer:in
sleep 1
kill -KILL "$JACK_SANDBOX_SERVER"
sleep 2
begun=$(date +%s%3N)
kill -TERM "$playing"
status=0
wait "$playing" || status=$?
echo "$status" >"$out/status"
echo $(($(date +%s%3N) - begun)) >"$out/took"
kill -KILL "$player"
