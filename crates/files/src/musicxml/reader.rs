//! MusicXML (W3C, up to version 4.0): scores of any notation program, partwise or timewise, plain or compressed, with their repeats written out.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Read, Write as _};

use chorale::Pitch;
use chorale::harmony::Spelling;
use roxmltree::{Document, Node, ParsingOptions};
use thiserror::Error;
use zip::CompressionMethod;
use zip::write::SimpleFileOptions;

use crate::score::{Creator, Direction, Lyric, Metre, Note, Tick};
use crate::source::{Kind, Source, Track, cut_where_struck_again};

/// A symphony is smaller; more comes from an archive made to fill memory.
const MAX_BYTES: u64 = 64 << 20;
const MAX_NODES: u32 = 8_000_000;

/// More come from a damaged repeat sign.
const MAX_MEASURES: usize = 10_000;

/// Where durations need no finer ticks.
const TICKS_PER_QUARTER: u64 = 480;

/// Divisible by 2 to 10, for files whose divisions have no common multiple that fits.
const FALLBACK_TICKS: u64 = 10_080;

/// MIDI files hold 15 bits.
const MAX_TICKS_PER_QUARTER: u64 = 0x7fff;

/// Of notes that nobody played.
const VELOCITY: u8 = 80;

/// Why bytes are no MusicXML that can be used.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ReadError {
    #[error("the file is empty")]
    Empty,
    #[error("not a MusicXML file: {0}")]
    NotXml(String),
    #[error("not a MusicXML score: its outermost element is <{0}>, expected <score-partwise> or <score-timewise>")]
    NotAScore(String),
    #[error("the compressed file (.mxl) cannot be opened; is it whole? ({0})")]
    Archive(String),
    #[error("the score unpacks to more than {} MiB", MAX_BYTES >> 20)]
    TooLarge,
    #[error("measure {measure} of part {part}: <{element}> is '{value}', expected {expected}")]
    Value { part: usize, measure: String, element: &'static str, value: String, expected: &'static str },
    #[error("with its repeats the piece has more than {MAX_MEASURES} measures; take out the repeat signs")]
    TooManyMeasures,
}

/// Reads a score: each part a track, each voice of a staff a line of it.
///
/// # Errors
/// Where the file is damaged; never a panic, whatever the bytes. Archives and entities are bounded.
pub fn read(bytes: &[u8]) -> Result<Source, ReadError> {
    if bytes.is_empty() {
        return Err(ReadError::Empty);
    }
    let text = if bytes.starts_with(b"PK") { decode(&unpack(bytes)?)? } else { decode(bytes)? };
    let options = ParsingOptions { allow_dtd: true, nodes_limit: MAX_NODES, ..ParsingOptions::default() };
    let document =
        Document::parse_with_options(&text, options).map_err(|error| ReadError::NotXml(shorten(&error.to_string())))?;
    let root = document.root_element();
    let parts = match root.tag_name().name() {
        "score-partwise" => partwise(root),
        "score-timewise" => timewise(root),
        other => return Err(ReadError::NotAScore(shorten(other))),
    };
    read_score(root, &parts)
}

/// The score of a compressed file, which its table of contents names.
fn unpack(bytes: &[u8]) -> Result<Vec<u8>, ReadError> {
    let archive_error = |error: &dyn std::fmt::Display| ReadError::Archive(shorten(&error.to_string()));
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|error| archive_error(&error))?;
    let mut member = |name: &str| -> Result<Vec<u8>, ReadError> {
        let file = archive.by_name(name).map_err(|error| ReadError::Archive(format!("{name}: {error}")))?;
        let mut content = Vec::new();
        file.take(MAX_BYTES + 1).read_to_end(&mut content).map_err(|error| archive_error(&error))?;
        if content.len() as u64 > MAX_BYTES { Err(ReadError::TooLarge) } else { Ok(content) }
    };
    let container = decode(&member("META-INF/container.xml")?)?;
    let document = Document::parse(&container).map_err(|error| archive_error(&error))?;
    let path = document
        .descendants()
        .find(|node| node.tag_name().name() == "rootfile")
        .and_then(|node| node.attribute("full-path"))
        .ok_or_else(|| ReadError::Archive("its table of contents names no score".into()))?;
    member(path)
}

/// A score in a compressed file (.mxl): a zip archive with a table of contents.
pub fn compress(musicxml: &str) -> Vec<u8> {
    const CONTAINER: &str = concat!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n",
        "<container>\n  <rootfiles>\n    <rootfile full-path=\"score.musicxml\" ",
        "media-type=\"application/vnd.recordare.musicxml+xml\"/>\n  </rootfiles>\n</container>\n"
    );
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    // The date of the archive's members would make the same score other bytes each time.
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(zip::DateTime::default());
    let mut add = |name: &str, content: &str| -> zip::result::ZipResult<()> {
        archive.start_file(name, options)?;
        archive.write_all(content.as_bytes())?;
        Ok(())
    };
    let added = add("META-INF/container.xml", CONTAINER).and_then(|()| add("score.musicxml", musicxml));
    added.and_then(|()| archive.finish()).expect("an archive in memory takes two files").into_inner()
}

/// UTF-8 or, by its byte order mark, UTF-16; Latin-1 where the file says so or is neither.
fn decode(bytes: &[u8]) -> Result<String, ReadError> {
    if bytes.len() as u64 > MAX_BYTES {
        return Err(ReadError::TooLarge);
    }
    let utf16 = |from: fn([u8; 2]) -> u16| {
        let units = bytes[2..].chunks_exact(2).map(|pair| from([pair[0], pair[1]]));
        char::decode_utf16(units).map(|unit| unit.unwrap_or('\u{fffd}')).collect()
    };
    Ok(match bytes {
        [0xff, 0xfe, ..] => utf16(u16::from_le_bytes),
        [0xfe, 0xff, ..] => utf16(u16::from_be_bytes),
        _ => match std::str::from_utf8(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)) {
            Ok(text) => text.to_owned(),
            Err(_) => bytes.iter().map(|&byte| char::from(byte)).collect(),
        },
    })
}

