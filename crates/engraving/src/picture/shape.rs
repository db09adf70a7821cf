//! What a picture is made of.

use chorale::Part;

/// Of the marks where a rule is broken.
pub const MARK: &str = "#aa3377";

/// In the order in which they are painted. Colours are written `#rrggbb`.
pub enum Shape {
    Box {
        x: f64,
        y: f64,
        width: f64,
        height: f64,
        radius: f64,
        fill: &'static str,
        note: Option<(Part, String)>,
    },
    Vertical {
        x: f64,
        top: f64,
        bottom: f64,
        colour: &'static str,
        width: f64,
    },
    Text(Text),
    /// A triangle under the steps where a rule is broken, its top at (x, y).
    Mark {
        step: u32,
        x: f64,
        y: f64,
        hint: String,
    },
}

pub struct Text {
    pub x: f64,
    /// Of the baseline.
    pub y: f64,
    pub size: f64,
    pub colour: &'static str,
    pub is_bold: bool,
    /// Whether `x` is where it ends.
    pub ends: bool,
    pub text: String,
    pub hint: Option<String>,
}

impl Text {
    pub fn new(text: String) -> Text {
        Text { x: 0.0, y: 0.0, size: 10.0, colour: "#000000", is_bold: false, ends: false, text, hint: None }
    }
}
