use files::Grid;
use files::melody::{self, Choice, Melody};

/// Bytes that call themselves MusicXML, plain or in an archive: read or refused, within bounded time and memory.
///
/// # Panics
/// When something does not hold.
pub fn musicxml(bytes: &[u8]) {
    let Ok(source) = files::musicxml::read(bytes) else { return };
    for note in source.tracks.iter().flat_map(|track| track.channels.values().flatten()) {
        assert!(note.start < note.end);
    }
    if let Ok(melody) = Melody::find(&source, &Choice::default()) {
        let grid = Grid::new(source.ticks_per_quarter, &source.directions, melody.first_onset());
        let _ = melody::steps(&melody, &grid);
    }
}
