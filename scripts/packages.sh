#!/usr/bin/env bash
# Packages with their SHA-256 sums, in target/packages: packages.sh [deb | tarball | zip]
# Without a word the .deb and the tarball for this system (Linux), and the zip for Windows where `make windows` has built what
# goes in. In them: the program, its man pages and completions, the plugins of target/plugins (`make plugin`) and the page of
# web/dist (`make page`) if they are there, a desktop entry, documents and licences.
set -euo pipefail
cd "$(dirname "$0")/.."

target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
packages=$target/packages
root=$packages/root
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
machine=$(uname -m)
cargo=${CARGO_HOME:-$HOME/.cargo}

# Panics name the file they came from. What is the builder's own in it gives way to as many characters that are nobody's;
# rustc's --remap-path-prefix would do, but build all crates anew.
without_paths() { # without_paths FILE
    BUILDERS="$cargo
$target
$PWD" perl -0777 -pi -e '
        for my $path (split /\n/, $ENV{BUILDERS}) {
            my $other = "/source" . "/" x (length($path) - 7);
            s/\Q$path\E/$other/g if length($path) >= 7;
        }' "$1"
    # One path may be too short to be replaced, or the build may have begun elsewhere.
    ! grep -qaE -e "$cargo/|$PWD/|[a-z]/release/build/" "$1" || { echo "error: $1 names a folder of this machine; build in a new one: CARGO_TARGET_DIR" >&2; exit 1; }
}
put() { # put MODE FILE PLACE
    install -D -m "$1" "$2" "$root/$3"
}
programs() {
    find "$root/usr" \( -path '*/usr/bin/*' -o -path '*/usr/lib/*' \) -type f
}
packed() { # packed FILE PLACE
    mkdir -p "$(dirname "$root/$2")"
    gzip -9nc "$1" > "$root/$2.gz"
}

# They start on older systems too.
export CHORALE_PORTABLE=1
cargo build --release --locked -p performer
cargo build --release --locked -p performer --bin performer-manual --features manual
rm -rf "$packages"
mkdir -p "$packages"
# The packages are the same whenever they are made of the same state. Told after the builds: crates with C in them (tract's)
# would be built anew for another date.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
export SOURCE_DATE_EPOCH
"$target/release/performer-manual" "$packages/manual"

put 755 "$target/release/performer" usr/bin/performer
without_paths "$root/usr/bin/performer"
for page in "$packages"/manual/*.1; do
    packed "$page" "usr/share/man/man1/$(basename "$page")"
done
put 644 "$packages/manual/performer.bash" usr/share/bash-completion/completions/performer
put 644 "$packages/manual/_performer" usr/share/zsh/vendor-completions/_performer
put 644 "$packages/manual/performer.fish" usr/share/fish/vendor_completions.d/performer.fish
put 644 packaging/chorale.svg usr/share/icons/hicolor/scalable/apps/chorale.svg

bundles=none
if [ -d "$target/plugins" ]; then
    bundles="CLAP and VST3"
    library=Chorale.vst3/Contents/$machine-linux/Chorale.so
    put 644 "$target/plugins/Chorale.clap" usr/lib/clap/Chorale.clap
    put 644 "$target/plugins/$library" "usr/lib/vst3/$library"
    without_paths "$root/usr/lib/clap/Chorale.clap"
    without_paths "$root/usr/lib/vst3/$library"
    (cd "$target/plugins" && find presets -type f) | while IFS= read -r preset; do
        put 644 "$target/plugins/$preset" "usr/share/vst3/$preset"
    done
fi

play='Exec=sh -c "performer play --synth; echo Press Return to close.; read answer"
Terminal=true'
start=$play
if [ -f web/dist/chorale.html ]; then
    put 644 web/dist/chorale.html usr/share/chorale/chorale.html
    start='Exec=xdg-open /usr/share/chorale/chorale.html'
fi
mkdir -p "$root/usr/share/applications"
while IFS= read -r line; do
    echo "${line/@START@/$start}"
done < packaging/chorale.desktop > "$root/usr/share/applications/chorale.desktop"

documents=usr/share/doc/chorale
# As they lie in the source, so that what links them finds them.
linked=(README.md ARCHITECTURE.md CONTRIBUTING.md CHANGELOG.md LICENSE-MIT LICENSE-APACHE models/*.md models/*.svg fuzz/README.md web/README.md)
for file in "${linked[@]}" docs/*.md docs/pictures/* demo/*.abc demo/melody.mid extras/musescore/*; do
    put 644 "$file" "$documents/$file"
done
packed CHANGELOG.md $documents/changelog
# What the licences of the crates in the programs ask for: their names and texts, each text once.
licences() { # licences OPTION...: of cargo tree
    local crates name number text
    echo "Chorale, https://spdx.org/licenses/: MIT OR Apache-2.0"
    cat LICENSE-MIT LICENSE-APACHE
    echo
    echo "The programs contain these Rust crates:"
    crates=$(cargo tree --locked --offline -p performer -p chorale-plugin --edges normal --prefix none --format '{p} : {l}' "$@" |
        grep -v ' (/' | sed 's/ (proc-macro)//; s/ (\*)//' | sort -u)
    echo "$crates"
    while read -r name number _; do
        for text in "$cargo"/registry/src/*/"$name-${number#v}"/{LICEN,licen,COPYING,COPYRIGHT,NOTICE}*; do
            if [ -f "$text" ]; then echo "$(sha256sum < "$text" | cut -c1-64) $text"; fi
        done
    done <<< "$crates" | sort -u -k1,1 | while read -r _ text; do
        echo
        echo "---- $(basename "$(dirname "$text")"), $(basename "$text")"
        cat "$text"
    done
}
licences > "$packages/copyright"
put 644 "$packages/copyright" $documents/copyright

