#!/usr/bin/env bash
# The program and the plugin (CLAP and VST3) for Windows, built by Debian's mingw into target/windows and tried under wine: what
# the program writes is compared with what this system's writes, byte for byte; the CLAP plays its own test, and the VST3 what a
# host of Steinberg's classes plays (scripts/vst3_host.cpp), the same notes as the VST3 of this system.
# JACK is left out: MIDI goes through the system (WinMM), sound through WASAPI.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() { echo "error: $*" >&2; exit 1; }
system=x86_64-pc-windows-gnu
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
windows=$target/windows
built=$windows/$system/release
# A folder of its own, so that nothing is built again for this system. The VST3's C++ takes threads as POSIX has them, and a
# library of C++ that is linked in: the linker takes it from a folder in which there is no other.
cxx=x86_64-w64-mingw32-g++-posix
mkdir -p "$windows/libraries"
cp "$($cxx -print-file-name=libstdc++.a)" "$windows/libraries"
# As clap-wrapper spells it, with the numbers of folders, which Microsoft's linker finds by itself.
echo 'INPUT(-lshell32 -luuid)' >"$windows/libraries/libShell32.a"
export CXX_x86_64_pc_windows_gnu=$cxx CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER=x86_64-w64-mingw32-gcc-posix
export CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUSTFLAGS="-L native=$windows/libraries"
build() { CARGO_TARGET_DIR=$windows cargo "$1" --release --locked --target "$system" "${@:2}"; }

cargo build --release --locked -p performer
cargo build --release --locked -p chorale-plugin --features wrapped
build build -p performer --no-default-features
build build -p chorale-plugin --features wrapped
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
CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER=wine build test --quiet -p chorale-plugin --features wrapped --test built
rm "$built/deps/bcryptprimitives.dll"

# The host, of sources that lie with clap-wrapper.
wrapper=$(cargo metadata --locked --offline --format-version 1 --filter-platform "$system" --features chorale-plugin/wrapped |
    grep -o '"manifest_path":"[^"]*/clap-wrapper-[^"]*/Cargo.toml"' | cut -d'"' -f4)
sdk=$(dirname "$wrapper")/external/vst3sdk
host() { # host COMPILER MODULE OPTION...: into $work
    local compiler=$1 module=$2 sources=()
    for name in hosting/{"$module",module,hostclasses,eventlist,processdata,pluginterfacesupport} utility/stringconvert vstinitiids; do
        sources+=("$sdk/public.sdk/source/vst/$name.cpp")
    done
    "$compiler" -std=c++17 -O1 -w -DRELEASE=1 -I"$sdk" scripts/vst3_host.cpp "${sources[@]}" \
        "$sdk"/pluginterfaces/base/{funknown,coreiids}.cpp "$sdk"/public.sdk/source/common/{commonstringconvert,commoniids}.cpp "${@:3}"
}
bundle=$work/Chorale.vst3/Contents
mkdir -p "$bundle/x86_64-win" "$bundle/$(uname -m)-linux"
cp "$built/chorale_plugin.dll" "$bundle/x86_64-win/Chorale.vst3"
cp "$target/release/libchorale_plugin.so" "$bundle/$(uname -m)-linux/Chorale.so"
host c++ module_linux -o "$work/vst3_host" -ldl -pthread
host "$cxx" module_win32 -static -o "$work/vst3_host.exe" -lole32 -lshell32 -luuid
(cd "$work" && ./vst3_host Chorale.vst3 linux.notes >said 2>&1) || { cat "$work/said" >&2; fail "the VST3 for this system"; }
(cd "$work" && wine vst3_host.exe Chorale.vst3 wine.notes >said 2>&1) || { cat "$work/said" >&2; fail "the VST3 for Windows"; }
cmp "$work/linux.notes" "$work/wine.notes" || fail "the VST3 for Windows sings other notes"
echo "Chorale.vst3 under wine: $(wc -l <"$work/wine.notes") notes' beginnings and ends, as on Linux"
echo "performer.exe under wine: $(find "$work/wine" -type f | wc -l) files, each the same as Linux's; $(du -h --apparent-size "$built/performer.exe" | cut -f1) in $built"
