use files::melody::{self, Choice, Melody};
use files::{Grid, Source};

/// Bytes that call themselves MusicXML, plain or in an archive: read or refused, within bounded time and memory.
///
/// # Panics
/// When something does not hold.
pub fn musicxml(bytes: &[u8]) {
    files::musicxml::read(bytes).iter().for_each(check);
}

/// Bytes that call themselves a tune in ABC: read or refused, within bounded time and memory.
///
/// # Panics
/// When something does not hold.
pub fn abc(bytes: &[u8]) {
    files::abc::read(bytes).iter().for_each(check);
    files::abc::read_tune(bytes, Some("2")).iter().for_each(check);
}

fn check(source: &Source) {
    for note in source.tracks.iter().flat_map(|track| track.channels.values().flatten()) {
        assert!(note.start < note.end);
    }
    if let Ok(melody) = Melody::find(source, &Choice::default()) {
        let grid = Grid::new(source.ticks_per_quarter, &source.directions, melody.first_onset());
        let _ = melody::steps(&melody, &grid);
    }
}
