#!/usr/bin/env bash
# Plays through the plugin in Ardour, without a screen: ardour.sh PLUGINS
# A JACK server of its own with a dummy driver (root, jack_sandbox.sh), a session that Ardour's Lua makes (scripts/ardour.lua),
# jack_midiseq as the keyboard. Every key must be answered at its frame on all four channels, every note must end, and Ardour
# must have recorded what came.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ -z "${JACK_SANDBOX_SERVER:-}" ]; then
    # As in performer/tests/live/jack.rs: 75 where the server got stuck, 124 and 137 where it took what runs beside it along.
    for _ in {1..3}; do
        status=0
        timeout --kill-after=10 90 bash performer/tests/live/jack_sandbox.sh 256 scripts/ardour.sh "$1" || status=$?
        [[ $status =~ ^(75|124|137)$ ]] || break
    done
    exit "$status"
fi

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

export HOME=$work CHORALE_SESSION=$work/session
ardour=$(echo /usr/lib/ardour[0-9]*)
mkdir "$work/.vst3"
cp -R "$plugins/Chorale.vst3" "$work/.vst3/"
# Ardour reads what its scanner wrote only where that is younger than the plugin.
find "$work/.vst3" -exec touch -d 2020-01-01 {} +
LD_LIBRARY_PATH=$ardour "$ardour/ardour-vst3-scanner" "$work/.vst3/Chorale.vst3" >"$work/scan.log" 2>&1 || fail "the scanner"

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
timeout 5 jack_lsp >"$work/ports"
port() { grep -m 1 "Melody/$1" "$work/ports"; } # Ardour's client has no name here
there() { timeout 5 jack_lsp | grep -qx "$1"; }
# One client after the other, each left alone until its port is there: the server can get stuck otherwise.
stdbuf -oL jack_midi_dump -a heard >"$work/heard" 2>"$work/heard.log" &
running+=($!)
soon there heard:input || fail "nothing hears the plugin"
sleep 0.5
# A key each half second, which is a beat at Ardour's 120 to the minute.
jack_midiseq keys 96000 0 72 22000 24000 74 22000 48000 76 22000 72000 74 22000 >"$work/keys.log" 2>&1 &
keys=$!
running+=("$keys")
soon there keys:out || fail "the keyboard does not play"
sleep 0.5
timeout 5 jack_connect "$(port 'midi_out 1')" heard:input || fail "the plugin can't be heard"
timeout 5 jack_connect keys:out "$(port 'midi_in 1')" || fail "the keyboard can't be connected"
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
