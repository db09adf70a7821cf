//! Keep this, redo that: whatever is selected, all else stays as it is, to the byte.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::sync::{Arc, LazyLock};

use arranger::{Correction, ExportOptions, Format, Method, Options, Piece, Selection, Tune};
use chorale::{Part, Parts, Pitch};
use files::musicxml::Layout;
use files::{Note, Tick};
use network::Model;
use proptest::prelude::*;

static MODEL: LazyLock<Arc<Model>> = LazyLock::new(|| Arc::new(Model::lstm().unwrap()));

fn options(seed: u64) -> Options {
    let mut options = Options { method: Method::Ahead { particles: 2, alternatives: 1 }, ..Options::default() };
    options.freedom.seed = seed;
    options
}

/// With a pickup, a rest, words and a triplet in G major, and its harmony.
static PIECE: LazyLock<Piece> = LazyLock::new(|| {
    let abc = "X:1\nT:Tune\nM:3/4\nL:1/4\nQ:1/4=90\nK:G\nD|G2 B/G/|B2 A|(3G/A/G/ E D|D2 z|G2 B/G/|B2 A|d3|d2 B|\n\
               w:A-|ma-zing *|grace, how|sweet * * the sound|that|saved a *|wretch like|me, I|once was\n";
    let tune = Tune::read("tune.abc", abc.as_bytes()).unwrap();
    tune.choose(&options(1)).unwrap().harmonize(&MODEL).unwrap().remove(0).piece
});

fn bytes(piece: &Piece, format: Format) -> Vec<u8> {
    piece.export(format, &ExportOptions::default()).unwrap()
}

/// What a person would do: write the piece, and open the file.
fn through_file(piece: &Piece, format: Format) -> Piece {
    Tune::read("four", &bytes(piece, format)).unwrap().four_parts(None).unwrap()
}

fn bar(piece: &Piece, tick: Tick) -> u32 {
    piece.grid.bar(piece.grid.nearest_step(tick)).number
}

/// The notes of a part that begin outside the bars.
fn outside(piece: &Piece, part: Part, bars: &RangeInclusive<u32>) -> Vec<Note> {
    piece.score.part(part).iter().copied().filter(|note| !bars.contains(&bar(piece, note.start))).collect()
}

/// The measures of each staff, as they stand in a score.
fn measures(score: &[u8]) -> Vec<Vec<String>> {
    let text = String::from_utf8(score.to_vec()).unwrap();
    let staves =
        text.split("<part id=").skip(1).map(|part| part.split("<measure ").skip(1).map(str::to_owned).collect());
    staves.collect()
}

