use files::Grid;
use files::Score;
use files::chords_of;
use files::melody::{self, Choice, MAX_STEPS, Melody};

/// Bytes that call themselves a MIDI file: read or refused; what is read makes a melody, steps and chords of bounded size.
///
/// # Panics
/// When something does not hold.
pub fn midi_file(bytes: &[u8]) {
    let Ok(source) = files::smf::read(bytes) else { return };
    for note in source.tracks.iter().flat_map(|track| track.channels.values().flatten()) {
        assert!(note.start < note.end && note.velocity > 0);
    }
    if let Ok(melody) = Melody::find(&source, &Choice::default()) {
        let grid = Grid::new(source.ticks_per_quarter, &source.directions, melody.first_onset());
        if let Ok(steps) = melody::steps(&melody, &grid) {
            assert!(steps.len() <= MAX_STEPS);
            assert!(steps.windows(2).all(|two| two[0].start < two[0].end && two[0].end <= two[1].start));
        }
    }
    if let Ok(parts) = melody::four_parts(&source) {
        let ticks_per_quarter = source.ticks_per_quarter;
        let grid = Grid::new(ticks_per_quarter, &source.directions, 0);
        let score = Score { ticks_per_quarter, directions: source.directions, parts, ..Score::default() };
        let _ = chords_of(&score, &grid, 0, MAX_STEPS as u32);
        let again = files::smf::read(&files::smf::write(&score)).expect("what we write can be read");
        assert_eq!(again.ticks_per_quarter, ticks_per_quarter);
    }
}
