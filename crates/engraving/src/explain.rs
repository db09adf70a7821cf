//! A piece read as a teacher would read it: chords as Roman numerals, cadences, and broken rules beside Bach's rates.

use chorale::{Harmony, Key, Part, Quality, Rule};

use crate::Piece;
use crate::analysis::{Sounding, beats, harmony_in};
use crate::position::{BarPosition, bar_position, steps_per_beat};
use files::{Grid, Note, Tick};

/// How a phrase ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CadenceKind {
    /// V-I, both in root position, the soprano on the tonic.
    Perfect,
    /// Another V-I, or vii°-I.
    Imperfect,
    /// On V.
    Half,
    /// V-vi.
    Deceptive,
    /// IV-I.
    Plagal,
    /// On another chord.
    Open,
}

impl CadenceKind {
    fn is_authentic(self) -> bool {
        matches!(self, CadenceKind::Perfect | CadenceKind::Imperfect)
    }

    pub fn name(self) -> &'static str {
        match self {
            CadenceKind::Perfect => "perfect authentic",
            CadenceKind::Imperfect => "imperfect authentic",
            CadenceKind::Half => "half",
            CadenceKind::Deceptive => "deceptive",
            CadenceKind::Plagal => "plagal",
            CadenceKind::Open => "open",
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Cadence {
    pub position: BarPosition,
    pub kind: CadenceKind,
    /// In which it closes.
    pub key: Key,
    /// The last two chords, as numerals in that key.
    pub chords: String,
}

/// The end of every phrase: under fermatas; where there are none, at the [`phrase_ends`](Piece::phrase_ends) of the piece; where
/// nobody has found these, on notes that a rest or a breath follows, at the ends of the text's lines, on the last note, and on
/// those of a half or longer that a cadence leads to. Ends without a chord are left out, and of two notes on one chord the
/// second.
pub fn cadences(piece: &Piece) -> Vec<Cadence> {
    let Piece { grid, chords, .. } = piece;
    let mut cadences: Vec<Cadence> = Vec::new();
    // The chord in which the phrase before came to rest, and whether it surely did.
    let mut closed: Option<(usize, bool)> = None;
    for (note, is_sure) in phrase_ends(piece) {
        let (first, end) = (grid.nearest_step(note.start), grid.nearest_step(note.end));
        // The chord on which the note comes to rest, and what led there.
        let Some(last) = chords.iter().rposition(|chord| chord.steps.start < end && chord.steps.end > first) else {
            continue;
        };
        let chord = &chords[last];
        // Under one note a harmony may be left for a beat that has no name, and taken up again: it was reached once.
        let is_same = |other: &Sounding| other.steps.end > first && is_prolonged(other.harmony, chord.harmony);
        let reached = chords[..last].iter().rposition(|other| !is_same(other)).map_or(0, |before| before + 1);
        let before = reached.checked_sub(1).map(|before| &chords[before]).filter(|before| {
            // What lies further back than two beats leads nowhere.
            before.steps.end + 8 >= chords[reached].steps.start
        });
        let before = before.map(|before| before.harmony.leading_to(chord.harmony));
        let classify = |before| classify(before, chord.harmony, chord.key, note);
        let (mut kind, mut key) = classify(before);
        let mut path: Vec<Harmony> = before.into_iter().collect();
        if let Some(late) = harmony_before(piece, &chords[reached])
            && before.is_none_or(|before| (before.root, before.quality) != (late.root, late.quality))
            && let late = late.leading_to(chord.harmony)
            && let (late_kind, late_key) = classify(Some(late))
            && (late_kind.is_authentic() || (kind == CadenceKind::Open && late_kind != CadenceKind::Open))
        {
            (kind, key) = (late_kind, late_key);
            path.push(late);
        }
        // The chord may be there a little early, and be left for its dominant once more.
        if let Some(late) = first
            .checked_sub(chords[reached].steps.start)
            .filter(|early| *early > 0)
            .and_then(|_| other_before(piece, first, &chords[reached]))
            && let late = late.leading_to(chord.harmony)
            && let (late_kind, late_key) = classify(Some(late))
            && late_kind.is_authentic()
        {
            (kind, key) = (late_kind, late_key);
            path = vec![late];
        }
        if kind == CadenceKind::Open && !is_sure
            || closed.is_some_and(|(at, was_sure)| at == reached && !(was_sure && is_sure))
        {
            continue;
        }
        closed = Some((reached, is_sure));
        path.push(chord.harmony);
        // A note that anticipates begins before the chord in which it comes to rest.
        let arrival = chords[reached].steps.start;
        let is_anticipated = arrival.checked_sub(first).is_some_and(|early| early < steps_per_beat(grid, first));
        let position = bar_position(grid, if is_anticipated { arrival } else { first });
        let chords: Vec<String> = path.iter().map(|harmony| harmony.numeral(key)).collect();
        cadences.push(Cadence { position, kind, key, chords: chords.join("-") });
    }
    cadences
}

/// Whether a chord is the one that comes to rest already: in another inversion, or as a minor triad whose third is raised at
/// the end.
fn is_prolonged(harmony: Harmony, last: Harmony) -> bool {
    let is_raised = harmony.quality == Quality::Minor && last.quality == Quality::Major;
    harmony.root == last.root && (harmony.quality == last.quality || is_raised)
}

/// The chord that leads to another, eighth by eighth, at most a beat before: a suspension resolves as late as the second half
/// of the beat, and an anticipation hides the dominant under a note of the chord to come, or is that chord already.
fn harmony_before(piece: &Piece, reached: &Sounding) -> Option<Harmony> {
    let Piece { score, grid, .. } = piece;
    let (start, key) = (reached.steps.start, reached.key);
    let eighth = |first: u32| harmony_in(score, &(grid.tick(first)..grid.tick(first + EIGHTH)), key);
    let is_reached = |harmony: Harmony| is_prolonged(harmony, reached.harmony);
    let beat = beat_before(grid, start);
    // Where most of a beat is the chord already, the beat bears its name from the beginning.
    let mut within = (start..start + beat).step_by(EIGHTH as usize);
    let arrival = within.find(|first| eighth(*first).is_some_and(is_reached)).unwrap_or(start);
    other_before(piece, arrival, reached)
}

/// The nearest other chord than `reached` in the eighths before a step, at most a beat back.
fn other_before(piece: &Piece, step: u32, reached: &Sounding) -> Option<Harmony> {
    let Piece { score, grid, .. } = piece;
    let eighth = |first: u32| harmony_in(score, &(grid.tick(first)..grid.tick(first + EIGHTH)), reached.key);
    let before = (1..=beat_before(grid, step) / EIGHTH).map_while(|back| step.checked_sub(back * EIGHTH));
    before.filter_map(eighth).find(|harmony| !is_prolonged(*harmony, reached.harmony))
}

fn beat_before(grid: &Grid, step: u32) -> u32 {
    steps_per_beat(grid, step).clamp(2 * EIGHTH, 3 * EIGHTH)
}

/// In steps.
const EIGHTH: u32 = 2;

/// Notes on which a phrase ends, and whether it surely does: a long note may be none, or two of one pitch in a table.
fn phrase_ends(piece: &Piece) -> Vec<(Note, bool)> {
    let Piece { score, phrase_ends, .. } = piece;
    let soprano = score.part(Part::Soprano);
    let has_fermata = |note: &&Note| score.fermatas.binary_search(&note.start).is_ok();
    let fermatas: Vec<(Note, bool)> =
        score.part(score.melody).iter().filter(has_fermata).map(|note| (*note, true)).collect();
    if !fermatas.is_empty() {
        return fermatas;
    }
    if !phrase_ends.is_empty() {
        let sung_at = |tick: &Tick| soprano.iter().rfind(|note| note.start <= *tick);
        return phrase_ends.iter().filter_map(sung_at).map(|note| (*note, true)).collect();
    }
    let quarter = u32::from(score.ticks_per_quarter);
    let (lines, breaths) = match score.melody {
        Part::Soprano => (score.line_ends(), score.phrasing.breaths.as_slice()),
        _ => (Vec::new(), [].as_slice()),
    };
    let ends = soprano.iter().enumerate().filter_map(|(index, note)| {
        let next = soprano.get(index + 1);
        let is_among = |ticks: &[Tick]| ticks.binary_search(&note.start).is_ok();
        let is_long = next.is_some_and(|next| next.start - note.start >= 2 * quarter);
        let (is_line, is_breath) = (is_among(&lines), is_among(breaths));
        // A line of the text that does not come to rest may be half a phrase.
        let is_sure = next.is_none_or(|next| next.start >= note.end + quarter / 2) || is_breath || (is_line && is_long);
        (is_sure || is_line || is_long).then_some((*note, is_sure))
    });
    ends.collect()
}

/// How it is known where phrases end.
fn where_phrases_end(Piece { score, phrase_ends, .. }: &Piece) -> &'static str {
    match () {
        () if !score.fermatas.is_empty() => "under fermatas",
        () if !phrase_ends.is_empty() => "where the melody seems to end a phrase",
        () => "on long notes and before rests",
    }
}

fn classify(before: Option<Harmony>, last: Harmony, key: Key, soprano: Note) -> (CadenceKind, Key) {
    let is_triad = matches!(last.quality, Quality::Major | Quality::Minor);
    let above = |harmony: Harmony, root: u8| (harmony.root + 12 - root) % 12;
    let local = |tonic: u8, minor: bool| Key::of_tonic(tonic, minor).written_near(key);
    if let Some(before) = before
        && is_triad
    {
        // The triad of the tonic goes to its fourth degree without being a dominant.
        let is_tonic = !key.minor && before.root == key.tonic() && before.quality == Quality::Major;
        let is_dominant = matches!(before.quality, Quality::Major | Quality::DominantSeventh) && !is_tonic;
        let is_leading =
            matches!(before.quality, Quality::Diminished | Quality::HalfDiminished | Quality::DiminishedSeventh);
        // With a raised third at the end the key is minor all the same.
        let is_home = key.minor && last.root == key.tonic();
        let tonic = if is_home { key } else { local(last.root, last.quality == Quality::Minor) };
        let is_firm = last.inversion() == 0 || (before.inversion() == 0 && last.inversion() == 1);
        if is_dominant && above(before, last.root) == 7 && is_firm {
            let is_perfect = before.inversion() == 0 && last.inversion() == 0 && soprano.pitch.class() == last.root;
            return (if is_perfect { CadenceKind::Perfect } else { CadenceKind::Imperfect }, tonic);
        }
        if is_leading && above(before, last.root) == 11 {
            return (CadenceKind::Imperfect, tonic);
        }
        // A dominant, of the key or by its sound, goes up by a step to what stands for its tonic.
        let leads = above(before, key.tonic()) == 7
            || before.quality == Quality::DominantSeventh
            || before.numeral(key).contains('/');
        let step = (above(last, before.root), last.quality);
        if is_dominant && leads && matches!(step, (1, Quality::Major) | (2, Quality::Minor)) {
            return (CadenceKind::Deceptive, local((before.root + 5) % 12, step.0 == 1));
        }
        let is_plagal = above(before, last.root) == 5 && last.inversion() == 0;
        if is_plagal && last.root == key.tonic() {
            return (CadenceKind::Plagal, key);
        }
        // On another degree; but to the dominant the same step is I-V.
        if is_plagal && above(last, key.tonic()) != 7 && last.belongs_to(key) && before.belongs_to(key) {
            return (CadenceKind::Plagal, tonic);
        }
    }
    let is_dominant = matches!(last.quality, Quality::Major | Quality::DominantSeventh);
    if is_dominant && above(last, key.tonic()) == 7 && last.inversion() == 0 {
        return (CadenceKind::Half, key);
    }
    // In minor a phrase often stops on the dominant of the relative major.
    if key.minor && is_dominant && above(last, key.tonic()) == 10 && last.inversion() == 0 {
        return (CadenceKind::Half, Key { minor: false, ..key });
    }
    // A major triad outside the key, at a point of rest, is the dominant of another.
    if last.quality == Quality::Major && last.inversion() == 0 && last.numeral(key).contains('/') {
        let is_minor = last.numeral(key).ends_with(|c: char| c.is_lowercase());
        return (CadenceKind::Half, local((last.root + 5) % 12, is_minor));
    }
    (CadenceKind::Open, key)
}

/// How often a rule is broken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    pub rule: Rule,
    pub count: usize,
    /// Per 100 chord changes.
    pub rate: f64,
    pub bach: f64,
}