/// A measure without what is printed before its notes.
fn unsigned(measure: &str) -> Vec<&str> {
    measure.lines().filter(|line| !line.contains("<accidental>")).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn whatever_is_selected_every_other_note_stays_as_it_is(
        first in 0_u32..9,
        count in 0_u32..4,
        which in 1_u8..16,
        seed in 0_u64..1000,
        format in prop::sample::select(vec![None, Some(Format::Midi), Some(Format::MusicXml)]),
    ) {
        let bars = first..=(first + count).min(8);
        let parts = Parts::which(|part| which >> part.index() & 1 == 1);
        let selection = Selection { bars: vec![bars.clone()], parts: Some(parts) };
        let read = format.map(|format| through_file(&PIECE, format));
        let piece = read.as_ref().unwrap_or(&PIECE);
        let found = match arranger::redo(&MODEL, piece, &selection, &options(seed)) {
            Ok(mut found) => found.remove(0).piece,
            // A part may hold a note through all of a bar.
            Err(error) => {
                prop_assert!(error.to_string().starts_with("nothing is left to be found anew"), "{error}");
                return Ok(());
            }
        };
        let none = (u32::MAX)..=u32::MAX;
        for part in Part::ALL {
            let bars = if parts.contains(part) { &bars } else { &none };
            prop_assert_eq!(outside(&found, part, bars), outside(piece, part, bars), "{:?}", part);
            for pair in found.score.part(part).windows(2) {
                prop_assert!(pair[0].end <= pair[1].start, "{:?} overlaps itself: {:?}", part, pair);
            }
            prop_assert!(found.score.part(part).iter().all(|note| note.start < note.end));
        }
        prop_assert_eq!(&found.score.directions, &piece.score.directions);
        prop_assert_eq!(&found.score.lyrics, &piece.score.lyrics);
        let again = arranger::redo(&MODEL, piece, &selection, &options(seed)).unwrap().remove(0).piece;
        prop_assert_eq!(bytes(&again, Format::Midi), bytes(&found, Format::Midi), "the same seed");
        // Bars into which no selected note lasts are the same text, but for reminders of what was altered before them.
        let changed: BTreeSet<u32> = parts
            .iter()
            .flat_map(|part| piece.score.part(part).iter().chain(found.score.part(part)))
            .filter(|note| bars.contains(&bar(piece, note.start)))
            .flat_map(|note| bar(piece, note.start)..=bar(piece, note.end - 1))
            .collect();
        let (before, after) = (measures(&bytes(piece, Format::MusicXml)), measures(&bytes(&found, Format::MusicXml)));
        for (before, after) in before.iter().zip(&after) {
            prop_assert_eq!(before.len(), after.len());
            for (number, (before, after)) in (0_u32..).zip(before.iter().zip(after)) {
                let follows = number > 0 && changed.contains(&(number - 1));
                let is_same = before == after || follows && unsigned(before) == unsigned(after);
                prop_assert!(changed.contains(&number) || is_same, "bar {}: {} {}", number, before, after);
            }
        }
    }

    #[test]
    fn a_note_that_is_set_stays_set_and_only_what_sounds_with_it_moves(
        place in any::<prop::sample::Index>(),
        part in prop::sample::select(Part::ALL.to_vec()),
        by in -4_i32..=4,
    ) {
        let notes = PIECE.score.part(part);
        let index = place.index(notes.len());
        let note = notes[index];
        let correction = Correction { part, tick: note.start, pitch: note.pitch.transposed(by).unwrap() };
        let fixed = arranger::fix(&MODEL, &PIECE, correction, &options(1)).unwrap().remove(0).piece;
        let mut expected = notes.to_vec();
        expected[index].pitch = correction.pitch;
        prop_assert_eq!(fixed.score.part(part), &expected[..]);
        if part != Part::Soprano {
            prop_assert_eq!(fixed.score.part(Part::Soprano), PIECE.score.part(Part::Soprano));
        }
        let sounding = |note: &&Note, other: &Note| note.start < other.end && other.start < note.end;
        let with: Vec<&Note> = PIECE.score.parts.iter().flatten().filter(|other| sounding(other, &note)).collect();
        let quarter = Tick::from(PIECE.score.ticks_per_quarter);
        let first = with.iter().map(|note| note.start).min().unwrap().saturating_sub(quarter);
        let last = with.iter().map(|note| note.end).max().unwrap() + quarter;
        for other in Part::ALL {
            // What begins there may go on, and is changed as a whole.
            let may_move = PIECE.score.part(other).iter().filter(|note| (first..last).contains(&note.start));
            let last = may_move.map(|note| note.end).fold(last, Tick::max);
            let far = |piece: &Piece| -> Vec<Note> {
                piece.score.part(other).iter().copied().filter(|note| note.start < first || note.start >= last).collect()
            };
            prop_assert_eq!(far(&fixed), far(&PIECE), "{:?}", other);
        }
    }
}

#[test]
fn a_score_on_two_staves_comes_back_as_it_was_written_with_its_words_and_slurs() {
    let closed = ExportOptions { layout: Layout::Closed, ..ExportOptions::default() };
    for all_sing in [true, false] {
        let options = Options { all_sing, ..options(1) };
        let abc = "X:1\nM:3/4\nL:1/4\nK:G\nD|G2 B/G/|B2 A|G2 E|D3|G2 (B/G/)|B2 A|d2 B|G3\n\
                   w:A-|ma-zing *|grace, how|sweet the|sound|that saved *|a wretch|like me, I|once\n";
        let tune = Tune::read("tune.abc", abc.as_bytes()).unwrap();
        let piece = tune.choose(&options).unwrap().harmonize(&MODEL).unwrap().remove(0).piece;
        let score = piece.export(Format::MusicXml, &closed).unwrap();
        let read = Tune::read("two.musicxml", &score).unwrap();
        assert_eq!(read.layout(), Layout::Closed);
        let again = read.four_parts(None).unwrap();
        assert_eq!(again.score.all_sing, all_sing);
        assert_eq!(again.score.phrasing.slurs, piece.score.phrasing.slurs, "those of the alto are the alto's");
        assert_eq!(again.export(Format::MusicXml, &closed).unwrap(), score);
        let open = Tune::read("four.musicxml", &bytes(&piece, Format::MusicXml)).unwrap();
        assert_eq!((open.layout(), open.four_parts(None).unwrap().score.all_sing), (Layout::Open, all_sing));
        let midi = Tune::read("four.mid", &bytes(&piece, Format::Midi)).unwrap();
        assert_eq!((midi.layout(), midi.four_parts(None).unwrap().score.all_sing), (Layout::Open, all_sing));
    }
}