deb() {
    local name architecture control libraries
    architecture=$(dpkg --print-architecture)
    name=chorale_${version}_$architecture.deb
    control=$packages/control
    mkdir -p "$control/debian" "$root/DEBIAN"
    echo 'Source: chorale' > "$control/debian/control"
    libraries=$(cd "$control" && programs | xargs dpkg-shlibdeps -O --ignore-missing-info 2>/dev/null | sed 's/^shlibs:Depends=//')
    cat > "$root/DEBIAN/control" <<CONTROL
Package: chorale
Version: $version
Architecture: $architecture
Maintainer: The maintainers of Chorale <chorale@localhost>
Section: sound
Priority: optional
Installed-Size: $(du -sk --exclude DEBIAN "$root" | cut -f1)
Depends: $libraries
Suggests: jackd2 | pipewire-jack, xdg-utils
Description: live four-part co-performer
 Play a soprano on a MIDI keyboard: alto, tenor and bass answer in the manner
 of Bach's chorales. Also harmonizes MIDI, MusicXML and ABC files, and writes
 new chorales. In a DAW it is a CLAP and VST3 plugin.
CONTROL
    dpkg-deb --root-owner-group -Zxz --build "$root" "$packages/$name" >/dev/null
    rm -r "$root/DEBIAN"
}
# To be unpacked anywhere, as tar -x --strip-components 1 -C /usr/local.
tarball() {
    local name=chorale-$version-$machine-linux
    tar -C "$root/usr" --sort name --owner 0 --group 0 --numeric-owner --mtime "@$SOURCE_DATE_EPOCH" \
        --transform "s,^\.,$name," -cJf "$packages/$name.tar.xz" .
}
# For Windows, to be unpacked anywhere.
built=$target/windows/x86_64-pc-windows-gnu/release
windows() {
    local name=chorale-$version-x86_64-windows
    local folder=$packages/$name
    local bundle=Chorale.vst3/Contents/x86_64-win
    mkdir -p "$folder/demo" "$folder/$bundle"
    cp "$built/performer.exe" "$folder"
    cp "$built/chorale_plugin.dll" "$folder/Chorale.clap"
    cp "$built/chorale_plugin.dll" "$folder/$bundle/Chorale.vst3"
    "$target/release/chorale_presets" "$folder/VST3 Presets" >/dev/null
    for file in performer.exe Chorale.clap "$bundle/Chorale.vst3"; do without_paths "$folder/$file"; done
    cp demo/*.abc demo/melody.mid "$folder/demo"
    cp --parents "${linked[@]}" "$folder"
    cp -r docs extras "$packages/manual/_performer.ps1" "$folder"
    [ ! -f web/dist/chorale.html ] || cp web/dist/chorale.html "$folder"
    licences --target x86_64-pc-windows-gnu > "$folder/LICENCES.txt"
    find "$folder" -exec touch -d "@$SOURCE_DATE_EPOCH" {} +
    (cd "$packages" && find "$name" -type f | LC_ALL=C sort | TZ=UTC zip -qX9@ "$name.zip")
    rm -r "$folder"
}
case ${1:-all} in
    deb) deb ;;
    tarball) tarball ;;
    zip) windows ;;
    all)
        deb
        tarball
        [ ! -f "$built/performer.exe" ] || windows
        ;;
    *) echo "error: packages.sh [deb | tarball | zip]" >&2; exit 1 ;;
esac
(cd "$packages" && for file in *.deb *.tar.xz *.zip; do if [ -f "$file" ]; then sha256sum "$file"; fi; done > SHA256SUMS)

oldest=$(programs | xargs objdump -T | grep -o 'GLIBC_[0-9.]*' | sort -Vu | tail -1)
echo "Plugins: $bundles; page: $([ -f "$root/usr/share/chorale/chorale.html" ] && echo yes || echo no); needs ${oldest/_/ }"
(cd "$packages" && ls -sh --block-size=1000000 -1 | grep -E '\.(deb|xz|zip)$' | sed 's/^ *\([0-9]*\)/\1 MB/' && cat SHA256SUMS)