/// Of every rule that is marked, in order of [`Rule::ALL`].
pub fn rates(piece: &Piece) -> Vec<Rate> {
    let changes = chord_changes(piece).max(1) as f64;
    let rate = |rule: Rule| {
        let count = piece.marks.iter().filter(|mark| mark.rule == rule).count();
        Rate { rule, count, rate: 100.0 * count as f64 / changes, bach: bach_rate(rule) }
    };
    Rule::ALL.into_iter().filter(|rule| rule.is_marked()).map(rate).collect()
}

/// Steps at which a note begins while others sound or have sounded.
pub fn chord_changes(piece: &Piece) -> usize {
    let Piece { score, grid, .. } = piece;
    let mut onsets: Vec<u32> = score.parts.iter().flatten().map(|note| grid.nearest_step(note.start)).collect();
    onsets.sort_unstable();
    onsets.dedup();
    onsets.len().saturating_sub(1)
}

/// Per 100 chord changes in Bach's 382 chorales, counted by `marks.rs` (`make data` checks it).
pub fn bach_rate(rule: Rule) -> f64 {
    match rule {
        Rule::ParallelFifths => 0.21,
        Rule::ParallelOctaves => 0.12,
        Rule::BeatParallels => 1.05,
        Rule::DirectFifthsOctaves => 0.54,
        Rule::Crossing => 2.9,
        Rule::Overlap => 6.36,
        Rule::Spacing => 1.67,
        Rule::ForbiddenLeap => 1.47,
        Rule::DoubledLeadingTone => 0.63,
        Rule::UnresolvedSeventh => 0.58,
        Rule::UnresolvedSuspension => 0.25,
        _ => 0.0,
    }
}

