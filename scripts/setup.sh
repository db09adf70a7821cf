#!/usr/bin/env bash
# Installs what the build needs from the system, if it is missing: setup.sh
# With `live` also the MIDI servers and programs that the live tests play with, with `pages` those that engrave and show what
# is written, with `pictures` what makes the README's pictures, with `instructions` what counts them, with `plugin` what builds
# the plugin and with `plugin-check` what loads it; with `page` Rust for the browser and with `page-check` what plays the page;
# with `packages` what makes packages and with `packages-check` what tries them; with `windows` what builds for Windows and
# runs it, with `macos` what checks for macOS;
# with `fuzz` cargo-fuzz and with `deny` cargo-deny, which cargo installs; with `oldest` the oldest Rust that is promised
# (Cargo.toml), which rustup installs.
# Debian and its kin install by apt (with sudo where one is not root); elsewhere it says what is missing.
set -euo pipefail

fail() { echo "error: $*" >&2; exit 1; }

command -v cargo >/dev/null || fail "cargo is missing: install Rust from https://rustup.rs"
[ "$(uname -s)" = Linux ] || exit 0 # macOS and Windows bring what the build needs

missing=()
needs() { # needs PACKAGE CHECK...: notes the package when the check fails
    local package=$1
    shift
    "$@" >/dev/null 2>&1 || missing+=("$package")
}
has_package() { dpkg -s "$1"; }

needs gcc command -v cc
if [[ "${1:-}" != page && "${1:-}" != macos ]]; then
    needs pkg-config command -v pkg-config
    needs libasound2-dev pkg-config --exists alsa
    needs libjack-jackd2-dev pkg-config --exists jack
fi
if [ "${1:-}" = live ]; then
    needs jackd2 command -v jackd
    needs jack-midi-clock command -v jack_midi_clock
    needs pipewire command -v pipewire
    needs pipewire-bin command -v pw-cli
    needs pipewire-jack command -v pw-jack
    needs fluidsynth command -v fluidsynth
    needs timgm6mb-soundfont has_package timgm6mb-soundfont
    needs alsa-utils command -v aplaymidi
    needs qemu-system-x86 command -v qemu-system-x86_64
    needs cpio command -v cpio
    needs kmod command -v modprobe
fi
if [ "${1:-}" = pages ]; then
    needs musescore3 command -v mscore3
    needs liblo-tools command -v oscsend
    needs vorbis-tools command -v oggdec
    needs lame command -v lame
    needs chromium command -v chromium
    needs python3-venv python3 -m venv --help
fi
if [ "${1:-}" = page-check ]; then
    needs nodejs command -v node
    needs npm command -v npm
    needs chromium command -v chromium
    needs python3-venv python3 -m venv --help
fi
if [ "${1:-}" = pictures ]; then
    needs tmux command -v tmux
    needs vorbis-tools command -v oggenc
    needs python3 command -v python3
fi
if [ "${1:-}" = instructions ]; then
    needs valgrind command -v valgrind
fi
if [[ "${1:-}" = fuzz || "${1:-}" = plugin* || "${1:-}" = windows ]]; then
    needs g++ command -v c++
fi
if [ "${1:-}" = plugin-check ]; then
    needs ardour compgen -G '/usr/lib/ardour*/ardour-vst3-scanner'
    needs jackd2 command -v jack_midi_dump
fi
if [[ "${1:-}" = packages* ]]; then
    needs dpkg-dev command -v dpkg-shlibdeps
    needs binutils command -v objdump
    needs perl command -v perl
    needs xz-utils command -v xz
fi
if [ "${1:-}" = windows ]; then
    needs gcc-mingw-w64-x86-64-posix command -v x86_64-w64-mingw32-gcc-posix
    needs g++-mingw-w64-x86-64-posix command -v x86_64-w64-mingw32-g++-posix
    needs wine command -v wine
    needs zip command -v zip
fi
if [ "${1:-}" = packages-check ]; then
    needs debootstrap command -v debootstrap
    needs desktop-file-utils command -v desktop-file-validate
fi

if [ ${#missing[@]} -gt 0 ]; then
    command -v apt-get >/dev/null || fail "these packages (by their Debian names) are missing: ${missing[*]}"
    sudo=
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || fail "run as root: apt-get install ${missing[*]}"
        sudo=sudo
    fi
    echo "installing ${missing[*]} (apt-get${sudo:+, with sudo})" >&2
    $sudo apt-get update -qq
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi
case "${1:-}" in
    fuzz | deny)
        command -v "cargo-$1" >/dev/null || {
            echo "installing cargo-$1 (cargo install)" >&2
            cargo install --quiet --locked "cargo-$1" || fail "cargo-$1 can't be installed: cargo install cargo-$1"
        }
        ;;
    pages | page-check)
        schema=$(dirname "$0")/../.venv
        "$schema/bin/python" -c 'import musicxml, websockets, xmlschema' 2>/dev/null || {
            echo "preparing the MusicXML schema and WebSockets in .venv" >&2
            { "${PYTHON:-python3}" -m venv "$schema" && "$schema/bin/python" -m pip install -q musicxml websockets xmlschema; } >&2 ||
                fail "these can't be had: pip install musicxml websockets xmlschema"
        }
        ;;
    page | windows | macos)
        case $1 in
            page) target=wasm32-unknown-unknown system="the browser" ;;
            windows) target=x86_64-pc-windows-gnu system=Windows ;;
            macos) target=aarch64-apple-darwin system=macOS ;;
        esac
        rustup target list --installed 2>/dev/null | grep -qx "$target" || {
            echo "installing Rust for $target (rustup)" >&2
            rustup target add "$target" >/dev/null 2>&1 ||
                fail "Rust for $system can't be installed: rustup target add $target"
        }
        ;;
    oldest)
        oldest=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$(dirname "$0")/../Cargo.toml")
        cargo "+$oldest" --version >/dev/null 2>&1 || {
            echo "installing Rust $oldest (rustup)" >&2
            rustup toolchain install "$oldest" --profile minimal >/dev/null 2>&1 ||
                fail "Rust $oldest can't be installed: rustup toolchain install $oldest"
        }
        ;;
esac