/// What an error may quote of a file.
fn shorten(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(120).collect()
}

/// A part's identifier and measures.
struct PartNodes<'a, 'i> {
    id: &'a str,
    measures: Vec<Node<'a, 'i>>,
}

fn children<'a, 'i>(node: Node<'a, 'i>, name: &'static str) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children().filter(move |child| child.has_tag_name(name))
}

fn child<'a, 'i>(node: Node<'a, 'i>, name: &'static str) -> Option<Node<'a, 'i>> {
    children(node, name).next()
}

fn text_of<'a>(node: Node<'a, '_>, name: &'static str) -> Option<&'a str> {
    child(node, name).and_then(|child| child.text()).map(str::trim)
}

fn partwise<'a, 'i>(root: Node<'a, 'i>) -> Vec<PartNodes<'a, 'i>> {
    let part = |part: Node<'a, 'i>| PartNodes {
        id: part.attribute("id").unwrap_or_default(),
        measures: children(part, "measure").collect(),
    };
    children(root, "part").map(part).collect()
}

fn timewise<'a, 'i>(root: Node<'a, 'i>) -> Vec<PartNodes<'a, 'i>> {
    let mut parts: Vec<PartNodes> = Vec::new();
    for measure in children(root, "measure") {
        for part in children(measure, "part") {
            let id = part.attribute("id").unwrap_or_default();
            match parts.iter_mut().find(|known| known.id == id) {
                Some(known) => known.measures.push(part),
                None => parts.push(PartNodes { id, measures: vec![part] }),
            }
        }
    }
    parts
}

fn read_score(root: Node, parts: &[PartNodes]) -> Result<Source, ReadError> {
    let ticks_per_quarter = common_ticks(root);
    let mut remarks = Vec::new();
    let mut read: Vec<PartReader> = Vec::with_capacity(parts.len());
    for (index, part) in parts.iter().enumerate() {
        read.push(PartReader::read(index + 1, part, ticks_per_quarter)?);
    }
    let written = parts.iter().map(|part| part.measures.len()).max().unwrap_or(0);
    let order = play_order(parts, &mut remarks)?;
    if order.len() > written {
        remarks.push(format!("repeats are written out: {written} measures become {}", order.len()));
    }
    let graces: usize = read.iter().map(|part| part.graces).sum();
    if graces > 0 {
        remarks.push(format!("grace notes are left out ({graces})"));
    }

    // All parts share the bar lines: a measure is as long as the longest of them makes it.
    let metres = metres_of_measures(&read, written);
    let length = |measure: usize| {
        let longest = read.iter().filter_map(|part| part.measures.get(measure)).map(|m| m.length).max();
        longest.filter(|length| *length > 0).unwrap_or_else(|| metres[measure].1)
    };
    let mut starts = Vec::with_capacity(order.len());
    let mut now: u64 = 0;
    for &measure in &order {
        starts.push(now as Tick);
        now += u64::from(length(measure));
        if now > u64::from(Tick::MAX >> 4) {
            return Err(ReadError::TooManyMeasures);
        }
    }
    let mut directions = metre_directions(&order, &starts, &metres, length);
    for (&measure, &start) in order.iter().zip(&starts) {
        for part in &read {
            let Some(content) = part.measures.get(measure) else { continue };
            directions.extend(content.directions.iter().map(|(at, direction)| (start + at, direction.clone())));
        }
    }
    // Each part says the same key; a transposing instrument says another, which is not that of the piece.
    let speaks_keys = read.iter().find(|part| !part.is_transposing).or(read.first());
    if let Some(part) = speaks_keys {
        for (&measure, &start) in order.iter().zip(&starts) {
            let keys = part.measures.get(measure).into_iter().flat_map(|content| &content.keys);
            directions.extend(keys.map(|(at, direction)| (start + at, direction.clone())));
        }
    }
    directions.extend(rights(root).into_iter().map(|notice| (0, Direction::Copyright(notice.into_bytes()))));
    directions.sort_by_key(|(tick, _)| *tick);
    let mut said = BTreeSet::new();
    directions.retain(|(tick, direction)| said.insert((*tick, format!("{direction:?}"))));

    let names = part_names(root);
    let tracks = parts.iter().zip(&read).map(|(nodes, part)| part.track(&order, &starts, names.get(nodes.id).cloned()));
    Ok(Source {
        kind: Kind::MusicXml,
        title: title(root),
        creators: creators(root),
        ticks_per_quarter: ticks_per_quarter as u16,
        directions,
        tracks: tracks.collect(),
        remarks,
    })
}

fn title(root: Node) -> Option<String> {
    let work = child(root, "work").and_then(|work| text_of(work, "work-title"));
    let title = work.filter(|title| !title.is_empty()).or_else(|| text_of(root, "movement-title"))?;
    let title: String = title.chars().filter(|character| !character.is_control()).collect();
    Some(title).filter(|title| !title.trim().is_empty())
}

/// The text of an element of `<identification>`, in one line.
fn line_of_text(node: Node) -> Option<String> {
    let text: Vec<&str> = node.text()?.split(|c: char| c.is_whitespace() || c.is_control()).collect();
    let text: Vec<&str> = text.into_iter().filter(|word| !word.is_empty()).collect();
    Some(text.join(" ")).filter(|text| !text.is_empty())
}

fn creators(root: Node) -> Vec<Creator> {
    let identification = child(root, "identification").into_iter();
    let creator = |node: Node| {
        let role = node.attribute("type").unwrap_or("composer").chars().filter(|c| c.is_alphanumeric()).collect();
        Some(Creator { role, name: line_of_text(node)? })
    };
    identification.flat_map(|node| children(node, "creator")).filter_map(creator).collect()
}