/// The whole reading, for people.
pub fn text(piece: &Piece) -> String {
    let Piece { score, grid, chords, marks, .. } = piece;
    let (key, named, signature) = (score.home(), score.named_home(), score.key());
    let found = score.found_key().written_near(key);
    let mut text = format!("{}{named}", score.title.as_ref().map(|title| format!("{title}: ")).unwrap_or_default());
    if key != signature {
        text += &format!(" (its signature is that of {signature})");
    } else if found != key {
        text += &format!(" (by its signature; its notes are nearer to {found})");
    }
    text += "\n\nChords, beat by beat\n";
    let mut bar = None;
    for beat in beats(score, grid) {
        let number = grid.bar(beat.start).number;
        if bar != Some(number) {
            text += &format!("{}{:>5} │", if bar.is_some() { "\n" } else { "" }, number);
            bar = Some(number);
        }
        let chord = chords.iter().find(|chord| chord.steps.contains(&beat.start));
        let numeral = match chord {
            Some(chord) if chord.steps.start == beat.start => chord.harmony.numeral(chord.key),
            Some(_) => "·".into(),
            None => "?".into(),
        };
        text += &format!(" {numeral:<8}");
    }
    text = text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
    text += &format!("\n\nCadences, {}\n", where_phrases_end(piece));
    for Cadence { position, kind, key: local, chords } in cadences(piece) {
        let position = position.to_string();
        let closes = if matches!(kind, CadenceKind::Open) { String::new() } else { format!(" in {local}") };
        text += &format!("  {position:<18} {:<20} {chords}{closes}\n", kind.name());
    }
    text += "\nRules broken, per 100 chord changes          here     Bach\n";
    for Rate { rule, count, rate, bach } in rates(piece) {
        let name = rule.name().replace('-', " ");
        let term = if rule.term() == name { "" } else { rule.term() };
        let times = if count == 1 { "once" } else { "times" };
        let count = if count == 1 { String::new() } else { count.to_string() };
        let row = format!("  {name:<26} {count:>4} {times:<5}  {rate:>6.2}   {bach:>6.2}   {term}");
        text += row.trim_end();
        text.push('\n');
    }
    if !marks.is_empty() {
        text += "\nWhere\n";
        for mark in marks {
            text += &format!("  {:<18} {}\n", bar_position(grid, mark.step).to_string(), mark.words(&score.ensemble));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use chorale::Chorale;

    use super::*;
    use files::parts::chorale_score;
    use files::{Direction, Lyric, Metre};

    fn piece(rows: &[(&str, usize)]) -> Piece {
        piece_in(Key { sharps: 0, minor: false }, rows)
    }

    fn piece_in(Key { sharps, minor }: Key, rows: &[(&str, usize)]) -> Piece {
        let rows: Vec<&str> = rows.iter().flat_map(|&(row, count)| vec![row; count]).collect();
        let text = format!("note0,note1,note2,note3\n{}\n", rows.join("\n"));
        let chorale = Chorale::from_csv(&text).unwrap();
        let directions = vec![(0, Direction::Metre(Metre::FOUR_FOUR)), (0, Direction::Key { sharps, minor })];
        let grid = Grid::new(480, &directions, 0);
        let score = chorale_score(&chorale, &grid, 0, 480, directions);
        Piece::new(score, grid)
    }

    #[test]
    fn phrases_end_in_the_cadences_of_the_textbook() {
        let check = |before: &str, last: &str, expected: &str| {
            let piece = piece(&[("72,67,64,48", 4), (before, 4), (last, 8)]);
            let cadences = cadences(&piece);
            let cadence = cadences.last().unwrap();
            assert_eq!(format!("{} {} {}", cadence.kind.name(), cadence.chords, cadence.key), expected);
        };
        check("71,67,62,55", "72,67,64,48", "perfect authentic V-I C major");
        check("71,67,62,59", "72,67,64,60", "imperfect authentic V6-I C major");
        check("71,67,62,55", "72,67,64,52", "imperfect authentic V-I6 C major");
        check("77,69,65,53", "79,71,67,55", "half IV-V C major");
        check("77,69,65,53", "77,71,67,55", "half IV-V7 C major");
        check("71,67,62,55", "72,69,64,57", "deceptive V-vi C major");
        check("72,69,65,53", "72,67,64,48", "plagal IV-I C major");
        check("72,69,66,50", "71,67,62,43", "imperfect authentic V7-I G major");
        check("68,64,59,52", "69,65,60,53", "deceptive V-VI A minor");
        check("72,69,65,53", "72,69,64,57", "open IV-vi C major");
        check("72,67,64,48", "74,67,62,59", "open I-V6 C major");
        check("74,69,65,50", "76,69,60,57", "plagal iv-i A minor");
        check("72,67,64,48", "74,69,66,50", "half IV-V G major");
        check("72,67,64,48", "76,71,68,52", "half III-V A minor");
        check("70,67,64,48", "69,69,65,53", "imperfect authentic V7-I F major");
        check("72,67,64,48", "69,69,65,53", "open I-IV C major");
    }

    #[test]
    fn a_dominant_after_a_suspension_makes_a_cadence() {
        // ii65 on the beat, V on its second half.
        let piece = piece(&[("72,67,64,48", 4), ("72,69,62,53", 2), ("71,67,62,55", 2), ("72,67,64,48", 8)]);
        let cadences = cadences(&piece);
        let last = cadences.last().unwrap();
        assert_eq!(last.kind, CadenceKind::Perfect, "{}", last.chords);
        assert!(last.chords.ends_with("V-I"), "{}", last.chords);
    }

    #[test]
    fn an_anticipated_tonic_does_not_hide_the_dominant() {
        let check = |rows: &[(&str, usize)]| {
            let piece = piece(rows);
            let cadences = cadences(&piece);
            let last = cadences.last().unwrap();
            assert_eq!(last.kind, CadenceKind::Perfect, "{} after {rows:?}", last.chords);
            assert!(last.chords.ends_with("-I"), "{}", last.chords);
            assert!(last.position.is_on_beat(), "where the chord arrives: {} after {rows:?}", last.position);
        };
        let (tonic, home) = (("72,67,64,48", 4), ("72,67,64,48", 8));
        // The soprano has the tonic in the last sixteenth, in the last eighth, and there without a leading note beside it.
        check(&[tonic, ("71,67,62,55", 3), ("72,67,62,55", 1), home]);
        check(&[tonic, ("74,69,65,53", 2), ("71,67,62,55", 1), ("72,67,62,55", 1), home]);
        check(&[tonic, ("71,67,62,55", 2), ("72,67,62,55", 2), home]);
        check(&[tonic, ("74,69,65,53", 4), ("71,67,62,55", 2), ("72,67,60,55", 2), home]);
        // All have it: the chord comes an eighth before the beat.
        check(&[tonic, ("71,67,62,55", 2), ("72,67,64,48", 2), home]);
        check(&[tonic, ("74,69,65,53", 4), ("71,65,62,55", 2), ("72,64,60,48", 2), ("72,64,60,48", 8)]);
    }

    #[test]
    fn a_tonic_that_comes_early_and_goes_back_to_its_dominant_is_reached_from_it() {
        let piece = piece(&[("74,65,62,47", 4), ("72,67,64,48", 2), ("71,67,62,55", 2), ("72,67,64,48", 8)]);
        let cadences = cadences(&piece);
        let last = cadences.last().unwrap();
        assert_eq!((last.kind, last.chords.as_str()), (CadenceKind::Perfect, "V-I"));
        assert_eq!(last.position.to_string(), "bar 1 beat 3");
    }

    #[test]
    fn a_phrase_ends_with_a_line_of_the_text_and_with_a_breath_and_once_on_a_chord() {
        let rows = [("72,67,64,48", 2), ("74,65,62,50", 2), ("77,69,60,53", 4), ("76,69,60,57", 8)];
        let mut piece = piece(&[&rows[..], &rows[..]].concat());
        let places = |piece: &Piece| -> Vec<String> {
            cadences(piece).iter().map(|cadence| format!("{} {}", cadence.position, cadence.kind.name())).collect()
        };
        assert_eq!(places(&piece), ["bar 2 beat 3 open"]);
        piece.score.phrasing.breaths.push(2 * 480);
        assert_eq!(places(&piece), ["bar 1 beat 3 open", "bar 2 beat 3 open"]);
        piece.score.phrasing.breaths.clear();
        let eighths = [0, 1, 2, 4, 8, 9, 10, 12];
        for (eighth, text) in eighths.iter().zip(["Ho-", "ly, ", "ho-", "ly! ", "Lord ", "God ", "al-", "might."]) {
            piece.score.lyrics.push(Lyric { tick: eighth * 240, verse: 1, text: text.into() });
        }
        assert_eq!(places(&piece), ["bar 1 beat 3 open", "bar 2 beat 3 open"]);
    }

    #[test]
    fn ends_that_were_found_count_before_long_notes_and_after_fermatas() {
        let rows = [("72,67,64,48", 4), ("71,65,62,55", 4), ("72,67,64,48", 8), ("71,67,62,55", 8), ("72,67,64,48", 8)];
        let mut piece = piece(&rows);
        let places = |piece: &Piece| -> Vec<String> {
            let cadences = cadences(piece);
            cadences.iter().map(|cadence| cadence.position.to_string()).collect()
        };
        assert_eq!(places(&piece), ["bar 1 beat 3", "bar 2 beat 1", "bar 2 beat 3"]);
        assert!(text(&piece).contains("Cadences, on long notes"));
        // In the tenor, which may have the melody, the note begins while the soprano's sounds.
        piece.phrase_ends = vec![4 * 480 + 240, 6 * 480];
        assert_eq!(places(&piece), ["bar 2 beat 1", "bar 2 beat 3"]);
        assert!(text(&piece).contains("Cadences, where the melody seems to end a phrase"));
        piece.score.fermatas = vec![6 * 480];
        assert_eq!(places(&piece), ["bar 2 beat 3"]);
        assert!(text(&piece).contains("Cadences, under fermatas"));
    }

    #[test]
    fn two_long_notes_on_one_chord_are_one_end() {
        let rows = [("74,69,65,50", 8), ("71,67,62,55", 8), ("74,67,62,55", 8), ("72,67,64,48", 8)];
        let piece = piece(&rows);
        let found: Vec<String> = cadences(&piece).iter().map(|cadence| cadence.position.to_string()).collect();
        assert_eq!(found, ["bar 1 beat 3", "bar 2 beat 3"]);
    }

    #[test]
    fn a_picardy_third_that_is_suspended_ends_an_authentic_cadence() {
        let rows = [("69,64,60,45", 4), ("68,64,59,40", 4), ("69,64,62,45", 4), ("69,64,61,45", 8)];
        let piece = piece_in(Key { sharps: 0, minor: true }, &rows);
        let cadences = cadences(&piece);
        let last = cadences.last().unwrap();
        assert_eq!((last.kind, last.chords.as_str()), (CadenceKind::Perfect, "V-I"));
        assert_eq!(last.key.to_string(), "A minor");
        assert_eq!(last.position.to_string(), "bar 1 beat 3");
    }

    #[test]
    fn keys_are_written_as_the_piece_is() {
        let check = |sharps: i8, rows: &[(&str, usize)], expected: &str| {
            let piece = piece_in(Key { sharps, minor: false }, rows);
            assert_eq!(cadences(&piece).last().unwrap().key.to_string(), expected);
            assert!(!text(&piece).contains("its notes are nearer"), "{}", text(&piece));
        };
        let in_g_flat = [("70,66,61,54", 4), ("71,66,63,47", 4), ("68,65,61,49", 4), ("66,61,58,54", 8)];
        check(-6, &in_g_flat, "Gb major");
        check(6, &in_g_flat, "F# major");
    }

    #[test]
    fn a_last_chord_with_a_beat_that_has_no_name_is_still_reached_from_the_dominant() {
        let piece = piece(&[
            ("72,67,64,48", 4),
            ("71,67,62,55", 4),
            ("72,67,64,48", 4),
            ("72,66,61,49", 4),
            ("72,67,64,48", 8),
        ]);
        let cadences = cadences(&piece);
        let last = cadences.last().unwrap();
        assert_eq!((last.kind, last.chords.as_str()), (CadenceKind::Perfect, "V-I"));
    }

    #[test]
    fn the_reading_names_key_chords_cadences_and_breaches() {
        let piece = piece(&[("72,67,64,48", 4), ("74,69,65,50", 4), ("71,67,62,55", 4), ("72,67,64,48", 4)]);
        let text = text(&piece);
        let rates = "parallel octaves                once    33.33     0.12   parallel octaves and unisons";
        for part in [
            "C major",
            "    1 │ I        ii       V        I",
            "perfect authentic",
            "bar 1 beat 2",
            "parallel octaves",
            rates,
        ] {
            assert!(text.contains(part), "{part} is missing:\n{text}");
        }
    }
}
