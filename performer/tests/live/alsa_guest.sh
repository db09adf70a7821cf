#!/bin/bash
# The part of live_alsa.rs that runs in the emulated machine of alsa_vm.sh, as /mnt/guest.sh. aplaymidi plays
# /mnt/melody.mid into our virtual port, aseqdump records our output; both are of alsa-utils. /mnt/performer is a line
# with the path of our program. The tempo is a quarter of the melody's: emulated, a table takes longer than a step of 125 ms.
set -u
performer=$(cat /mnt/performer)
cd /tmp

"$performer" play --virtual --tempo 30 --take-folder /mnt/takes >/mnt/chords 2>/mnt/talk &
playing=$!
for _ in $(seq 600); do
  grep -q '^READY' /mnt/talk && break
  kill -0 "$playing" 2>/dev/null || exit 1
  sleep 0.1
done
"$performer" ports --midi alsa >/mnt/ports 2>&1
port() { aconnect "$1" | awk -v port="$2" '/^client/ { client = $2 + 0 } index($0, port) { print client ":" $1; exit }'; }
input=$(port -o "'in ")
output=$(port -i "'out ")
aseqdump -p "$output" >/mnt/ours &
recording=$!
sleep 1
aplaymidi -p "$input" /mnt/melody.mid || exit 1
sleep 1

kill -TERM "$playing"
status=0
wait "$playing" || status=$?
echo "$status" >/mnt/status
sleep 0.5
kill "$recording"
wait "$recording"
exit 0