fn rights(root: Node) -> Vec<String> {
    let identification = child(root, "identification").into_iter();
    identification.flat_map(|node| children(node, "rights")).filter_map(line_of_text).collect()
}

fn part_names(root: Node) -> BTreeMap<String, String> {
    let Some(list) = child(root, "part-list") else { return BTreeMap::new() };
    let name = |part: Node| {
        let name = text_of(part, "part-name").filter(|name| !name.is_empty());
        let name = name.or_else(|| text_of(part, "part-abbreviation"))?;
        let name: String = name.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
        Some((part.attribute("id")?.to_owned(), Some(name.trim().to_owned()).filter(|name| !name.is_empty())?))
    };
    children(list, "score-part").filter_map(name).collect()
}

/// Ticks in which every duration of the file is whole, where there are some.
fn common_ticks(root: Node) -> u64 {
    let divisions = root.descendants().filter(|node| node.has_tag_name("divisions"));
    let divisions: BTreeSet<u64> =
        divisions.filter_map(|node| node.text()?.trim().parse().ok()).filter(|value| *value > 0).collect();
    let multiple_of_all = |first: u64| {
        divisions.iter().try_fold(first, |ticks, &other| {
            let multiple = (ticks / greatest_divisor(ticks, other)).checked_mul(other)?;
            (multiple <= MAX_TICKS_PER_QUARTER).then_some(multiple)
        })
    };
    multiple_of_all(TICKS_PER_QUARTER).or_else(|| multiple_of_all(4)).unwrap_or(FALLBACK_TICKS)
}

fn greatest_divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { greatest_divisor(b, a % b) }
}

/// What a part has in one measure, its times counted in ticks from the bar line.
#[derive(Default)]
struct MeasureContent {
    length: Tick,
    notes: Vec<XmlNote>,
    /// Tempo and marks.
    directions: Vec<(Tick, Direction)>,
    keys: Vec<(Tick, Direction)>,
    metre: Option<Metre>,
}

struct XmlNote {
    /// Staff and voice.
    line: (u32, String),
    start: Tick,
    length: Tick,
    pitch: Pitch,
    /// `None` where the instrument transposes.
    spelling: Option<Spelling>,
    tied_from: bool,
    tied_to: bool,
    fermata: bool,
    lyrics: Vec<(u8, Vec<u8>)>,
}

/// A part, measure by measure as written.
struct PartReader {
    measures: Vec<MeasureContent>,
    ticks_per_quarter: u64,
    is_transposing: bool,
    graces: usize,
}

/// What holds from one measure of a part to the next.
struct Place<'a> {
    part: usize,
    measure: &'a str,
    ticks_per_quarter: u64,
    /// Of a quarter; 1 until the file says otherwise, as all programs take it.
    divisions: f64,
    /// Semitones from written to sounding pitch, by staff; 0 is for all staves.
    transposition: BTreeMap<u32, i32>,
}

impl Place<'_> {
    fn value_error(&self, element: &'static str, value: &str, expected: &'static str) -> ReadError {
        ReadError::Value { part: self.part, measure: shorten(self.measure), element, value: shorten(value), expected }
    }

    /// Of a `<duration>`.
    fn ticks(&self, node: Node) -> Result<f64, ReadError> {
        let Some(text) = text_of(node, "duration") else { return Ok(0.0) };
        let expected = "a number of divisions";
        let duration: f64 = text.parse().map_err(|_| self.value_error("duration", text, expected))?;
        if !(0.0..1e7).contains(&duration) {
            return Err(self.value_error("duration", text, expected));
        }
        Ok(duration / self.divisions * self.ticks_per_quarter as f64)
    }
}

impl PartReader {
    fn read(number: usize, nodes: &PartNodes, ticks_per_quarter: u64) -> Result<PartReader, ReadError> {
        let mut part = PartReader { measures: Vec::new(), ticks_per_quarter, is_transposing: false, graces: 0 };
        let mut place =
            Place { part: number, measure: "", ticks_per_quarter, divisions: 1.0, transposition: BTreeMap::new() };
        for measure in &nodes.measures {
            place.measure = measure.attribute("number").unwrap_or("?");
            let content = part.read_measure(*measure, &mut place)?;
            part.measures.push(content);
        }
        Ok(part)
    }

    fn read_measure(&mut self, measure: Node, place: &mut Place) -> Result<MeasureContent, ReadError> {
        let mut content = MeasureContent::default();
        // In ticks, not yet rounded; where the note before began, on which a chord's other notes stand.
        let (mut now, mut before, mut end) = (0.0_f64, 0.0_f64, 0.0_f64);
        for node in measure.children().filter(Node::is_element) {
            match node.tag_name().name() {
                "attributes" => self.read_attributes(node, now as Tick, place, &mut content)?,
                "backup" => now = (now - place.ticks(node)?).max(0.0),
                "forward" => now += place.ticks(node)?,
                "note" => {
                    if child(node, "grace").is_some() {
                        self.graces += usize::from(child(node, "chord").is_none());
                        continue;
                    }
                    let length = place.ticks(node)?;
                    let start = if child(node, "chord").is_some() { before } else { now };
                    let is_sung = child(node, "cue").is_none();
                    if let Some(note) = read_note(node, start, length, place)?
                        && is_sung
                    {
                        content.notes.push(note);
                    }
                    if child(node, "chord").is_none() {
                        before = now;
                        now += length;
                    }
                }
                "direction" | "sound" => content.directions.extend(read_direction(node, now as Tick)),
                _ => {}
            }
            end = end.max(now);
        }
        content.length = end.round() as Tick;
        Ok(content)
    }

