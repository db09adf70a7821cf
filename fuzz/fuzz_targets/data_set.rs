//! A data set's archive, or one of its tables.
#![no_main]

use corpus::Dataset;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = Dataset::from_archive(bytes);
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(chorale) = chorale::Chorale::from_csv(text)
    {
        assert_eq!(chorale::Chorale::from_csv(&chorale.to_csv()), Ok(chorale));
    }
});
