//! A score as one self-contained HTML page: staves and a piano roll that play, with parts to mute and marks to hover. What
//! draws and plays it is shared with the page in which one plays (`web/`).

use crate::Piece;
use files::Creator;
use files::musicxml::escape;

const TEMPLATE: &str = include_str!("page/page.html");
const STYLE: &str = include_str!("page/style.css");
/// In the order in which they build on each other.
const SCRIPTS: [&str; 8] = [
    include_str!("page/glyphs.js"),
    include_str!("page/notation.js"),
    include_str!("page/spacing.js"),
    include_str!("page/staves.js"),
    include_str!("page/roll.js"),
    include_str!("page/player.js"),
    include_str!("page/pipes.js"),
    include_str!("page/view.js"),
];

/// Needs nothing from the network.
pub fn page(piece: &Piece) -> String {
    let title = piece.score.title.as_deref().unwrap_or("Chorale");
    let data = serde_json::to_string(&piece.sheet()).expect("numbers and texts become JSON");
    // What stands between the script's tags must not close them.
    let data = data.replace('<', "\\u003c");
    let (title, key) = (escape(title), escape(&piece.score.named_home().to_string()));
    let (mut page, mut rest) = (String::new(), TEMPLATE);
    while let Some((before, (name, after))) =
        rest.split_once("{{").and_then(|(before, after)| Some((before, after.split_once("}}")?)))
    {
        page.push_str(before);
        match name {
            "style" => page.push_str(STYLE),
            "script" => SCRIPTS.iter().for_each(|script| page.push_str(script)),
            "title" => page.push_str(&title),
            "key" => page.push_str(&key),
            "creators" => page.push_str(&creators(&piece.score.creators)),
            "below" => page.push_str(&below(&piece.score.below)),
            "data" => page.push_str(&data),
            _ => unreachable!("page.html names nothing else"),
        }
        rest = after;
    }
    page + rest
}

/// Who made the piece: composers by their name alone, others with what they did.
fn creators(creators: &[Creator]) -> String {
    let credit = |creator: &Creator| match creator.role.as_str() {
        "composer" => creator.name.clone(),
        role => format!("{} ({role})", creator.name),
    };
    creators.iter().map(|creator| escape(&credit(creator)) + " · ").collect()
}

/// Verses that stand under the music, a paragraph each.
fn below(lines: &[String]) -> String {
    let verses = lines.split(|line| line.is_empty());
    let verse = |lines: &[String]| {
        let lines: Vec<String> = lines.iter().map(|line| escape(line)).collect();
        format!("  <p class=\"verse\">{}</p>\n", lines.join("<br>\n"))
    };
    verses.filter(|lines| !lines.is_empty()).map(verse).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::tests::piece;

    #[test]
    fn a_page_is_filled_whatever_stands_in_the_title() {
        let (mut score, grid) = piece(&[("72,67,64,48", 16)]);
        score.title = Some("{{data}} </script> & {{x}}".into());
        let page = page(&Piece::new(score, grid));
        assert!(page.contains("<title>{{data}} &lt;/script&gt; &amp; {{x}}</title>"));
        assert!(page.contains("\"symbol\":\"C\"") && page.ends_with("</html>\n"));
        assert!(!page.contains("<p class=\"verse\""));
        assert_eq!(page.matches("<script>").count(), page.matches("</script>").count());
    }

    #[test]
    fn a_page_names_who_made_the_piece() {
        let (mut score, grid) = piece(&[("72,67,64,48", 16)]);
        let creator = |role: &str, name: &str| Creator { role: role.into(), name: name.into() };
        score.creators = vec![creator("composer", "William Croft"), creator("lyricist", "Watts & Co.")];
        let page = page(&Piece::new(score, grid));
        assert!(page.contains(">William Croft · Watts &amp; Co. (lyricist) · C major</span>"));
    }

    #[test]
    fn verses_that_stand_under_the_tune_stand_under_the_music() {
        let (mut score, grid) = piece(&[("72,67,64,48", 16)]);
        score.below = ["1. O God & Lord", "our help", "", "2. Before"].map(str::to_owned).to_vec();
        let page = page(&Piece::new(score, grid));
        let verses = "<p class=\"verse\">1. O God &amp; Lord<br>\nour help</p>\n  <p class=\"verse\">2. Before</p>";
        assert!(page.find(verses) > page.find("id=\"scroll\""));
    }
}
