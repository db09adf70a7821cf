use std::io::Write;

use corpus::Dataset;
use flate2::write::GzEncoder;

/// A data set's archive, packed or not, or one of its tables.
///
/// # Panics
/// When something does not hold.
pub fn data_set(bytes: &[u8]) {
    let _ = Dataset::from_archive(bytes);
    // Few damaged gzip streams let anything through; packed here, all of it comes to the archive's reader.
    let mut packed = GzEncoder::new(Vec::new(), flate2::Compression::none());
    packed.write_all(bytes).expect("a Vec takes all bytes");
    let _ = Dataset::from_archive(&packed.finish().expect("a Vec takes all bytes"));
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(chorale) = chorale::Chorale::from_csv(text)
    {
        assert_eq!(chorale::Chorale::from_csv(&chorale.to_csv()), Ok(chorale));
    }
}