#[test]
fn another_seed_finds_other_notes_and_alternatives_differ() {
    let selection = Selection { bars: vec![2..=5], parts: None };
    let notes =
        |seed: u64| arranger::redo(&MODEL, &PIECE, &selection, &options(seed)).unwrap().remove(0).piece.score.parts;
    let found: Vec<_> = (1..=6).map(notes).collect();
    assert!(found.iter().all(|parts| *parts != PIECE.score.parts), "something is new");
    assert!(found.windows(2).filter(|two| two[0] != two[1]).count() >= 4);
    let method = Method::Ahead { particles: 2, alternatives: 3 };
    let found = arranger::redo(&MODEL, &PIECE, &selection, &Options { method, ..options(1) }).unwrap();
    assert_eq!(found.len(), 3);
    assert!(found[0].piece.score.parts != found[1].piece.score.parts);
}

#[test]
fn a_search_that_finds_nothing_else_says_so_with_the_way_out() {
    let selection = Selection { bars: vec![8..=8], parts: Some([Part::Bass].into()) };
    let mut frozen = options(5);
    // Next to no temperature and no luck: what was found is found again.
    frozen.freedom.temperature = 0.01;
    let first = arranger::redo(&MODEL, &PIECE, &selection, &frozen).unwrap().remove(0);
    let second = arranger::redo(&MODEL, &first.piece, &selection, &frozen).unwrap().remove(0);
    assert_eq!(second.piece.score.parts, first.piece.score.parts);
    let remark = "nothing else was found for bar 8; --seed 6 or a higher --temperature may find it";
    assert_eq!(second.remarks, [remark]);
}

#[test]
fn what_cannot_be_found_anew_is_said_with_the_way_out() {
    let refused = |bars: Vec<RangeInclusive<u32>>, method: Method| {
        let selection = Selection { bars, parts: None };
        let found = arranger::redo(&MODEL, &PIECE, &selection, &Options { method, ..options(1) });
        found.err().expect("nothing is found").to_string()
    };
    let ahead = options(1).method;
    assert_eq!(refused(vec![8..=12], ahead), "--bars 8-12: the piece has bars 0 to 8");
    assert_eq!(refused(vec![1..=2, 30..=30], ahead), "--bars 30: the piece has bars 0 to 8");
    assert_eq!(refused(vec![9..=u32::MAX], ahead), "--bars 9-: the piece has bars 0 to 8");
    assert!(refused(vec![1..=2], Method::Live).starts_with("--live knows only what came before"));
    let correction = Correction { part: Part::Alto, tick: 1_000_000, pitch: Pitch::new(60).unwrap() };
    let missing = arranger::fix(&MODEL, &PIECE, correction, &options(1)).err().unwrap().to_string();
    assert_eq!(missing, "the alto has no note there; name a beat on which one sounds");
    let three = Piece::new(PIECE.score.clone().sung_by("SAB".parse().unwrap()), PIECE.grid.clone());
    let selection = Selection { bars: Vec::new(), parts: Some([Part::Tenor].into()) };
    let silent = arranger::redo(&MODEL, &three, &selection, &options(1)).err().unwrap().to_string();
    assert_eq!(silent, "--redo tenor: --ranges SAB leaves the tenor out; name other parts");
}

#[test]
fn a_score_of_another_choir_is_read_as_it_was_written() {
    for choir in ["SAB", "TTBB"] {
        let written = Piece::new(PIECE.score.clone().sung_by(choir.parse().unwrap()), PIECE.grid.clone());
        for format in [Format::MusicXml, Format::Midi] {
            let read = through_file(&written, format);
            assert_eq!(read.score.ensemble, written.score.ensemble, "{choir}");
            let pitches =
                |piece: &Piece, part| piece.score.part(part).iter().map(|note| note.pitch).collect::<Vec<_>>();
            for part in Part::ALL {
                assert_eq!(pitches(&read, part), pitches(&written, part), "{choir} {part:?}");
            }
        }
    }
}

#[test]
fn a_note_set_out_of_its_parts_range_is_told() {
    let tick = PIECE.score.part(Part::Bass)[2].start;
    let remarks = |pitch: &str| {
        let correction = Correction { part: Part::Bass, tick, pitch: pitch.parse().unwrap() };
        arranger::fix(&MODEL, &PIECE, correction, &options(1)).unwrap().remove(0).remarks
    };
    let (low, high) = PIECE.score.ensemble.range(Part::Bass);
    assert_eq!(remarks("G9"), [format!("G9 lies outside the range of the bass, {low} to {high}")]);
    assert_eq!(remarks("G2"), [""; 0]);
}
