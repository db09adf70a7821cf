#!/usr/bin/env bash
# jack_restart.sh PERFORMER OUT
#
# To be run in jack_sandbox.sh. jack_midiseq plays into PERFORMER, which plays fluidsynth (a SoundFont synthesizer) and,
# by a cable of the patchbay, the recorder jack_midi_dump. Then the JACK server is killed while a chord sounds, with all
# its other clients, and started again with new ones. Leaves in the folder OUT: `ours_1` and `ours_2` (what PERFORMER sent
# before and after), `sound_1.wav`, `sound_2.wav` and `silence.wav` (fluidsynth's sound before and after, and after the
# end), `talk` and `chords` (PERFORMER's stderr and stdout), `takes`, `connected` (jack_lsp afterwards), `status`.
set -eu
. "$(dirname "$0")/jack_common.sh"
font=/usr/share/sounds/sf2/TimGM6mb.sf2

trap 'kill -KILL "${others[@]}" 2>/dev/null || true' EXIT
start_others() { # start_others NUMBER
  jack_midi_dump -a ours >"$out/ours_$1" 2>/dev/null &
  others+=($!)
  sleep 0.5
  fluidsynth -a jack -m jack -o audio.jack.id=fluid -o midi.jack.id=fluid -o synth.sample-rate=48000 -s -i "$font" \
    >/dev/null 2>&1 &
  others+=($!)
  sleep 1.5
  # Quarters at 120 beats a minute without gaps, so that a chord sounds whenever the server dies: START KEY LENGTH ...
  jack_midiseq player 96000 0 72 24000 24000 74 24000 48000 76 24000 72000 74 24000 >/dev/null 2>&1 &
  others+=($!)
  sleep 0.7
}
told() { # told TEXT: waits until PERFORMER has said it
  for _ in $(seq 200); do
    grep -q "$1" "$out/talk" && return
    kill -0 "$playing" || break
    sleep 0.1
  done
  echo "'$1' was not said" >&2
  cat "$out/talk" >&2
  return 1
}

start_others 1
"$performer" play --midi jack --tempo 120 --input player --output fluid --synth --take-folder "$out/takes" \
  >"$out/chords" 2>"$out/talk" &
playing=$!
others+=("$playing")
told '^READY'
jack_connect performer:out ours:input
sleep 1
jack_rec -f "$out/sound_1.wav" -d 2 fluid:left fluid:right >/dev/null 2>&1
kill -KILL "$JACK_SANDBOX_SERVER"
told 'has shut down'
kill -KILL "${others[@]:0:3}"
sleep 2

$JACK_SANDBOX_START >/dev/null 2>&1 &
jack_wait --server "$JACK_DEFAULT_SERVER" --wait --timeout 10 >/dev/null 2>&1
told 'JACK is back'
start_others 2
for _ in $(seq 50); do
  tail -n 1 "$out/talk" | grep -q 'input .*: connected; output .*: connected' && break
  sleep 0.1
done
sleep 1
jack_lsp -c >"$out/connected"
jack_rec -f "$out/sound_2.wav" -d 2 fluid:left fluid:right >/dev/null 2>&1
end_playing "$out/status"
sleep 2 # fluidsynth's room
jack_rec -f "$out/silence.wav" -d 1 fluid:left fluid:right >/dev/null 2>&1