    fn read_attributes(
        &mut self,
        node: Node,
        at: Tick,
        place: &mut Place,
        content: &mut MeasureContent,
    ) -> Result<(), ReadError> {
        if let Some(text) = text_of(node, "divisions") {
            let divisions = text.parse::<f64>().ok().filter(|value| (1e-3..=1e7).contains(value));
            place.divisions = divisions.ok_or_else(|| place.value_error("divisions", text, "a number above zero"))?;
        }
        if let Some(key) = child(node, "key")
            && let Some(fifths) = text_of(key, "fifths")
        {
            let sharps = fifths.parse::<i8>().map_err(|_| place.value_error("fifths", fifths, "-7 to 7"))?;
            let minor = text_of(key, "mode").is_some_and(|mode| mode.eq_ignore_ascii_case("minor"));
            // Signatures with double accidentals exist only to test programs.
            if (-7..=7).contains(&sharps) {
                content.keys.push((at, Direction::Key { sharps, minor }));
            }
        }
        if let Some(time) = child(node, "time") {
            content.metre = read_metre(time, place)?.or(content.metre);
        }
        for transpose in children(node, "transpose") {
            let number = |name| text_of(transpose, name).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
            let semitones = number("chromatic").clamp(-60.0, 60.0) as i32;
            let octaves = number("octave-change").clamp(-5.0, 5.0) as i32;
            let staff = transpose.attribute("number").and_then(|staff| staff.parse().ok()).unwrap_or(0);
            place.transposition.insert(staff, semitones + 12 * octaves);
            self.is_transposing |= semitones % 12 != 0;
        }
        Ok(())
    }

    /// The part with its measures in the order in which they are played.
    fn track(&self, order: &[usize], starts: &[Tick], name: Option<String>) -> Track {
        let mut track = Track { name, ..Track::default() };
        let lines: BTreeSet<&(u32, String)> =
            self.measures.iter().flat_map(|measure| &measure.notes).map(|note| &note.line).collect();
        // Staves from the top; more voices than MIDI has channels are no piano's.
        let lines: BTreeMap<&(u32, String), u8> = lines.into_iter().zip(0..=u8::MAX).collect();
        let mut tied: BTreeMap<(u8, u8), usize> = BTreeMap::new();
        let mut sung: BTreeSet<(Tick, u8)> = BTreeSet::new();
        for (&measure, &bar_line) in order.iter().zip(starts) {
            let Some(content) = self.measures.get(measure) else { continue };
            for note in &content.notes {
                let Some(&line) = lines.get(&note.line) else { continue };
                let notes = track.channels.entry(line).or_default();
                let (start, end) = (bar_line + note.start, bar_line + note.start + note.length);
                let key = (line, note.pitch.midi());
                let held = tied.remove(&key).filter(|&held| note.tied_from && notes[held].end == start);
                let index = match held {
                    Some(held) => {
                        notes[held].end = end;
                        held
                    }
                    None => {
                        notes.push(Note { start, end, pitch: note.pitch, velocity: VELOCITY });
                        notes.len() - 1
                    }
                };
                let begins = notes[index].start;
                if note.tied_to {
                    tied.insert(key, index);
                }
                if note.fermata {
                    track.fermatas.push(begins);
                }
                if let Some(spelling) = note.spelling {
                    track.spellings.insert((begins, note.pitch.midi()), spelling);
                }
                // Parts on one staff sing the same words; they are kept once.
                for (verse, text) in &note.lyrics {
                    if sung.insert((start, *verse)) {
                        track.lyrics.push(Lyric { tick: start, verse: *verse, text: text.clone() });
                    }
                }
            }
        }
        for notes in track.channels.values_mut() {
            notes.retain(|note| note.end > note.start);
            notes.sort_by_key(|note| (note.start, note.pitch));
            cut_where_struck_again(notes);
        }
        track.channels.retain(|_, notes| !notes.is_empty());
        track.lyrics.sort_by_key(|lyric| (lyric.tick, lyric.verse));
        track.fermatas.sort_unstable();
        track.fermatas.dedup();
        track
    }
}

/// `None` for a rest, and for what has no pitch.
fn read_note(node: Node, start: f64, length: f64, place: &Place) -> Result<Option<XmlNote>, ReadError> {
    let Some(pitch) = child(node, "pitch") else { return Ok(None) };
    let letter = text_of(pitch, "step").unwrap_or_default();
    let naturals = [("C", 0), ("D", 2), ("E", 4), ("F", 5), ("G", 7), ("A", 9), ("B", 11)];
    let natural = naturals.iter().find(|(name, _)| *name == letter).map(|(_, class)| *class);
    let natural = natural.ok_or_else(|| place.value_error("step", letter, "a letter from A to G"))?;
    let octave_text = text_of(pitch, "octave").unwrap_or_default();
    let octave = octave_text.parse::<i32>().ok().filter(|octave| (-1..=9).contains(octave));
    let octave = octave.ok_or_else(|| place.value_error("octave", octave_text, "0 to 9"))?;
    // Quarter tones go to the nearest semitone below.
    let alteration = text_of(pitch, "alter").and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
    let alteration = alteration.clamp(-3.0, 3.0) as i32;
    let staff = text_of(node, "staff").and_then(|staff| staff.parse().ok()).unwrap_or(1);
    let moved = place.transposition.get(&staff).or_else(|| place.transposition.get(&0)).copied().unwrap_or(0);
    let sounding = 12 * (octave + 1) + natural + alteration + moved;
    let Some(pitch) = u8::try_from(sounding).ok().and_then(Pitch::new) else {
        return Err(place.value_error("octave", octave_text, "a pitch within C-1 to G9, as MIDI has them"));
    };
    let spelling = (moved % 12 == 0).then(|| Spelling {
        letter: letter.chars().next().unwrap_or('C'),
        alteration: alteration as i8,
        octave: (octave + moved / 12) as i8,
    });
    let ties = |kind: &str| {
        let notations = children(node, "notations").flat_map(|notations| children(notations, "tied"));
        children(node, "tie").chain(notations).any(|tie| tie.attribute("type") == Some(kind))
    };
    let fermata = children(node, "notations").any(|notations| child(notations, "fermata").is_some());
    let end = (start + length).round();
    let start = start.round();
    Ok(Some(XmlNote {
        line: (staff, text_of(node, "voice").unwrap_or("1").to_owned()),
        start: start as Tick,
        length: (end - start) as Tick,
        pitch,
        spelling,
        tied_from: ties("stop"),
        tied_to: ties("start"),
        fermata,
        lyrics: (1..).zip(children(node, "lyric")).filter_map(|(place, lyric)| read_lyric(place, lyric)).collect(),
    }))
}

