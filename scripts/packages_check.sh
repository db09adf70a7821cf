#!/usr/bin/env bash
# Installs the Debian package in a clean root, runs what came with it, removes it, and looks whether anything is left.
# Needs root and a mirror of Debian (debootstrap); the root is kept in target/packages-root for the next time.
set -euo pipefail
cd "$(dirname "$0")/.."

target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
fail() { echo "error: $*" >&2; exit 1; }
[ "$(id -u)" -eq 0 ] || fail "a root of its own can only be made by root: sudo make packages-check"
package=$(echo "$target"/packages/chorale_*.deb)
[ -f "$package" ] || fail "$package is not there: make packages"
(cd "$target/packages" && sha256sum --quiet --check SHA256SUMS) || fail "the sums are wrong"

suite=${SUITE:-bookworm}
base=$target/packages-root/$suite
[ -f "$base/ready" ] || {
    rm -rf "$base"
    debootstrap --variant=minbase --include=man-db,bash-completion,zsh,fish "$suite" "$base" >/dev/null
    touch "$base/ready"
}
root=$(mktemp -d)
trap 'umount "$root/proc" 2>/dev/null || true; rm -rf "$root"' EXIT
cp -a "$base/." "$root"
mount -t proc proc "$root/proc"
cp /etc/resolv.conf "$root/etc/resolv.conf"
cp "$package" "$root/tmp/chorale.deb"
inside() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"; }
files() { (cd "$root" && find . -xdev \( -path ./proc -o -path ./tmp -o -path ./var/lib/apt -o -path ./var/cache -o -path ./var/log -o -path './var/lib/dpkg' \) -prune -o -print | sort); }

# What it depends on comes first, and stays: it is not the package that is to vanish with it.
depends=$(dpkg-deb -f "$package" Depends | sed 's/([^)]*)//g; s/|[^,]*//g; s/,/ /g')
inside apt-get update -qq
# shellcheck disable=SC2086
inside apt-get install -y -qq --no-install-recommends $depends >/dev/null
before=$(files)
inside dpkg -i /tmp/chorale.deb >/dev/null

inside performer --version
inside performer render /usr/share/doc/chorale/demo/st_anne.abc -o /tmp/hymn.mid --particles 2 >/dev/null
[ -s "$root/tmp/hymn.mid" ] || fail "nothing was rendered"
for name in performer performer-render performer-play; do
    [ -f "$root/usr/share/man/man1/$name.1.gz" ] || fail "there is no man page $name"
    inside man -l "/usr/share/man/man1/$name.1.gz" 2>/dev/null | grep -q SYNOPSIS || fail "the man page $name can't be read"
done
# shellcheck disable=SC2016
inside bash -c '. /usr/share/bash-completion/completions/performer && COMP_WORDS=(performer ren) COMP_CWORD=1 &&
    _performer performer ren performer && [ "${COMPREPLY[*]}" = render ]' || fail "bash doesn't complete 'performer ren'"
inside zsh -c 'autoload -U compinit && compinit -u -D && [ "$_comps[performer]" = _performer ]' || fail "zsh has no completion"
inside fish -c 'complete -C "performer ren"' | grep -q '^render' || fail "fish doesn't complete 'performer ren'"
for library in "$root"/usr/bin/performer $(find "$root/usr/lib/clap" "$root/usr/lib/vst3" -type f 2>/dev/null); do
    inside ldd "${library#"$root"}" | grep 'not found' && fail "$library lacks a library"
done
! grep -raqF "$PWD/" "$root/usr/share/doc/chorale" "$root/usr/bin/performer" "$root/usr/share/applications" ||
    fail "a folder of this machine is named"
if command -v desktop-file-validate >/dev/null; then desktop-file-validate "$root/usr/share/applications/chorale.desktop"; fi

inside dpkg --purge chorale >/dev/null
left=$(diff <(echo "$before") <(files) || true)
[ -z "$left" ] || fail "left or lost after removal: $left"
echo "$(basename "$package") installs in a clean $suite, runs, and leaves nothing behind"
