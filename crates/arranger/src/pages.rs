//! The pages of an engraved score, which MuseScore writes as a picture each, in one picture.

use std::fs;
use std::path::Path;

/// The pictures that lie in a folder, by the numbers of their pages.
pub fn in_folder(folder: &Path) -> Vec<Vec<u8>> {
    let Ok(files) = fs::read_dir(folder) else { return Vec::new() };
    let mut pages: Vec<(u32, Vec<u8>)> = files
        .filter_map(|file| {
            let path = file.ok()?.path();
            let stem = path.file_name()?.to_str()?.strip_suffix(".svg")?;
            let number = stem.rsplit_once('-').map_or(Some(0), |(_, number)| number.parse().ok())?;
            Some((number, fs::read(&path).ok()?))
        })
        .collect();
    pages.sort();
    pages.into_iter().map(|(_, page)| page).collect()
}

/// Pages one below the other, as large as paper.
///
/// # Errors
/// Which page is no picture with a size.
pub fn joined(pages: &[Vec<u8>]) -> Result<Vec<u8>, String> {
    let texts: Vec<String> = pages.iter().map(|page| String::from_utf8_lossy(page).into_owned()).collect();
    let pages = (1..).zip(&texts).map(|(number, text)| {
        Page::of(text).ok_or_else(|| format!("page {number} of what it has written is no SVG with a viewBox"))
    });
    let pages = pages.collect::<Result<Vec<Page>, String>>()?;
    let width = pages.iter().map(|page| page.width).fold(0.0, f64::max);
    let height: f64 = pages.iter().map(|page| page.height).sum();
    let scale = pages.first().map_or(1.0, |page| page.scale);
    let mut picture = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" \
         xmlns:xlink=\"http://www.w3.org/1999/xlink\" width=\"{:.2}mm\" height=\"{:.2}mm\" viewBox=\"0 0 {width:.2} {height:.2}\">\n",
        width * scale,
        height * scale,
    );
    let mut top = 0.0;
    for Page { left, above, width, height, inside, .. } in pages {
        picture += &format!(
            "<svg y=\"{top:.2}\" width=\"{width}\" height=\"{height}\" viewBox=\"{left} {above} {width} {height}\">{inside}</svg>\n"
        );
        top += height;
    }
    Ok((picture + "</svg>\n").into_bytes())
}

/// A page, by its own measure.
struct Page<'a> {
    left: f64,
    above: f64,
    width: f64,
    height: f64,
    /// Millimetres a unit.
    scale: f64,
    /// What its element holds.
    inside: &'a str,
}

impl Page<'_> {
    fn of(text: &str) -> Option<Page<'_>> {
        let begin = text.find("<svg")?;
        let (head, rest) = text[begin..].split_once('>')?;
        let inside = &rest[..rest.rfind("</svg>")?];
        let attribute = |name: &str| head.split_once(&format!(" {name}=\""))?.1.split('"').next();
        let numbers = attribute("viewBox")?.split([' ', ',']).filter(|number| !number.is_empty());
        let numbers = numbers.map(|number| number.parse::<f64>().ok().filter(|number| number.is_finite()));
        let [left, above, width, height] = numbers.collect::<Option<Vec<f64>>>()?.try_into().ok()?;
        let is_sized = width > 0.0 && height > 0.0;
        let scale = attribute("width").and_then(millimetres).unwrap_or(width * PIXEL) / width;
        is_sized.then_some(Page { left, above, width, height, scale, inside })
    }
}

/// Of MuseScore: it draws at 360 dots an inch.
const PIXEL: f64 = 25.4 / 360.0;

fn millimetres(length: &str) -> Option<f64> {
    let units = [("px", PIXEL), ("mm", 1.0), ("cm", 10.0), ("in", 25.4), ("pt", 25.4 / 72.0), ("", PIXEL)];
    let (number, unit) = units.iter().find_map(|(name, unit)| Some((length.trim().strip_suffix(name)?, unit)))?;
    let number: f64 = number.trim().parse().ok()?;
    Some(number * unit).filter(|length| length.is_finite() && *length > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_stand_one_below_the_other_in_their_order_and_at_their_size() {
        let folder = tempfile::tempdir().unwrap();
        let page = |name: &str| {
            format!(
                "<?xml version=\"1.0\"?>\n<svg width=\"210mm\" height=\"297mm\" viewBox=\"0 0 2100 2970\" xmlns=\"x\"><g>{name}</g></svg>\n"
            )
        };
        for number in [10, 9, 1] {
            fs::write(folder.path().join(format!("piece-{number}.svg")), page(&format!("page {number}"))).unwrap();
        }
        fs::write(folder.path().join("said.txt"), "nothing").unwrap();
        let pages = in_folder(folder.path());
        let joined = String::from_utf8(joined(&pages).unwrap()).unwrap();
        assert!(joined.contains("width=\"210.00mm\" height=\"891.00mm\" viewBox=\"0 0 2100.00 8910.00\""), "{joined}");
        let places: Vec<_> = ["page 1<", "<svg y=\"2970.00\"", "page 9<", "<svg y=\"5940.00\"", "page 10<"]
            .map(|what| joined.find(what).unwrap_or_else(|| panic!("{what}: {joined}")))
            .into();
        assert!(places.is_sorted(), "{places:?}");
    }

    #[test]
    fn the_pixels_of_musescore_become_paper_and_what_is_no_picture_is_told() {
        let a4 = b"<svg width=\"2976.38px\" height=\"4209.45px\" viewBox=\"0 0 2976.38 4209.45\"></svg>".to_vec();
        let joined_page = String::from_utf8(joined(&[a4]).unwrap()).unwrap();
        assert!(joined_page.contains("width=\"210.00mm\" height=\"297.00mm\""), "{joined_page}");
        let page = b"<svg viewBox=\"0 0 1 1\"></svg>".to_vec();
        for bad in ["", "<svg>", "<svg></svg>", "<svg viewBox=\"0 0 NaN 3\"></svg>", "<svg viewBox=\"0 0 0 3\"></svg>"]
        {
            let said = joined(&[page.clone(), bad.as_bytes().to_vec()]).unwrap_err();
            assert!(said.contains("page 2"), "{bad}: {said}");
        }
    }
}
