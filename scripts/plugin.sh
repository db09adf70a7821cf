#!/usr/bin/env bash
# The plugin for this system: plugin.sh [install | checked | check]
# Builds and bundles CLAP and VST3 (on macOS AUv2 too) into target/plugins, with the presets as VST3 hosts read them. With
# `install` also puts them where hosts look for a user's plugins and presets. With `checked` makes the same with assertions in
# target/checked/plugins, built as `make test` builds everything, which leaves little to build after it; with `check` also lets
# Ardour load and play that.
set -euo pipefail
cd "$(dirname "$0")/.."

target=$(realpath -m "${CARGO_TARGET_DIR:-target}" 2>/dev/null || echo "$PWD/target")
# One at a time: what another run makes anew can't be loaded meanwhile.
if command -v flock >/dev/null; then
    mkdir -p "$target"
    exec 9>"$target/plugin.lock"
    flock 9
fi
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)

if [[ "${1:-}" = check* ]]; then
    scripts/checked.sh build --workspace --lib --bins --features chorale-plugin/wrapped
    target=$target/checked
else
    cargo build --release -p chorale-plugin --features wrapped
fi
plugins=$target/plugins

# An Info.plist for macOS: plist WHERE KIND MORE
plist() {
    cat > "$1/Contents/Info.plist" <<XML
<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0"><dict>
<key>CFBundleExecutable</key><string>Chorale</string>
<key>CFBundleIdentifier</key><string>org.chorale.co-performer.$2</string>
<key>CFBundleName</key><string>Chorale</string>
<key>CFBundlePackageType</key><string>BNDL</string>
<key>CFBundleVersion</key><string>$version</string>
<key>CFBundleShortVersionString</key><string>$version</string>
${3:-}
</dict></plist>
XML
}
# A folder with the library inside: bundle KIND PLACE LIBRARY
bundle() {
    mkdir -p "$plugins/Chorale.$1/Contents/$2"
    cp "$built" "$plugins/Chorale.$1/Contents/$2/$3"
}

rm -rf "$plugins"
mkdir -p "$plugins"
case $(uname -s) in
    Darwin)
        built=$target/release/libchorale_plugin.dylib
        component='<key>AudioComponents</key><array><dict>
<key>type</key><string>aumi</string><key>subtype</key><string>ChCp</string><key>manufacturer</key><string>Chrl</string>
<key>name</key><string>chorale: Chorale</string><key>description</key><string>Chorale</string>
<key>factoryFunction</key><string>GetPluginFactoryAUV2</string><key>version</key><integer>1</integer>
<key>sandboxSafe</key><true/></dict></array>'
        for kind in clap vst3 component; do
            bundle "$kind" MacOS Chorale
            if [ "$kind" = component ]; then plist "$plugins/Chorale.$kind" "$kind" "$component"; else plist "$plugins/Chorale.$kind" "$kind"; fi
            printf 'BNDL????' > "$plugins/Chorale.$kind/Contents/PkgInfo"
            codesign --force --sign - "$plugins/Chorale.$kind" 2>/dev/null || true
        done
        places=("$HOME/Library/Audio/Plug-Ins/CLAP" "$HOME/Library/Audio/Plug-Ins/VST3" "$HOME/Library/Audio/Plug-Ins/Components")
        presets=$HOME/Library/Audio/Presets
        ;;
    MINGW* | MSYS* | CYGWIN*)
        built=$target/release/chorale_plugin.dll
        cp "$built" "$plugins/Chorale.clap"
        bundle vst3 x86_64-win Chorale.vst3
        places=("$LOCALAPPDATA/Programs/Common/CLAP" "$LOCALAPPDATA/Programs/Common/VST3")
        presets="$USERPROFILE/Documents/VST3 Presets"
        ;;
    *)
        built=$target/release/libchorale_plugin.so
        cp "$built" "$plugins/Chorale.clap"
        bundle vst3 "$(uname -m)-linux" Chorale.so
        places=("$HOME/.clap" "$HOME/.vst3")
        presets=$HOME/.vst3/presets
        ;;
esac
"$target/release/chorale_presets" "$plugins/presets" >/dev/null
echo "Built: $(cd "$plugins" && echo *)  in $plugins"

case "${1:-}" in
    install)
        kinds=(clap vst3 component)
        for number in "${!places[@]}"; do
            name=Chorale.${kinds[$number]}
            mkdir -p "${places[$number]}"
            rm -rf "${places[$number]:?}/$name"
            cp -R "$plugins/$name" "${places[$number]}/"
            echo "Installed: ${places[$number]}/$name"
        done
        mkdir -p "$presets"
        cp -R "$plugins/presets/." "$presets/"
        echo "Installed: $presets/chorale, the presets for VST3 hosts"
        echo "Let your host scan for plugins again; then put Chorale on the keyboard's track (docs/DAW.md)."
        ;;
    check)
        ardour=$(echo /usr/lib/ardour*)
        home=$(mktemp -d)
        trap 'rm -rf "$home"' EXIT
        told=$(HOME=$home LD_LIBRARY_PATH=$ardour "$ardour"/ardour-vst3-scanner -v "$plugins/Chorale.vst3" 2>&1) ||
            { echo "$told" >&2; echo "error: ardour-vst3-scanner can't load $plugins/Chorale.vst3" >&2; exit 1; }
        for name in '"Chorale"' '"Chorale 4 Outs"'; do
            grep -q "name=$name" <<<"$told" "$home" -r ||
                { echo "$told" >&2; echo "error: ardour-vst3-scanner finds no plugin $name" >&2; exit 1; }
        done
        for preset in "$plugins"/presets/chorale/*/Chorale.vstpreset; do
            class=$(head -c 40 "$preset" | tail -c 32)
            grep -qi "$class" <<<"$told" "$home" -r ||
                { echo "$told" >&2; echo "error: $preset is of a plugin $class, which ardour-vst3-scanner does not find" >&2; exit 1; }
        done
        echo "ardour-vst3-scanner loads the VST3 and finds both plugins, as their presets name them"
        scripts/ardour.sh "$plugins"
        ;;
esac
