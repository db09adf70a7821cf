//! Letters that can be read from two metres: of half blocks, each pixel as many columns wide as half rows high, which in
//! most terminals makes it square.

use ratatui::buffer::Buffer;
use ratatui::style::Style;

const HEIGHT: usize = 7;
/// Columns from one letter to the next in [`ART`].
const PITCH: usize = 6;

/// Each letter is five pixels wide at most; what it leaves free on its right is not used.
const ART: [(&str, [&str; HEIGHT]); 5] = [
    (
        "ABCDEFGHIJ",
        [
            " ###  ####   ###  ####  ##### #####  ###  #   # ###     ##",
            "#   # #   # #   # #   # #     #     #   # #   #  #       #",
            "#   # #   # #     #   # #     #     #     #   #  #       #",
            "##### ####  #     #   # ####  ####  # ### #####  #       #",
            "#   # #   # #     #   # #     #     #   # #   #  #       #",
            "#   # #   # #   # #   # #     #     #   # #   #  #    #  #",
            "#   # ####   ###  ####  ##### #      ###  #   # ###    ##",
        ],
    ),
    (
        "KLMNOPRSTU",
        [
            "#   # #     #   # #   #  ###  ####  ####   #### ##### #   #",
            "#  #  #     ## ## ##  # #   # #   # #   # #       #   #   #",
            "# #   #     # # # ##  # #   # #   # #   # #       #   #   #",
            "##    #     # # # # # # #   # ####  ####   ###    #   #   #",
            "# #   #     #   # #  ## #   # #     # #       #   #   #   #",
            "#  #  #     #   # #  ## #   # #     #  #      #   #   #   #",
            "#   # ##### #   # #   #  ###  #     #   # ####    #    ###",
        ],
    ),
    (
        "VWYZabdijmv",
        [
            "#   # #   # #   # #####       #        #  #       #",
            "#   # #   # #   #     #       #        #",
            "#   # #   #  # #     #   ###  ###    ###  #       #   ## #  #   #",
            "#   # # # #   #     #       # #  #  #  #  #       #   # # # #   #",
            " # #  # # #   #    #     #### #  #  #  #  #       #   # # # #   #",
            " # #  ## ##   #   #     #   # #  #  #  #  #     # #   # # #  # #",
            "  #   #   #   #   #####  #### ###    ###  #      #    # # #   #",
        ],
    ),
    (
        "°ø#+/•",
        [
            " #           # #            #",
            "# #       #  # #            #",
            " #     ###  #####   #      #   ###",
            "      #  ##  # #    #     #   #####",
            "      # # # ##### #####  #    #####",
            "      ##  #  # #    #   #      ###",
            "      ####   # #    #   #",
        ],
    ),
    (
        "0123456789",
        [
            " ###   #     ###  #####    #  #####   ##  #####  ###   ###",
            "#   # ##    #   #    #    ##  #      #        # #   # #   #",
            "#  ##  #        #   #    # #  ####  #        #  #   # #   #",
            "# # #  #      ##     #  #  #      # ####    #    ###   ####",
            "##  #  #     #        # #####     # #   #  #    #   #     #",
            "#   #  #    #     #   #    #  #   # #   #  #    #   #    #",
            " ###  ###   #####  ###     #   ###   ###   #     ###   ##",
        ],
    ),
];

/// Rows of a line of letters whose pixels are `scale` columns wide.
pub fn rows(scale: u16) -> u16 {
    (HEIGHT as u16 * scale).div_ceil(2)
}

/// Columns of a line of letters.
pub fn width(text: &str, scale: u16) -> u16 {
    let pixels: usize = text.chars().map(advance).sum();
    pixels.saturating_sub(1) as u16 * scale
}

/// Writes letters from a place on, as far as the buffer goes.
pub fn write(buffer: &mut Buffer, (left, top): (u16, u16), text: &str, scale: u16, style: Style) {
    let mut column = usize::from(left);
    let scale = usize::from(scale);
    for letter in text.chars() {
        for row in 0..(HEIGHT * scale).div_ceil(2) {
            for x in 0..advance(letter) * scale {
                let is_inked = |half: usize| is_inked(letter, x / scale, half / scale);
                let symbol = match [2 * row, 2 * row + 1].map(is_inked) {
                    [false, false] => continue,
                    [true, false] => "▀",
                    [false, true] => "▄",
                    [true, true] => "█",
                };
                let place = ((column + x) as u16, top + row as u16);
                if let Some(cell) = buffer.cell_mut(place) {
                    cell.set_symbol(symbol).set_style(style);
                }
            }
        }
        column += advance(letter) * scale;
    }
}

/// Where a letter is in [`ART`]; there is none for a space.
fn find(letter: char) -> Option<(&'static [&'static str; HEIGHT], usize)> {
    ART.iter().find_map(|(letters, art)| Some((art, PITCH * letters.chars().position(|other| other == letter)?)))
}

fn is_inked(letter: char, x: usize, y: usize) -> bool {
    find(letter).is_some_and(|(art, place)| {
        x < PITCH - 1 && art.get(y).is_some_and(|row| row.as_bytes().get(place + x) == Some(&b'#'))
    })
}

/// Pixels from one letter to the next.
fn advance(letter: char) -> usize {
    const SPACE: usize = 3;
    let last = (0..PITCH - 1).rev().find(|&x| (0..HEIGHT).any(|y| is_inked(letter, x, y)));
    last.map_or(SPACE, |last| last + 2)
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;

    use super::*;

    fn written(text: &str, scale: u16) -> Vec<String> {
        let area = Rect::new(0, 0, width(text, scale), rows(scale));
        let mut buffer = Buffer::empty(area);
        write(&mut buffer, (0, 0), text, scale, Style::new());
        let rows = buffer.content().chunks(usize::from(area.width));
        rows.map(|row| row.iter().map(|cell| cell.symbol()).collect::<String>().trim_end().to_owned()).collect()
    }

    #[test]
    fn letters_are_made_of_half_blocks() {
        assert_eq!(written("F#", 1), ["█▀▀▀▀  █ █", "█▄▄▄  ▀█▀█▀", "█     ▀█▀█▀", "▀      ▀ ▀"]);
        assert_eq!(written("I", 2), ["██████", "  ██", "  ██", "  ██", "  ██", "  ██", "██████"]);
    }

    #[test]
    fn everything_that_is_written_large_has_letters() {
        let chords = "ABCDEFG#b/dim+maj7M64253viVI°ø0189";
        let words = "COUNT IN HELD FROZEN CADENCE MUTED KEYBOARD GONE OUTPUT GONE CLOCK STALLED NO SERVER NO SOUND NO TAKE SATB";
        for letter in chords.chars().chain(words.chars()).filter(|letter| *letter != ' ') {
            assert!(find(letter).is_some(), "no '{letter}'");
        }
    }

    #[test]
    fn what_does_not_fit_is_cut_off() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 7, 2));
        write(&mut buffer, (3, 1), "WWW", 3, Style::new());
    }
}