/// Verse and syllable, with a hyphen where its word goes on.
fn read_lyric(place: u8, lyric: Node) -> Option<(u8, Vec<u8>)> {
    let texts = lyric.children().filter(|child| child.has_tag_name("text"));
    let text: Vec<&str> = texts.filter_map(|text| text.text()).map(str::trim).collect();
    let mut text: String = text.join(" ").chars().filter(|character| !character.is_control()).collect();
    if text.is_empty() {
        return None;
    }
    // A word that is divided by elision goes on where its last syllable does.
    let syllabic = children(lyric, "syllabic").last().and_then(|syllabic| syllabic.text());
    if matches!(syllabic.map(str::trim), Some("begin" | "middle")) && !text.ends_with('-') {
        text.push('-');
    }
    let number = lyric.attribute("number").and_then(|number| number.parse().ok());
    Some((number.unwrap_or(place), text.into_bytes()))
}

fn read_metre(time: Node, place: &Place) -> Result<Option<Metre>, ReadError> {
    if child(time, "senza-misura").is_some() {
        return Ok(None);
    }
    let (Some(beats_text), Some(unit_text)) = (text_of(time, "beats"), text_of(time, "beat-type")) else {
        return Ok(None);
    };
    // 3+2 eighths, in one text or in pairs of the same unit, are a bar of five.
    let same_unit = children(time, "beat-type").all(|unit| unit.text().map(str::trim) == Some(unit_text));
    let texts = children(time, "beats").filter_map(|beats| beats.text());
    let terms: Option<Vec<u32>> = texts
        .take(if same_unit { usize::MAX } else { 1 })
        .flat_map(|text| text.split('+'))
        .map(|term| term.trim().parse().ok().filter(|beats| *beats <= 255))
        .collect();
    let beats = terms.map(|terms| terms.iter().sum::<u32>()).filter(|beats| (1..=255).contains(beats));
    let beats = beats.ok_or_else(|| place.value_error("beats", beats_text, "1 to 255"))?;
    let unit = unit_text.parse::<u32>().ok().filter(|unit| unit.is_power_of_two() && *unit <= 64);
    let unit = unit.ok_or_else(|| place.value_error("beat-type", unit_text, "1, 2, 4, 8, 16, 32 or 64"))?;
    Ok(Some(Metre { numerator: beats as u8, denominator_log2: unit.ilog2() as u8, ..Metre::FOUR_FOUR }))
}

/// Tempo and rehearsal marks.
fn read_direction(node: Node, at: Tick) -> Vec<(Tick, Direction)> {
    let mut directions = Vec::new();
    let sound = if node.has_tag_name("sound") { Some(node) } else { child(node, "sound") };
    let sounding = sound.and_then(|sound| sound.attribute("tempo")).and_then(|tempo| tempo.trim().parse::<f64>().ok());
    let kinds = || children(node, "direction-type");
    let printed = || kinds().find_map(|kind| child(kind, "metronome")).and_then(metronome);
    if let Some(beats) = sounding.or_else(printed).filter(|beats| (4.0..=2000.0).contains(beats)) {
        directions.push((at, Direction::Tempo((60e6 / beats).round() as u32)));
    }
    for mark in kinds().filter_map(|kind| text_of(kind, "rehearsal")).filter(|mark| !mark.is_empty()) {
        directions.push((at, Direction::Marker(mark.as_bytes().to_vec())));
    }
    directions
}

/// Quarters a minute.
fn metronome(node: Node) -> Option<f64> {
    let quarters = match text_of(node, "beat-unit")? {
        "whole" => 4.0,
        "half" => 2.0,
        "quarter" => 1.0,
        "eighth" => 0.5,
        "16th" => 0.25,
        _ => return None,
    };
    let dotted = if child(node, "beat-unit-dot").is_some() { 1.5 } else { 1.0 };
    Some(text_of(node, "per-minute")?.parse::<f64>().ok()? * quarters * dotted)
}

/// The metre of each written measure, and how many ticks a full one has. Where nothing is said: 4/4.
fn metres_of_measures(parts: &[PartReader], count: usize) -> Vec<(Metre, Tick)> {
    let ticks = parts.first().map_or(TICKS_PER_QUARTER, |part| part.ticks_per_quarter);
    let mut metre = Metre::FOUR_FOUR;
    let metres = (0..count).map(|measure| {
        let said = parts.iter().find_map(|part| part.measures.get(measure)?.metre);
        metre = said.unwrap_or(metre);
        let full = u64::from(metre.numerator) * 4 * ticks / u64::from(metre.denominator());
        (metre, full as Tick)
    });
    metres.collect()
}

/// The metre where it changes, and again where a measure that is not full has moved the bar lines. Of two measures that
/// make a full one together (before and after a repeat sign) the second begins no bar.
fn metre_directions(
    order: &[usize],
    starts: &[Tick],
    metres: &[(Metre, Tick)],
    length: impl Fn(usize) -> Tick,
) -> Vec<(Tick, Direction)> {
    let mut directions: Vec<(Tick, Direction)> = Vec::new();
    let mut said: Option<(Metre, Tick)> = None;
    for (&measure, &start) in order.iter().zip(starts) {
        let (metre, full) = metres[measure];
        let is_due = match said {
            Some((last, since)) if last == metre => {
                !(start - since).is_multiple_of(full.max(1)) && length(measure) >= full
            }
            _ => true,
        };
        if is_due {
            directions.push((start, Direction::Metre(metre)));
            said = Some((metre, start));
        }
    }
    directions
}

