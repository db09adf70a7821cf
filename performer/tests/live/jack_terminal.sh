#!/usr/bin/env bash
# jack_terminal.sh PERFORMER OUT
#
# To be run in jack_sandbox.sh. PERFORMER shows its screen on terminals, each a pty of script(1), that are treated badly
# while it plays. Leaves in the folder OUT for each CASE `ours_CASE` (what it sent), `talk_CASE`, `status_CASE` (`gone`
# once its process is) and `milliseconds_CASE` (how long that took):
# - `hangup`: the terminal is closed, which the system tells by SIGHUP;
# - `silent_hangup`: closed, in a session that the system tells nothing;
# - `stuck`: the terminal takes nothing any more, then SIGTERM;
# - `stuck_lines`: the same with --plain.
# And `suspended`: SIGTSTP, two seconds, SIGCONT, five seconds, SIGINT; with `state` (of the stopped process),
# `before` and `after` (lines of `ours_suspended` as it was stopped and as it was continued), `status_suspended`.
set -eu
. "$(dirname "$0")/jack_common.sh"

trap 'kill -KILL "${others[@]}" 2>/dev/null || true' EXIT
jack_midiseq player 48000 0 72 10000 12000 74 10000 24000 76 10000 36000 77 10000 >/dev/null 2>&1 &
others+=($!)
sleep 0.7

record_case() { # record_case CASE
  jack_midi_dump -a "$1" >"$out/ours_$1" 2>/dev/null &
  others+=($!)
  sleep 0.5
}
sounds() { # sounds CASE: waits until three chords are heard, and one sounds
  for _ in $(seq 300); do [ "$(grep -c 'note on' "$out/ours_$1")" -ge 12 ] && break; sleep 0.1; done
  for _ in $(seq 200); do tail -n 1 "$out/ours_$1" | grep -q ' note on ' && return; sleep 0.01; done
}

# on_terminal CASE SESSION OPTION...: SESSION is nothing, or `setsid --wait` for one without a controlling terminal.
on_terminal() {
  local case=$1 session=$2
  shift 2
  record_case "$case"
  printf 'echo $$ >%q; exec %q play --midi jack --input player --output %s --no-take %s 2>%q\n' \
    "$out/pid_$case" "$performer" "$case" "$*" "$out/talk_$case" >"$out/run_$case"
  sleep 1000 | script -q -c "$session sh $out/run_$case" /dev/null >/dev/null 2>&1 &
  others+=($!)
  terminal=$!
  sounds "$case"
  playing=$(cat "$out/pid_$case")
  others+=("$playing")
}
state() { cut -d ' ' -f 3 "/proc/$playing/stat" 2>/dev/null || echo gone; }
gone() { # gone CASE
  local begun=$(date +%s%N)
  echo there >"$out/status_$1"
  for _ in $(seq 100); do
    # A terminal that is stopped does not bury its child.
    state | grep -q 'gone\|Z' && { echo gone >"$out/status_$1"; break; }
    sleep 0.05
  done
  echo $((($(date +%s%N) - begun) / 1000000)) >"$out/milliseconds_$1"
  sleep 0.3
}

on_terminal hangup ''
kill -KILL "$terminal"
gone hangup

on_terminal silent_hangup 'setsid --wait'
kill -KILL "$terminal"
gone silent_hangup

for case in stuck stuck_lines; do
  on_terminal "$case" '' $([ "$case" = stuck ] || echo --plain)
  kill -STOP "$terminal"
  # Until the terminal's buffer is full.
  for size in 1000 1; do
    timeout 1 dd if=/dev/zero "bs=$size" count=5000 2>/dev/null >"$(readlink "/proc/$playing/fd/1")" || true
  done
  sounds "$case"
  kill -TERM "$playing"
  gone "$case"
  kill -KILL "$terminal"
done

record_case suspended
# With a process group of its own, as a shell gives it: nothing is stopped that nobody could continue.
set -m
"$performer" play --midi jack --input player --output suspended --no-take --plain \
  </dev/null >/dev/null 2>"$out/talk_suspended" &
playing=$!
set +m
others+=("$playing")
sounds suspended
kill -TSTP "$playing"
for _ in $(seq 100); do
  sleep 0.05
  state >"$out/state"
  grep -q T "$out/state" && break
done
sleep 0.3
wc -l <"$out/ours_suspended" >"$out/before"
sleep 2
wc -l <"$out/ours_suspended" >"$out/after"
kill -CONT "$playing"
sleep 5
end_playing "$out/status_suspended"
sleep 0.3
