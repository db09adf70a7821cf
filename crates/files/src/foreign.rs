//! Files that hold music in forms that nothing here reads, or a picture or a recording of it, and what makes MusicXML of
//! them.

use std::fmt;

/// What a file is, and how its notes become readable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Foreign {
    what: &'static str,
    way_out: &'static str,
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "this is {}; {}", self.what, self.way_out)
    }
}

const MUSESCORE: Foreign =
    Foreign { what: "a MuseScore file", way_out: "open it in MuseScore and choose File > Export > MusicXML" };

const PAGE: Foreign = Foreign {
    what: "a picture of a page, which holds no notes",
    way_out: "a program that reads music from pages (Audiveris, PlayScore, SmartScore) makes a MusicXML file of it",
};

const RECORDING: Foreign = Foreign {
    what: "a recording, which holds no notes",
    way_out: "a program that transcribes (Basic Pitch, AnthemScore) makes a MIDI or MusicXML file of a melody alone",
};

const PROJECT: Foreign = Foreign {
    what: "the project of a recording program",
    way_out: "export the track of the melody from it as a MIDI file",
};

const SIBELIUS: Foreign =
    Foreign { what: "a Sibelius file", way_out: "open it in Sibelius and choose File > Export > MusicXML" };

const FINALE: Foreign =
    Foreign { what: "a Finale file", way_out: "open it in Finale and choose File > Export > MusicXML" };

const DORICO: Foreign =
    Foreign { what: "a Dorico file", way_out: "open it in Dorico and choose File > Export > MusicXML" };

const GUITAR_PRO: Foreign = Foreign {
    what: "a Guitar Pro file",
    way_out: "open it in Guitar Pro or MuseScore and choose File > Export > MusicXML",
};

const TUXGUITAR: Foreign =
    Foreign { what: "a TuxGuitar file", way_out: "open it in TuxGuitar and choose File > Export, as MusicXML or MIDI" };

const BAND_IN_A_BOX: Foreign = Foreign {
    what: "a Band-in-a-Box song",
    way_out: "open it in Band-in-a-Box and save it from there as MusicXML or MIDI; only a song with a melody holds a tune",
};

const MELODY_ASSISTANT: Foreign = Foreign {
    what: "a file of Melody Assistant or Harmony Assistant",
    way_out: "open it there and choose File > Export, as MusicXML or MIDI",
};

const CAPELLA: Foreign =
    Foreign { what: "a capella file", way_out: "open it in capella or MuseScore and save it from there as MusicXML" };

const OVERTURE: Foreign = Foreign {
    what: "a file of Encore or Overture",
    way_out: "open it there or in MuseScore and save it from there as MusicXML",
};

const NOTEWORTHY: Foreign = Foreign {
    what: "a NoteWorthy Composer file",
    way_out: "open it in NoteWorthy Composer and choose File > Export > MusicXML",
};

const LILYPOND: Foreign = Foreign {
    what: "a LilyPond file",
    way_out: "write \\midi { } into its \\score block, and LilyPond makes a MIDI file of it",
};

const HUMDRUM: Foreign = Foreign {
    what: "a Humdrum file",
    way_out: "music21 makes a MusicXML file of it: converter.parse('FILE').write('musicxml')",
};

const MEI: Foreign =
    Foreign { what: "an MEI file", way_out: "open it in MuseScore 4 and choose File > Export > MusicXML" };

const AUDIVERIS: Foreign = Foreign {
    what: "a book of Audiveris",
    way_out: "open it in Audiveris and choose Book > Export Book, which makes MusicXML",
};

const ARCHIVE: Foreign =
    Foreign { what: "a compressed file", way_out: "unpack it, and take the MIDI, MusicXML or ABC file that is in it" };

const DOCUMENT: Foreign = Foreign {
    what: "a text document",
    way_out: "write its tune in a notation program such as MuseScore, or as ABC with an editor of plain text",
};

