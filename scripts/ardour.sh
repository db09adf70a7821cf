#!/usr/bin/env bash
# Plays through the plugin in Ardour, without a screen: ardour.sh PLUGINS
# A JACK server of its own with a dummy driver, a session that Ardour's Lua makes (scripts/ardour.lua), jack_midiseq as the
# keyboard. Every key must be answered at its frame on all four channels, every note must end, and Ardour must have recorded
# what came.
set -euo pipefail
cd "$(dirname "$0")/.."

plugins=$(realpath "$1")
script=$PWD/scripts/ardour.lua
work=$(mktemp -d)
running=()
finish() {
    kill "${running[@]}" 2>/dev/null || true
    rm -rf "$work"
}
trap finish EXIT
fail() { echo "error: $*" >&2; cat "$work"/*.log >&2; exit 1; }

export HOME=$work CHORALE_SESSION=$work/session JACK_DEFAULT_SERVER=chorale-$$ JACK_NO_START_SERVER=1
ardour=$(echo /usr/lib/ardour[0-9]*)
mkdir "$work/.vst3"
cp -R "$plugins/Chorale.vst3" "$work/.vst3/"
# Ardour reads what its scanner wrote only where that is younger than the plugin.
find "$work/.vst3" -exec touch -d 2020-01-01 {} +
LD_LIBRARY_PATH=$ardour "$ardour/ardour-vst3-scanner" "$work/.vst3/Chorale.vst3" >"$work/scan.log" 2>&1 || fail "the scanner"

jackd -n "$JACK_DEFAULT_SERVER" -S -d dummy -r 48000 -p 256 >"$work/jackd.log" 2>&1 &
running+=($!)
jack_wait -w -t 20 -s "$JACK_DEFAULT_SERVER" >"$work/wait.log" 2>&1 || fail "the JACK server does not start"
touch "$work/ardour.log"
"$(compgen -G '/usr/bin/ardour[0-9]*-lua' | head -1)" "$script" >"$work/ardour.log" 2>&1 &
host=$!
running+=("$host")
soon() { # soon COMMAND...: until it succeeds, for half a minute
    local _
    for _ in {1..120}; do ! "$@" || return 0; sleep 0.25; done
    return 1
}
soon grep -q READY "$work/ardour.log" || fail "Ardour does not play"
jack_lsp >"$work/ports"
port() { grep -m 1 "Melody/$1" "$work/ports"; } # Ardour's client has no name here
# A key each half second, which is a beat at Ardour's 120 to the minute.
jack_midiseq keys 96000 0 72 22000 24000 74 22000 48000 76 22000 72000 74 22000 >"$work/keys.log" 2>&1 &
keys=$!
running+=("$keys")
stdbuf -oL jack_midi_dump -a heard >"$work/heard" 2>"$work/heard.log" &
running+=($!)
joined() { jack_connect "$1" "$2" >"$work/joined.log" 2>&1; } # once both have their ports
soon joined "$(port 'midi_out 1')" heard:input || fail "the plugin can't be heard"
soon joined keys:out "$(port 'midi_in 1')" || fail "the keyboard can't be connected"
# The keyboard is silent, with a key down, before the song stops, which ends every note.
sleep 5
kill "$keys"
wait "$host" || fail "Ardour"

# Each line: frame, colon, three bytes.
awk '
    { frame = $1; kind = substr($2, 1, 1); channel = substr($2, 2, 1); note = channel " " $3 }
    kind == "9" { on[note]++; ons[channel]++; at[channel, frame] = 1; if (channel == "0") keys[frame] = 1 }
    kind == "8" && on[note] > 0 { on[note]-- }
    END {
        for (frame in keys) {
            count++
            if (!((1, frame) in at || (2, frame) in at || (3, frame) in at)) { silent++ }
        }
        for (note in on) if (on[note]) hanging++
        printf "%d keys; notes on channels 1 to 4: %d %d %d %d; %d hang\n", count, ons[0], ons[1], ons[2], ons[3], hanging
        exit !(count >= 8 && ons[1] && ons[2] && ons[3] && !hanging && silent <= count / 2)
    }' "$work/heard" >"$work/told.log" || fail "what was heard is not a harmony"
recorded=$(sed -n 's/^RECORDED //p' "$work/ardour.log")
[[ $recorded =~ ^[1-9][0-9]*\ [1-9][0-9]*\ [1-9][0-9]*\ [1-9][0-9]*$ ]] || fail "Ardour recorded '$recorded'"
echo "Ardour plays the VST3: $(cat "$work/told.log"); recorded on a track: $recorded"
