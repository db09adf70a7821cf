#!/bin/bash
# The part of live_alsa.rs that runs in the emulated machine of alsa_vm.sh, as /mnt/guest.sh. aplaymidi plays
# /mnt/melody.mid and others into our virtual port, aseqdump records our output; both are of alsa-utils. /mnt/performer is
# our program. The tempo is a quarter of the melody's: emulated, a table takes longer than a step of 125 ms.
set -u
performer=/mnt/performer
# Says in the machine's console where it ended before its time.
die() {
  echo "guest.sh ended in line ${BASH_LINENO[0]}"
  aconnect -l
  tail -n 3 /mnt/talk*
  exit 1
}
cd /tmp
port() { aconnect "$1" | awk -v port="$2" '/^client/ { client = $2 + 0 } index($0, port) { print client ":" $1; exit }'; }
record() { # record FILE: what our output sends from now on
  aseqdump -p "$(port -i "'out ")" >"$1" &
  recording=$!
  for _ in $(seq 100); do aconnect -lo | grep -A 2 "'aseqdump'" | grep -q 'Connected From' && return; sleep 0.1; done
  die
}

"$performer" play --virtual --tempo 30 --take-folder /mnt/takes >/mnt/chords 2>/mnt/talk &
playing=$!
for _ in $(seq 600); do
  grep -q '^READY' /mnt/talk && break
  kill -0 "$playing" 2>/dev/null || die
  sleep 0.1
done
"$performer" ports --midi alsa >/mnt/ports 2>&1
input=$(port -o "'in ")
record /mnt/ours
aplaymidi -p "$input" /mnt/melody.mid || die
sleep 1

kill -TERM "$playing"
status=0
wait "$playing" || status=$?
echo "$status" >/mnt/status
sleep 0.5
kill "$recording"
wait "$recording"

# An instrument that is unplugged and comes back is played again. aseqdump without -p is one that waits for connections.
aseqdump >/mnt/before &
instrument=$!
sleep 1
"$performer" play --virtual --output aseqdump --tempo 30 --no-take >/dev/null 2>/mnt/talk_replug &
playing=$!
for _ in $(seq 600); do
  grep -q '^READY' /mnt/talk_replug && break
  kill -0 "$playing" 2>/dev/null || die
  sleep 0.1
done
input=$(port -o "'in ")
# Looking after the ports opens no client of the sequencer: none comes or goes in three seconds.
timeout 3 aseqdump -p 0:1 >/mnt/announced
# Only a port of our own can be one of several.
"$performer" play --virtual --output aseqdump --ports per-part --no-take >/dev/null 2>/mnt/talk_per_part
kill "$instrument"
wait "$instrument"
for _ in $(seq 100); do grep -q 'gone, waiting' /mnt/talk_replug && break; sleep 0.1; done
aseqdump >/mnt/after &
instrument=$!
for _ in $(seq 100); do grep -q 'output .*: connected' /mnt/talk_replug && break; sleep 0.1; done
aplaymidi -p "$input" /mnt/melody.mid || die
kill -TERM "$playing"
wait "$playing"
sleep 0.5
kill "$instrument"
wait "$instrument"

# A keyboard that is unplugged with a key down and comes back is heard again. It is aseqnet, which plays what another
# aseqnet hears.
keyboard() {
  aseqnet -p 40002 -n keys >/dev/null 2>&1 &
  keys=$!
  sleep 1
  aseqnet -p 40002 -n finger localhost >/dev/null 2>&1 &
  finger=$!
  sleep 1
  finger_port=$(aconnect -o | awk '/^client/ { client = $2 + 0 } /^client.*finger/ { print client ":0"; exit }')
}
keyboard
"$performer" play --virtual --input keys --tempo 30 --no-take >/dev/null 2>/mnt/talk_keys &
playing=$!
for _ in $(seq 600); do
  grep -q '^READY' /mnt/talk_keys && break
  kill -0 "$playing" 2>/dev/null || die
  sleep 0.1
