//! XML in the making.

use std::fmt::Write as _;

/// Text that grows element by element, indented.
pub(super) struct Xml {
    pub text: String,
    depth: usize,
}

impl Xml {
    /// The beginning of a document of that type.
    pub fn document(doctype: &str) -> Xml {
        let declaration = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"no\"?>";
        Xml { text: format!("{declaration}\n<!DOCTYPE {doctype}>\n"), depth: 0 }
    }

    /// `tag` with its attributes, which must need no escaping.
    pub fn open(&mut self, tag: &str) {
        self.indent();
        let _ = writeln!(self.text, "<{tag}>");
        self.depth += 1;
    }

    pub fn close(&mut self, name: &str) {
        self.depth -= 1;
        self.indent();
        let _ = writeln!(self.text, "</{name}>");
    }

    pub fn empty(&mut self, tag: &str) {
        self.indent();
        let _ = writeln!(self.text, "<{tag}/>");
    }

    pub fn leaf(&mut self, name: &str, content: &str) {
        self.leaf_with(name, "", content);
    }

    pub fn leaf_with(&mut self, name: &str, attributes: &str, content: &str) {
        self.indent();
        let space = if attributes.is_empty() { "" } else { " " };
        let _ = writeln!(self.text, "<{name}{space}{attributes}>{}</{name}>", escape(content));
    }

    /// A leaf whose content has several lines.
    pub fn lines(&mut self, name: &str, attributes: &str, lines: &[String]) {
        self.indent();
        let lines: Vec<String> = lines.iter().map(|line| escape(line)).collect();
        let _ = writeln!(self.text, "<{name} {attributes}>{}</{name}>", lines.join("\n"));
    }

    fn indent(&mut self) {
        (0..self.depth).for_each(|_| self.text.push_str("  "));
    }
}

/// For text and attributes of XML and HTML; without the characters that XML 1.0 forbids.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => {}
            _ if character.is_control() => {}
            _ => escaped.push(character),
        }
    }
    escaped
}