/// The measures in the order in which repeat signs, endings, D.C. and D.S. have them played. After a jump back, as is the
/// custom, nothing is repeated, of several endings the last is taken, and Fine and "to Coda" count.
fn play_order(parts: &[PartNodes], remarks: &mut Vec<String>) -> Result<Vec<usize>, ReadError> {
    let signs = repeat_signs(parts);
    let mut order = Vec::new();
    let (mut at, mut section, mut pass, mut was_in_ending) = (0, 0, 1, false);
    // Whether D.C. or D.S. has been followed; it is so once.
    let mut is_back = false;
    while at < signs.len() {
        let sign = &signs[at];
        if (sign.begins && at != section) || (was_in_ending && sign.endings.is_empty()) {
            (section, pass) = (at, 1);
        }
        let is_taken = match is_back {
            true => sign.endings.is_empty() || sign.endings.contains(&last_ending(&signs, at)),
            false => sign.endings.is_empty() || sign.endings.contains(&pass),
        };
        if !is_taken {
            was_in_ending = false;
            at += 1;
            continue;
        }
        order.push(at);
        if order.len() > MAX_MEASURES {
            return Err(ReadError::TooManyMeasures);
        }
        was_in_ending = !sign.endings.is_empty();
        if is_back && sign.fine {
            break;
        }
        if is_back && sign.to_coda {
            if let Some(coda) = (at + 1..signs.len()).find(|&measure| signs[measure].coda) {
                (at, was_in_ending) = (coda, false);
                continue;
            }
            remarks.push(format!("measure {} says \"to Coda\", but no coda follows: the measures go on", at + 1));
        }
        let goes_back = !is_back
            && sign.ends.is_some_and(|times| match sign.endings.is_empty() {
                true => pass < times,
                // Back for as long as some ending waits for its turn.
                false => {
                    let following = signs[at..].iter().take_while(|sign| !sign.endings.is_empty());
                    following.flat_map(|sign| &sign.endings).any(|&ending| ending == pass + 1)
                }
            });
        if goes_back {
            (at, pass, was_in_ending) = (section, pass + 1, false);
            continue;
        }
        if let Some(jump) = sign.jump.filter(|_| !is_back) {
            let target = match jump {
                Jump::DaCapo => Some(0),
                Jump::DalSegno => (0..=at).rev().find(|&measure| signs[measure].segno),
            };
            match target {
                Some(target) => {
                    remarks.push(format!("{} in measure {} is followed", jump.name(), at + 1));
                    (at, is_back, was_in_ending) = (target, true, false);
                    continue;
                }
                None => remarks.push(format!("D.S. in measure {} is not followed: no segno stands before it", at + 1)),
            }
        }
        if sign.ends.is_some() && sign.endings.is_empty() {
            (section, pass) = (at + 1, 1);
        }
        at += 1;
    }
    Ok(order)
}

/// The highest of the endings that stand side by side around a measure.
fn last_ending(signs: &[RepeatSigns], at: usize) -> u32 {
    let before = signs[..at].iter().rev().take_while(|sign| !sign.endings.is_empty());
    let after = signs[at..].iter().take_while(|sign| !sign.endings.is_empty());
    before.chain(after).flat_map(|sign| &sign.endings).copied().max().unwrap_or(1)
}

/// Back to the beginning, or to the sign.
#[derive(Clone, Copy)]
enum Jump {
    DaCapo,
    DalSegno,
}

impl Jump {
    fn name(self) -> &'static str {
        match self {
            Jump::DaCapo => "D.C.",
            Jump::DalSegno => "D.S.",
        }
    }
}

/// The repeat signs and jumps of a measure.
#[derive(Clone, Default)]
struct RepeatSigns {
    begins: bool,
    /// How often what it ends is played.
    ends: Option<u32>,
    /// The passes on which the measure is played; empty for all.
    endings: Vec<u32>,
    /// Where the measure sends the player when it is over.
    jump: Option<Jump>,
    segno: bool,
    coda: bool,
    to_coda: bool,
    fine: bool,
}

impl RepeatSigns {
    /// From `<sound>`, which programs write for their players; where a program writes none, from the printed signs and
    /// words.
    fn read_direction(&mut self, node: Node) {
        let sound = if node.has_tag_name("sound") { Some(node) } else { child(node, "sound") };
        if let Some(sound) = sound {
            let has = |name: &str| sound.attribute(name).is_some_and(|value| value != "no");
            if has("dacapo") {
                self.jump = Some(Jump::DaCapo);
            }
            if has("dalsegno") {
                self.jump = Some(Jump::DalSegno);
            }
            self.segno |= has("segno");
            self.coda |= has("coda");
            self.to_coda |= has("tocoda");
            self.fine |= has("fine");
        }
        for kind in children(node, "direction-type") {
            self.segno |= child(kind, "segno").is_some();
            let is_coda = child(kind, "coda").is_some();
            let words: Vec<&str> = children(kind, "words").filter_map(|words| words.text()).collect();
            let words: String = words.join(" ").to_lowercase();
            let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
            let begins = |starts: &[&str]| starts.iter().any(|start| words.starts_with(start));
            if begins(&["d.c.", "d. c.", "da capo"]) {
                self.jump = self.jump.or(Some(Jump::DaCapo));
            } else if begins(&["d.s.", "d. s.", "dal segno"]) {
                self.jump = self.jump.or(Some(Jump::DalSegno));
            } else if begins(&["to coda", "al coda"]) {
                self.to_coda = true;
            } else if words == "fine" {
                self.fine = true;
            } else if is_coda && !self.to_coda {
                self.coda = true;
            }
        }
    }
}