done
record /mnt/ours_keys
aplaymidi -p "$finger_port" /mnt/melody.mid >/dev/null 2>&1 &
melody=$!
sleep 1.2
kill -KILL "$keys"
kill "$melody"
wait "$melody"
for _ in $(seq 100); do grep -q 'gone, waiting' /mnt/talk_keys && break; sleep 0.1; done
kill "$finger" 2>/dev/null
wait "$finger" "$keys"
keyboard
for _ in $(seq 100); do grep -q 'input .*: connected' /mnt/talk_keys && break; sleep 0.1; done
aplaymidi -p "$finger_port" /mnt/melody.mid
sleep 1
kill -TERM "$playing"
wait "$playing"
sleep 0.5
kill "$recording" "$finger" "$keys"
wait "$finger" "$keys" # two keyboards of one name are told to be named

# Controls are learned from a keyboard's knobs; then it plays, bends, presses its pedal, and calls panic by a knob.
keyboard
mkfifo typed
exec 3<>typed
"$performer" learn --input keys -o /mnt/learned.toml <&3 >/mnt/learned 2>/mnt/talk_learn &
learning=$!
for _ in $(seq 600); do
  grep -q '^READY' /mnt/talk_learn && break
  kill -0 "$learning" 2>/dev/null || die
  sleep 0.1
done
sleep 1
aplaymidi -p "$finger_port" /mnt/knobs.mid || die
sleep 1
echo q >&3
wait "$learning"
"$performer" play --virtual --config /mnt/learned.toml --clock midi --no-take >/dev/null 2>/mnt/talk_controls &
playing=$!
for _ in $(seq 600); do
  grep -q '^READY' /mnt/talk_controls && break
  kill -0 "$playing" 2>/dev/null || die
  sleep 0.1
done
aconnect -o >/mnt/ports_controls
record /mnt/ours_controls
aplaymidi -p "$finger_port" /mnt/controls.mid || die
sleep 1
echo END >>/mnt/ours_controls
kill -TERM "$playing"
wait "$playing"
sleep 0.5
kill "$recording" "$finger" "$keys"

# An instrument that is there but takes nothing any more, and more notes than ALSA keeps for it.
aseqdump >/dev/null &
instrument=$!
sleep 1
"$performer" play --virtual --output aseqdump --tempo 30 --no-take >/dev/null 2>/mnt/talk_stopped &
playing=$!
for _ in $(seq 600); do
  grep -q '^READY' /mnt/talk_stopped && break
  kill -0 "$playing" 2>/dev/null || die
  sleep 0.1
done
kill -STOP "$instrument"
aplaymidi -p "$(port -o "'in ")" /mnt/many.mid || die
kill -TERM "$playing"
status=0
wait "$playing" || status=$?
echo "$status" >/mnt/status_stopped
kill -KILL "$instrument"

# A thread of ours that panics, the one that plays and the one that sounds: all notes end, and so does the program.
for thread in MIDI sound; do
  PERFORMER_PANICS=$thread "$performer" play --virtual --synth --tempo 30 --no-take >/dev/null 2>"/mnt/talk_$thread" &
  playing=$!
  for _ in $(seq 600); do
    grep -q '^sound:' "/mnt/talk_$thread" && break
    kill -0 "$playing" 2>/dev/null || die
    sleep 0.1
  done
  record "/mnt/ours_$thread"
  aplaymidi -p "$(port -o "'in ")" /mnt/melody.mid 2>/dev/null
  status=0
  wait "$playing" || status=$?
  echo "$status" >"/mnt/status_$thread"
  kill "$recording"
  wait "$recording"
done

# Our own sound, the organ's and a SoundFont's, through ALSA's loopback card: what goes in there, arecord hears.
for sound in organ soundfont; do
  options=(--synth)
  [ "$sound" = soundfont ] && options=(--soundfont /usr/share/sounds/sf2/TimGM6mb.sf2)
  "$performer" play --virtual "${options[@]}" --tempo 30 --no-take >/dev/null 2>"/mnt/talk_$sound" &
  playing=$!
  for _ in $(seq 600); do
    grep -q '^sound:' "/mnt/talk_$sound" && break
    kill -0 "$playing" 2>/dev/null || die
    sleep 0.1
  done
  arecord -q -D plughw:Loopback,1 -f S16_LE -r 48000 -c 2 -d 6 "/mnt/$sound.wav" 2>"/mnt/arecord_$sound" &
  recording=$!
  sleep 1
  aplaymidi -p "$(port -o "'in ")" /mnt/melody.mid || die
  wait "$recording"
  kill -TERM "$playing"
  wait "$playing"
done
exit 0
