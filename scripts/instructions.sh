#!/usr/bin/env bash
# Counts the instructions of a step, an answer, an answer table and a rendered step, by valgrind over a fixed input, and
# compares them with performer/benches/instructions.txt: instructions.sh [--update]
# Counts, unlike times, hardly depend on the machine or on what else it does. More than a tenth above what is written
# there fails; --update writes what was found, for a change that is worth its price (or a new compiler).
set -euo pipefail
cd "$(dirname "$0")/.."

written=performer/benches/instructions.txt
if ! grep -qw avx2 /proc/cpuinfo 2>/dev/null; then
    echo "note: the counts are those of a processor with AVX2; they were left out here" >&2
    exit 0
fi
command -v valgrind >/dev/null || { echo "error: valgrind is missing: apt-get install valgrind" >&2; exit 1; }

program=$(cargo bench -q -p performer --bench work --no-run --message-format json |
    sed -n 's/.*"name":"work".*"executable":"\([^"]*\)".*/\1/p' | tail -n 1)
[ -x "$program" ] || { echo "error: cargo did not say where the bench 'work' is" >&2; exit 1; }

count() { # count NETWORK WHAT TIMES: all instructions of the program
    local report
    report=$(valgrind --tool=cachegrind --cache-sim=no --cachegrind-out-file=/dev/null "$program" "$@" 2>&1) ||
        { echo "$report" >&2; return 1; }
    sed -n 's/.*I *refs: *//p' <<<"$report" | tr -d ,
}

compare() { # compare WRITTEN FOUND: tells each difference; fails where more was found than may be
    awk 'NR == FNR { written[$1 " " $2] = $3; next }
        { name = $1 " " $2; was = written[name]; share = was ? $3 / was : 0
          printf "%-18s %10d instructions, %.3f of the %d written down\n", name, $3, share, was
          if (!was || share > 1.1) { worse = 1 } else if (share < 0.9) { better = 1 } }
        END { if (better) print "Some are far fewer than written down: keep it so with scripts/instructions.sh --update"
              exit worse }' "$1" "$2"
}

found=$(mktemp)
half=$(mktemp)
trap 'rm -f "$found" "$found.wavenet" "$found.lstm" "$half"' EXIT
counts() { # counts NETWORK: all of its counts, into a file of its own
    local network=$1 start all what
    start=$(count "$network" step 0)
    for what in step answer table render; do
        # Without what the start takes, which differs a little from run to run.
        all=$(count "$network" "$what" 24)
        echo "$network $what $(((all - start) / 24))"
    done >"$found.$network"
}
# Side by side: counts, unlike times, do not suffer by it.
counts wavenet &
counts lstm
wait $!
cat "$found.wavenet" "$found.lstm" >"$found"

if [ "${1:-}" = --update ]; then
    cp "$found" "$written"
    cat "$written"
    exit
fi
# What is twice what is written must be refused, or the comparison compares nothing.
awk '{ print $1, $2, int($3 / 2) }' "$found" >"$half"
if compare "$half" "$found" >/dev/null; then
    echo "error: the comparison lets twice the instructions pass" >&2
    exit 1
fi
compare "$written" "$found" || {
    echo "error: more than a tenth above $written. If that is meant: scripts/instructions.sh --update" >&2
    exit 1
}