fn repeat_signs(parts: &[PartNodes]) -> Vec<RepeatSigns> {
    let count = parts.iter().map(|part| part.measures.len()).max().unwrap_or(0);
    let mut signs = vec![RepeatSigns::default(); count];
    for part in parts {
        let mut open: Vec<u32> = Vec::new();
        for (sign, measure) in signs.iter_mut().zip(&part.measures) {
            let mut closes = false;
            for node in measure.children().filter(|node| node.has_tag_name("direction") || node.has_tag_name("sound")) {
                sign.read_direction(node);
            }
            for barline in children(*measure, "barline") {
                for repeat in children(barline, "repeat") {
                    match repeat.attribute("direction") {
                        Some("forward") => sign.begins = true,
                        Some("backward") => {
                            let times = repeat.attribute("times").and_then(|times| times.parse().ok());
                            sign.ends = Some(times.unwrap_or(2).max(1));
                        }
                        _ => {}
                    }
                }
                for ending in children(barline, "ending") {
                    match ending.attribute("type") {
                        Some("start") => {
                            let numbers = ending.attribute("number").unwrap_or_default();
                            open = numbers.split([',', ' ', '.']).filter_map(|number| number.parse().ok()).collect();
                        }
                        _ => closes = true,
                    }
                }
            }
            if sign.endings.is_empty() {
                sign.endings.clone_from(&open);
            }
            if closes {
                open.clear();
            }
        }
    }
    signs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::Grid;

    /// A score of one part, `P1`, with the given measures.
    fn score(measures: &[&str]) -> String {
        let measures: Vec<String> = (1..)
            .zip(measures)
            .map(|(number, content)| format!("<measure number=\"{number}\">{content}</measure>"))
            .collect();
        format!(
            "<?xml version=\"1.0\"?><!DOCTYPE score-partwise PUBLIC \"-//Recordare//DTD MusicXML 3.1 Partwise//EN\" \
             \"http://www.musicxml.org/dtds/partwise.dtd\"><score-partwise><part-list><score-part id=\"P1\">\
             <part-name>Voice</part-name></score-part></part-list><part id=\"P1\">{}</part></score-partwise>",
            measures.join("")
        )
    }

    const ATTRIBUTES: &str = "<attributes><divisions>2</divisions><key><fifths>-3</fifths><mode>minor</mode></key>\
                              <time><beats>4</beats><beat-type>4</beat-type></time></attributes>";

    /// `step` and `octave` such as `C5`, length in divisions, and what else belongs into the note.
    fn note(name: &str, length: u32, more: &str) -> String {
        let (step, octave) = name.split_at(1);
        format!(
            "<note><pitch><step>{step}</step><octave>{octave}</octave></pitch><duration>{length}</duration>{more}</note>"
        )
    }

    fn spans(source: &Source) -> Vec<(Tick, Tick, u8)> {
        let lines = source.tracks[0].channels.values().next().unwrap();
        lines.iter().map(|note| (note.start, note.end, note.pitch.midi())).collect()
    }

    fn read_text(text: &str) -> Source {
        read(text.as_bytes()).unwrap()
    }

    /// Found by fuzzing: their common multiple overflowed.
    #[test]
    fn divisions_beyond_all_measure_are_refused_by_name() {
        let attributes = "<attributes><divisions>18446744073709551615</divisions></attributes>";
        let error = read(score(&[&[attributes, &note("C5", 4, "")].concat()]).as_bytes()).unwrap_err().to_string();
        assert!(error.contains("18446744073709551615"), "{error}");
    }

    #[test]
    fn notes_ties_key_metre_words_and_fermatas_are_read() {
        let first = format!(
            "{ATTRIBUTES}<direction><sound tempo=\"72\"/></direction>{}{}",
            note("C5", 4, "<lyric number=\"1\"><syllabic>begin</syllabic><text>dan</text></lyric>"),
            note("D5", 4, "<tie type=\"start\"/><lyric number=\"1\"><syllabic>end</syllabic><text>ket</text></lyric>"),
        );
        let second = format!(
            "{}<note><rest/><duration>2</duration></note>{}",
            note("D5", 2, "<tie type=\"stop\"/>"),
            "<note><pitch><step>E</step><alter>-1</alter><octave>5</octave></pitch><duration>4</duration>\
             <notations><fermata/></notations></note>"
        );
        let source = read_text(&score(&[&first, &second]));
        assert_eq!(spans(&source), [(0, 960, 72), (960, 2400, 74), (2880, 3840, 75)]);
        let track = &source.tracks[0];
        assert_eq!(track.name.as_deref(), Some("Voice"));
        assert_eq!(track.fermatas, [2880]);
        assert_eq!(track.spellings[&(2880, 75)].to_string(), "Eb5");
        let words: Vec<(Tick, &[u8])> = track.lyrics.iter().map(|lyric| (lyric.tick, lyric.text.as_slice())).collect();
        assert_eq!(words, [(0, b"dan-".as_slice()), (960, b"ket")]);
        let expected = [
            (0, Direction::Metre(Metre::FOUR_FOUR)),
            (0, Direction::Tempo(833_333)),
            (0, Direction::Key { sharps: -3, minor: true }),
        ];
        assert_eq!(source.directions, expected);
    }

    #[test]
    fn chords_backups_voices_and_transposition_are_understood() {
        let both = format!(
            "{ATTRIBUTES}<attributes><transpose><chromatic>-2</chromatic></transpose></attributes>{}{}<backup><duration>8</duration></backup>{}",
            note("E5", 8, "<voice>1</voice>"),
            note("C5", 8, "<voice>1</voice>").replace("<note>", "<note><chord/>"),
            note("G4", 8, "<voice>2</voice>"),
        );
        let source = read_text(&score(&[&both]));
        assert_eq!(source.tracks[0].channels.len(), 2);
        assert_eq!(spans(&source), [(0, 1920, 70), (0, 1920, 74)]);
        assert_eq!(source.tracks[0].channels[&1][0].pitch.midi(), 65);
    }

    #[test]
    fn repeats_and_endings_are_written_out() {
        let forward = "<barline location=\"left\"><repeat direction=\"forward\"/></barline>";
        let backward = "<barline location=\"right\"><repeat direction=\"backward\"/></barline>";
        let ending =
            |number: &str, kind: &str| format!("<barline><ending number=\"{number}\" type=\"{kind}\"/></barline>");
        let order = |measures: &[String]| -> String {
            let texts: Vec<String> = measures
                .iter()
                .zip(["C", "D", "E", "F", "G", "A", "B"])
                .map(|(signs, step)| format!("{}{signs}", note(&format!("{step}4"), 4, "")))
                .collect();
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let source = read_text(&score(&texts));
            let names = ["C", "", "D", "", "E", "F", "", "G", "", "A", "", "B"];
            spans(&source).iter().map(|(_, _, pitch)| names[usize::from(pitch % 12)]).collect()
        };
        let plain = String::new;
        assert_eq!(order(&[plain(), backward.into(), plain()]), "CDCDE");
        assert_eq!(order(&[plain(), forward.into(), backward.into(), plain()]), "CDEDEF");
        let first = format!("{}{}{backward}", ending("1", "start"), ending("1", "stop"));
        let second = format!("{}{}", ending("2", "start"), ending("2", "stop"));
        assert_eq!(order(&[plain(), first.clone(), second.clone(), plain()]), "CDCEF");
        assert_eq!(
            order(&[forward.into(), plain(), first.clone(), second.clone(), forward.into(), backward.into()]),
            "CDECDFGAGA"
        );
        let sound = |what: &str| format!("<direction><sound {what}/></direction>");
        assert_eq!(order(&[plain(), sound("fine=\"yes\""), plain(), sound("dacapo=\"yes\"")]), "CDEFCD");
        let (segno, da_segno) = (sound("segno=\"1\""), sound("dalsegno=\"1\""));
        let (to_coda, coda) = (sound("tocoda=\"1\""), sound("coda=\"1\""));
        assert_eq!(order(&[plain(), segno.clone(), to_coda.clone(), da_segno.clone(), coda, plain()]), "CDEFDEGA");
        assert_eq!(order(&[plain(), da_segno.clone(), to_coda]), "CDE", "nowhere to go");
        // A repeat is played before the jump, and not again after it.
        let back_and_da_capo = format!("{backward}{}", sound("dacapo=\"yes\""));
        assert_eq!(order(&[plain(), back_and_da_capo]), "CDCDCD");
        let again = format!("{}{}", ending("2", "stop"), sound("dacapo=\"yes\""));
        assert_eq!(order(&[plain(), first.clone(), second.replace(&ending("2", "stop"), &again), plain()]), "CDCECEF");
        let words =
            |text: &str| format!("<direction><direction-type><words>{text}</words></direction-type></direction>");
        assert_eq!(order(&[plain(), words("Fine"), plain(), words("D.C.  al Fine")]), "CDEFCD");
        let thrice = backward.replace("/></barline>", " times=\"3\"/></barline>");
        assert_eq!(order(&[plain(), thrice]), "CDCDCD");
        let endless = backward.replace("/></barline>", " times=\"4000000000\"/></barline>");
        let text = score(&[&format!("{}{endless}", note("C4", 4, ""))]);
        assert_eq!(read(text.as_bytes()), Err(ReadError::TooManyMeasures));
    }

    #[test]
    fn a_pickup_and_a_measure_in_two_halves_keep_the_bar_lines() {
        let quarter = |count: usize| note("C5", 2, "").repeat(count);
        let measures = [format!("{ATTRIBUTES}{}", quarter(1)), quarter(4), quarter(3), quarter(1), quarter(4)];
        let measures: Vec<&str> = measures.iter().map(String::as_str).collect();
        let source = read_text(&score(&measures));
        let metres: Vec<Tick> = source
            .directions
            .iter()
            .filter(|(_, direction)| matches!(direction, Direction::Metre(_)))
            .map(|(tick, _)| *tick)
            .collect();
        assert_eq!(metres, [0, 480]);
        let grid = Grid::new(480, &source.directions, 0);
        assert_eq!((grid.bar(0).number, grid.bar(4).number, grid.bar(36).number), (0, 1, 3));
    }

    #[test]
    fn compressed_and_timewise_scores_are_read_as_well() {
        let text = score(&[&format!("{ATTRIBUTES}{}", note("C5", 8, ""))]);
        assert_eq!(read(&compress(&text)), read(text.as_bytes()));
        let timewise = format!(
            "<score-timewise><measure number=\"1\"><part id=\"P1\">{ATTRIBUTES}{}</part></measure></score-timewise>",
            note("C5", 8, "")
        );
        assert_eq!(spans(&read_text(&timewise)), [(0, 1920, 72)]);
        let utf16: Vec<u8> = [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
        assert_eq!(read(&utf16), read(text.as_bytes()));
    }

    #[test]
    fn each_unusable_file_is_told_why() {
        let check = |bytes: &[u8], expected: &str| {
            let error = read(bytes).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        check(b"", "the file is empty");
        check(b"<score-partwise>", "not a MusicXML file");
        check(b"<html/>", "its outermost element is <html>");
        check(b"PK\x03\x04nothing", "the compressed file (.mxl) cannot be opened");
        check(score(&[&note("H5", 4, "")]).as_bytes(), "measure 1 of part 1: <step> is 'H', expected a letter");
        check(score(&[&note("C5", 4, "").replace(">4<", ">x<")]).as_bytes(), "<duration> is 'x'");
        // Entities that grow by themselves.
        let levels: String =
            (1..10).map(|level| format!("<!ENTITY e{level} \"{}\">", format!("&e{};", level - 1).repeat(10))).collect();
        let bomb = format!("<!DOCTYPE s [<!ENTITY e0 \"ha\">{levels}]><score-partwise>&e9;</score-partwise>");
        check(bomb.as_bytes(), "not a MusicXML file");
        // An archive of zeros that unpacks to more than memory should hold.
        let zeros = compress(&" ".repeat(MAX_BYTES as usize + 1));
        check(&zeros, "more than 64 MiB");
    }
}
