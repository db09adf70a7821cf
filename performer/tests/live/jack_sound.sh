#!/usr/bin/env bash
# jack_sound.sh PERFORMER OUT
#
# To be run in jack_sandbox.sh. PERFORMER sounds by itself, by its organ and by a SoundFont, under one long A4. Leaves in
# the folder OUT: `organ.wav` and `soundfont.wav` (two seconds of its sound, by jack_rec), `talk_organ`, `talk_soundfont`.
set -eu
. "$(dirname "$0")/jack_common.sh"

jack_midiseq player 480000 0 69 470000 >/dev/null 2>&1 &
others+=($!)
sleep 0.7
# Without vibrato: General MIDI's church organ.
for part in soprano alto tenor bass; do printf '[%s]\nprogram = 20\n' "$part"; done >"$out/settings.toml"
for sound in organ soundfont; do
  options=(--synth)
  [ "$sound" = soundfont ] &&
    options=(--soundfont /usr/share/sounds/sf2/TimGM6mb.sf2 --config "$out/settings.toml")
  "$performer" play --midi jack --input player "${options[@]}" --tempo 40 --no-take >"$out/chords" 2>"$out/talk_$sound" &
  playing=$!
  others+=("$playing")
  until_ready "$out/talk_$sound"
  for _ in $(seq 120); do [ -s "$out/chords" ] && break; sleep 0.1; done
  sleep 0.3
  jack_rec -f "$out/$sound.wav" -d 2 performer:left performer:right >/dev/null 2>&1
  kill -INT "$playing"
  wait "$playing"
  sleep 0.5
done
