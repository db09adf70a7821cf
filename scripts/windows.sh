#!/usr/bin/env bash
# The program and the CLAP for Windows, built by Debian's mingw into target/windows and tried under wine: what the program
# writes is compared with what this system's writes, byte for byte, and the plugin plays its own test.
# JACK is left out: MIDI goes through the system (WinMM), sound through WASAPI.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() { echo "error: $*" >&2; exit 1; }
system=x86_64-pc-windows-gnu
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
windows=$target/windows
built=$windows/$system/release
# A folder of its own, so that nothing is built again for this system.
build() { CARGO_TARGET_DIR=$windows cargo "$1" --release --locked --target "$system" "${@:2}"; }

cargo build --release --locked -p performer
build build -p performer --no-default-features
build build -p chorale-plugin
for file in "$built/performer.exe" "$built/chorale_plugin.dll"; do
    ! x86_64-w64-mingw32-objdump -p "$file" | grep -iE 'DLL Name: lib' || fail "$file needs a library of mingw, which no Windows has"
done

export WINEPREFIX=$windows/wine WINEDEBUG=-all WINEDLLOVERRIDES='mscoree,mshtml='
work=$(mktemp -d)
trap 'rm -rf "$work"; wineserver -k 2>/dev/null || true' EXIT
# Rust's library takes its random numbers from a library that Debian 12's wine lacks.
x86_64-w64-mingw32-gcc -shared -o "$work/bcryptprimitives.dll" -x c - -ladvapi32 <<'C'
unsigned char __stdcall SystemFunction036(void *bytes, unsigned long count);
__declspec(dllexport) int __stdcall ProcessPrng(unsigned char *bytes, unsigned long long count)
{
    return SystemFunction036(bytes, count);
}
C
cp "$built/performer.exe" "$work"
wine wineboot --init >/dev/null 2>&1

everything() { # everything PROGRAM...: what it writes, into this folder
    cp -r "$OLDPWD/demo" .
    "$@" --version
    for tune in demo/*.abc demo/melody.mid; do
        name=$(basename "${tune%.*}")
        "$@" inspect "$tune"
        "$@" render "$tune" --seed 3 --particles 4 -o "$name.mid" -o "$name.musicxml" -o "$name.mxl" -o "$name.json"
        "$@" explain "$name.musicxml"
    done
    "$@" render demo/melody.mid --live --model lstm -o live.mid -o live.html -o live.svg -o live.png
    "$@" generate --seed 3 --steps 64 -o new.mid -o new.musicxml
}
for side in linux wine; do
    mkdir "$work/$side"
    case $side in
        linux) program=("$target/release/performer") ;;
        wine) program=(wine "$work/performer.exe") ;;
    esac
    (cd "$work/$side" && everything "${program[@]}" >shown 2>said) || { cat "$work/$side/said" >&2; fail "under $side"; }
    # Its place and its time are no part of what it says.
    rm -r "$work/$side/demo" "$work/$side/said"
done
diff -rq "$work/linux" "$work/wine" || fail "Windows' files are other than Linux's"
(cd "$work" && wine performer.exe ports 2>/dev/null)
cp "$work/bcryptprimitives.dll" "$built/deps"
CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER=wine build test --quiet -p chorale-plugin --test built
rm "$built/deps/bcryptprimitives.dll"
echo "performer.exe under wine: $(find "$work/wine" -type f | wc -l) files, each the same as Linux's; $(du -h --apparent-size "$built/performer.exe" | cut -f1) in $built"