const BY_ENDING: [(&[&str], Foreign); 21] = [
    (&["mscz", "mscx"], MUSESCORE),
    (&["pdf", "png", "jpg", "jpeg", "heic", "heif", "tif", "tiff", "gif", "bmp", "webp", "djvu", "ps"], PAGE),
    (
        &["mp3", "wav", "flac", "ogg", "oga", "opus", "m4a", "aac", "wma", "aif", "aiff", "mp4", "mov", "webm"],
        RECORDING,
    ),
    (&["logicx", "band", "als", "cpr", "flp", "ptx", "rpp", "aup3", "song", "bwproject", "reason"], PROJECT),
    (&["sib"], SIBELIUS),
    (&["mus", "musx"], FINALE),
    (&["dorico"], DORICO),
    (&["gp", "gpx", "gp3", "gp4", "gp5", "gp6", "gp7", "gtp"], GUITAR_PRO),
    (&["tg"], TUXGUITAR),
    (&["sgu", "mgu"], BAND_IN_A_BOX),
    (&["myr"], MELODY_ASSISTANT),
    (&["cap", "capx"], CAPELLA),
    (&["enc", "ove"], OVERTURE),
    (&["nwc", "nwctxt"], NOTEWORTHY),
    (&["ly", "ily"], LILYPOND),
    (&["krn", "kern"], HUMDRUM),
    (&["mei"], MEI),
    (&["omr"], AUDIVERIS),
    (&["svg"], PAGE),
    (&["doc", "docx", "odt", "rtf", "pages"], DOCUMENT),
    (&["gz", "tgz", "bz2", "xz", "7z", "rar", "tar", "zst"], ARCHIVE),
];

/// Where in a file stands what tells its form.
const BY_BYTES: [(usize, &[u8], Foreign); 30] = [
    (0, b"%PDF", PAGE),
    (0, b"\x89PNG", PAGE),
    (0, b"\xff\xd8\xff", PAGE),
    (0, b"GIF8", PAGE),
    (0, b"II*\0", PAGE),
    (0, b"MM\0*", PAGE),
    (8, b"WEBP", PAGE),
    (4, b"ftyphei", PAGE),
    (4, b"ftypmif", PAGE),
    (4, b"ftyp", RECORDING),
    (0, b"ID3", RECORDING),
    (0, b"\xff\xfb", RECORDING),
    (0, b"\xff\xf3", RECORDING),
    (0, b"OggS", RECORDING),
    (0, b"fLaC", RECORDING),
    (8, b"WAVE", RECORDING),
    (8, b"AIFF", RECORDING),
    (0, b"FLhd", PROJECT),
    (0, b"\x0fSIBELIUS", SIBELIUS),
    (0, b"ENIGMA BINARY", FINALE),
    (1, b"FICHIER GUITAR PRO", GUITAR_PRO),
    (0, b"TuxGuitar", TUXGUITAR),
    (0, b"cap3-v:", CAPELLA),
    (0, b"\\version", LILYPOND),
    (0, b"**kern", HUMDRUM),
    (0, b"{\\rtf", DOCUMENT),
    (0, b"\x1f\x8b", ARCHIVE),
    (0, b"\xfd7zXZ", ARCHIVE),
    (0, b"7z\xbc\xaf", ARCHIVE),
    (0, b"Rar!", ARCHIVE),
];

/// By its first bytes.
pub(crate) fn by_bytes(bytes: &[u8]) -> Option<Foreign> {
    let has = |(at, magic, _): &&(usize, &[u8], Foreign)| bytes.get(*at..).is_some_and(|rest| rest.starts_with(magic));
    BY_BYTES.iter().find(has).map(|(.., foreign)| *foreign)
}

/// By its outermost element.
pub(crate) fn by_root(name: &str) -> Option<Foreign> {
    match name {
        "museScore" => Some(MUSESCORE),
        "mei" | "meiCorpus" => Some(MEI),
        "svg" => Some(PAGE),
        _ => None,
    }
}

/// By the names of the files in an archive.
pub(crate) fn by_members<'a>(mut names: impl Iterator<Item = &'a str>) -> Option<Foreign> {
    names.find_map(|name| match name {
        "NotationMetadata.xml" => Some(FINALE),
        "Content/score.gpif" => Some(GUITAR_PRO),
        "[Content_Types].xml" => Some(DOCUMENT),
        "book.xml" => Some(AUDIVERIS),
        _ => by_name(name).filter(|foreign| *foreign == MUSESCORE),
    })
}

/// By its ending.
pub(crate) fn by_name(name: &str) -> Option<Foreign> {
    let ending = name.rsplit_once('.')?.1.to_lowercase();
    BY_ENDING.iter().find(|(endings, _)| endings.contains(&ending.as_str())).map(|(_, foreign)| *foreign)
}
