//! Presets as files, for hosts that have no browser of CLAP's: `.vstpreset`, as Steinberg's "VST 3 Presets Format" tells.
//!
//! ```text
//! 'VST3', version, class ID (32 hexadecimal digits), place of the list        48 bytes, numbers little-endian
//! the component's state, as in a project
//! what a host's browser shows of it, in XML
//! 'List', number of chunks, and of each: its name, place and length           8 + 20 bytes each
//! ```

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::presets::{PRESETS, Preset};
use crate::state;

/// A plugin as VST3 knows it.
pub struct Class {
    pub name: &'static str,
    /// clap-wrapper makes it of the CLAP's: the UUID, version 5, of that text as a domain.
    pub id: &'static str,
    /// One part alone can leave.
    has_layouts: bool,
}

/// Both plugins, in the factory's order.
pub const CLASSES: [Class; 2] = [
    Class { name: "Chorale", id: "AD96CB3D60655754AD2BBE0070D22A03", has_layouts: true },
    Class { name: "Chorale 4 Outs", id: "47B08112948A531CB93DFE91A364C8C0", has_layouts: false },
];
const VENDOR: &str = "chorale";
const HEADER: usize = 48;

/// Writes all presets of both plugins below a folder, as hosts want them in theirs: vendor, plugin, file. Returns how many.
///
/// # Errors
/// Where a file can't be written, with its name.
pub fn write_all(folder: &Path) -> io::Result<usize> {
    let mut count = 0;
    for class in &CLASSES {
        let folder = folder.join(VENDOR).join(class.name);
        fs::create_dir_all(&folder).map_err(|error| named(&folder, &error))?;
        for preset in PRESETS.iter().filter(|preset| class.has_layouts || !preset.is_of_one_part()) {
            let path = folder.join(file_name(preset));
            let beside = path.with_extension("part");
            fs::write(&beside, bytes(class, preset))
                .and_then(|()| fs::rename(&beside, &path))
                .map_err(|error| named(&path, &error))?;
            count += 1;
        }
    }
    Ok(count)
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// No system minds it.
fn file_name(preset: &Preset) -> PathBuf {
    format!("{}.vstpreset", preset.name().replace(": ", " - ")).into()
}

fn bytes(class: &Class, preset: &Preset) -> Vec<u8> {
    let state = state::write(&preset.values());
    let shown = shown(class, preset);
    let chunks = [(*b"Comp", state.as_bytes()), (*b"Info", shown.as_bytes())];
    let list = HEADER + chunks.iter().map(|(_, chunk)| chunk.len()).sum::<usize>();
    let mut bytes = b"VST3".to_vec();
    bytes.extend(1u32.to_le_bytes());
    bytes.extend(class.id.as_bytes());
    bytes.extend((list as u64).to_le_bytes());
    chunks.iter().for_each(|(_, chunk)| bytes.extend(*chunk));
    bytes.extend(b"List");
    bytes.extend((chunks.len() as u32).to_le_bytes());
    let mut place = HEADER;
    for (name, chunk) in chunks {
        bytes.extend(name);
        bytes.extend((place as u64).to_le_bytes());
        bytes.extend((chunk.len() as u64).to_le_bytes());
        place += chunk.len();
    }
    bytes
}

fn shown(class: &Class, preset: &Preset) -> String {
    let attributes = [
        ("MediaType", "VstPreset"),
        ("PlugInCategory", "Fx"),
        ("PlugInName", class.name),
        ("PlugInVendor", VENDOR),
        ("Name", preset.name()),
        ("Comment", preset.description()),
    ];
    let attributes = attributes.map(|(id, value)| {
        format!("\t<Attribute id=\"{id}\" value=\"{value}\" type=\"string\" flags=\"writeProtected\"/>\n")
    });
    format!("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<MetaInfo>\n{}</MetaInfo>\n", attributes.concat())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Chunks by their names, by what the list at the end says of their places.
    fn chunks(bytes: &[u8]) -> BTreeMap<String, Vec<u8>> {
        let number = |at: usize, length: usize| {
            bytes[at..at + length].iter().rev().fold(0usize, |number, &byte| number << 8 | usize::from(byte))
        };
        let text = |at: usize| String::from_utf8(bytes[at..at + 4].to_vec()).unwrap();
        assert_eq!((text(0).as_str(), number(4, 4)), ("VST3", 1));
        let list = number(40, 8);
        assert_eq!(text(list), "List");
        let entries = (0..number(list + 4, 4)).map(|entry| list + 8 + 20 * entry);
        let chunks = entries.clone().map(|entry| {
            let (place, length) = (number(entry + 4, 8), number(entry + 12, 8));
            (text(entry), bytes[place..place + length].to_vec())
        });
        assert_eq!(bytes.len(), list + 8 + 20 * entries.len(), "nothing follows the list");
        chunks.collect()
    }

    #[test]
    fn every_file_is_of_its_plugin_and_holds_the_state_of_its_preset() {
        let folder = std::env::temp_dir().join(format!("chorale-presets-{}", std::process::id()));
        assert_eq!(write_all(&folder).unwrap(), 13);
        for class in &CLASSES {
            let folder = folder.join("chorale").join(class.name);
            let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
            files.sort();
            let presets = PRESETS.iter().filter(|preset| class.name == "Chorale" || !preset.is_of_one_part());
            assert_eq!(files.len(), presets.clone().count());
            for preset in presets {
                let is_its = |file: &&PathBuf| file.file_stem().unwrap() == preset.name().replace(": ", " - ").as_str();
                let bytes = fs::read(files.iter().find(is_its).unwrap()).unwrap();
                assert_eq!(std::str::from_utf8(&bytes[8..40]).unwrap(), class.id);
                let chunks = chunks(&bytes);
                assert_eq!(state::read(&chunks["Comp"]).unwrap(), preset.values(), "{}", preset.name());
                let shown = std::str::from_utf8(&chunks["Info"]).unwrap();
                assert!(shown.contains(preset.name()) && shown.contains(class.name), "{shown}");
            }
        }
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_is_shown_needs_no_escapes_in_xml() {
        for preset in &PRESETS {
            assert!(!preset.name().contains(['&', '<', '"']) && !preset.description().contains(['&', '<', '"']));
        }
    }
}
