//! Text of files that declare no encoding, or the wrong one.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, MACINTOSH, UTF_16BE, UTF_16LE, WINDOWS_1250, WINDOWS_1252};

/// So much of a text shows how it is written.
const ENOUGH: usize = 1 << 16;

/// How the bytes beyond ASCII are letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Letters {
    Known(&'static Encoding),
    /// As DOS wrote those of the West (code pages 437 and 850).
    Dos,
}

impl Letters {
    pub fn name(self) -> &'static str {
        match self {
            Letters::Known(encoding) => encoding.name(),
            Letters::Dos => "the letters of DOS (code page 850)",
        }
    }

    pub fn decode(self, bytes: &[u8]) -> String {
        let dos = |byte: &u8| match byte.checked_sub(0x80) {
            None => char::from(*byte),
            Some(place) => DOS.chars().nth(place.into()).unwrap_or(char::REPLACEMENT_CHARACTER),
        };
        match self {
            Letters::Known(encoding) => encoding.decode_without_bom_handling(bytes).0.into_owned(),
            Letters::Dos => bytes.iter().map(dos).collect(),
        }
    }
}

/// From 128 on: code page 850, which has all letters of 437; with a stop for what is no letter.
const DOS: &str =
    "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø·Ø··áíóúñÑ··¿····¡«»·····ÁÂÀ··············ãÃ··········ÊËÈ·ÍÎÏ·····Ì·ÓßÔÒõÕ···ÚÛÙýÝ";

/// UTF-8 where it is that, else Latin-1 as Windows has it.
pub(crate) fn decode(bytes: &[u8]) -> String {
    decode_as(WINDOWS_1252, bytes)
}

/// UTF-8 where it is that, else in another encoding.
pub(crate) fn decode_as(encoding: &'static Encoding, bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => encoding.decode_without_bom_handling(bytes).0.into_owned(),
    }
}

/// The text of a whole document: UTF-16, UTF-8, or what its letters look like.
pub(crate) fn decode_document(bytes: &[u8]) -> String {
    utf16(bytes).unwrap_or_else(|| {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let letters = encoding_of([bytes].into_iter());
        std::str::from_utf8(bytes).map_or_else(|_| letters.unwrap_or(WEST).decode(bytes), str::to_owned)
    })
}

/// How the texts of a file are written, as their letters follow each other; `None` where each is read by [`decode`].
pub(crate) fn encoding_of<'a>(texts: impl Iterator<Item = &'a [u8]> + Clone) -> Option<Letters> {
    let foreign = texts.clone().filter(|text| !text.is_ascii());
    let (utf8, others): (Vec<&[u8]>, Vec<&[u8]>) = foreign.partition(|text| std::str::from_utf8(text).is_ok());
    if utf8.len() >= others.len() {
        return None;
    }
    let mut sample = Vec::new();
    for text in texts.skip_while(|text| text.is_ascii()) {
        let first = text.iter().position(|byte| !byte.is_ascii()).filter(|_| text.len() > ENOUGH).unwrap_or(0);
        sample.extend_from_slice(&text[first..text.len().min(first + ENOUGH)]);
        if sample.len() >= ENOUGH {
            break;
        }
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(&sample, true);
    let found = detector.guess(None, Utf8Detection::Deny);
    let sense_of = |letters: Letters| sense(&letters.decode(&sample));
    let foreign = sample.iter().filter(|byte| !byte.is_ascii()).count();
    let letters = foreign + sample.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    let (of_west, of_dos) = (sense_of(WEST), sense_of(Letters::Dos));
    // The detector knows neither DOS nor the Macs before Mac OS X. Of other languages most letters are beyond ASCII.
    let makes_sense = |sense: i32| sense >= of_west + 2;
    let all_make_sense = of_dos == foreign as i32 && FEW_FOREIGN * foreign <= letters;
    if makes_sense(of_dos) && (all_make_sense || found == WINDOWS_1252 && of_dos > sense_of(OLD_MACS)) {
        return Some(Letters::Dos);
    }
    let found = if found == WINDOWS_1252 && is_hungarian(&WEST.decode(&sample)) { WINDOWS_1250 } else { found };
    let found = if found == WINDOWS_1252 && makes_sense(sense_of(OLD_MACS)) { OLD_MACS } else { Letters::Known(found) };
    Some(found).filter(|letters| *letters != WEST)
}

/// Whether a text seems to be Hungarian whose ő and ű were read as õ and û: no language of the West has these beside ö or ü
/// and á, é or í, and no other accents.
fn is_hungarian(as_west: &str) -> bool {
    let letters = as_west.to_lowercase();
    let has = |some: &str| letters.contains(|letter| some.contains(letter));
    let are_all_known = letters.chars().all(|letter| letter.is_ascii() || "áéíóöúüõû".contains(letter));
    are_all_known && has("õû") && has("öü") && has("áéíóú")
}

const WEST: Letters = Letters::Known(WINDOWS_1252);
const OLD_MACS: Letters = Letters::Known(MACINTOSH);

/// In the languages of the West at most one letter in so many has an accent.
const FEW_FOREIGN: usize = 4;

/// The small accented letters of the West.
const ACCENTED: &str = "àáâãäåæçèéêëìíîïñòóôõöøùúûüýßœ";

/// How many more of the letters and signs beyond ASCII stand where they are usual than where they are not.
fn sense(text: &str) -> i32 {
    let letters: Vec<char> = text.chars().collect();
    let is_letter = |index: Option<usize>| index.and_then(|at| letters.get(at)).is_some_and(|it| it.is_alphabetic());
    let sense_at = |index: usize| {
        let (letter, before, after) = (letters[index], is_letter(index.checked_sub(1)), is_letter(Some(index + 1)));
        let is_usual = match letter {
            '’' => before,
            '“' | '‘' | '„' | '«' | '¿' | '¡' => !before,
            '”' | '…' | '»' => !after,
            '–' | '—' => !before && !after,
            _ if letter.is_uppercase() => !before && letter.to_lowercase().all(|small| ACCENTED.contains(small)),
            _ => ACCENTED.contains(letter),
        };
        if is_usual { 1 } else { -1 }
    };
    (0..letters.len()).filter(|index| !letters[*index].is_ascii()).map(sense_at).sum()
}

/// A text that tells its encoding by a mark before it, in UTF-8 without the mark; `None` of one without.
pub(crate) fn marked(bytes: &[u8]) -> Option<String> {
    match bytes {
        [0xef, 0xbb, 0xbf, text @ ..] => Some(String::from_utf8_lossy(text).into_owned()),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] if bytes.len().is_multiple_of(2) => utf16(bytes),
        _ => None,
    }
}

/// Text of two bytes a letter: by its mark, or by the zeros beside its first two letters.
pub(crate) fn utf16(bytes: &[u8]) -> Option<String> {
    let is_letter = |letter: u8| letter.is_ascii_graphic() || letter.is_ascii_whitespace();
    let (encoding, start) = match bytes {
        [0xff, 0xfe, ..] => (UTF_16LE, 2),
        [0xfe, 0xff, ..] => (UTF_16BE, 2),
        [one, 0, two, 0, ..] if is_letter(*one) && is_letter(*two) => (UTF_16LE, 0),
        [0, one, 0, two, ..] if is_letter(*one) && is_letter(*two) => (UTF_16BE, 0),
        _ => return None,
    };
    let text = encoding.decode_without_bom_handling(&bytes[start..]).0;
    // Four bytes a letter look like two with zeros between.
    Some(if text.contains('\0') { text.replace('\0', "") } else { text.into_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_many_languages_are_known_by_how_their_letters_follow_each_other() {
        let check = |label: &str, text: &str| {
            let (bytes, _, failed) = Encoding::for_label(label.as_bytes()).unwrap().encode(text);
            assert!(!failed, "{text}");
            // As MIDI files have them, a syllable each.
            let syllables = bytes.chunks(4);
            let letters = encoding_of(syllables).unwrap_or(WEST);
            assert_eq!(letters.decode(&bytes), text, "{label}: {}", letters.name());
            assert_eq!(decode_document(&bytes), text);
        };
        check("windows-1251", "Тихая ночь, дивная ночь, дремлет всё, лишь не спит");
        check("koi8-r", "Тихая ночь, дивная ночь, дремлет всё, лишь не спит");
        check("windows-1250", "Tichá noc, svatá noc, všechno spí, v bdění jen svatý pár dvou božských dlí");
        check("iso-8859-2", "Cicha noc, święta noc, pokój niesie ludziom wszem, a u żłóbka Matka Święta");
        check("windows-1250", "Mennyből az angyal lejött hozzátok, pásztorok; Őr áll a tűz mellett");
        check("windows-1250", "Őr ült űz ő tűz hő nő fű szép ő sün bőr");
        check("windows-1252", "Öö on õnnis, õrn ja püha, sügisöö on külm");
        check("windows-1252", "Sûr, l'été est fini, où est le fruit mûr");
        check("windows-1253", "Άγια νύχτα σε προσμένουν με χαρά οι Χριστιανοί");
        check("windows-1254", "Sessiz gece, kutsal gece, her şey uyuyor, yalnız ışıl ışıl bakan çift");
        check("windows-1255", "לילה שקט לילה קדוש הכל ישן רק הזוג");
        check("windows-1256", "ليلة صامتة ليلة مقدسة كل شيء هادئ");
        check("shift_jis", "きよしこの夜、星は光り");
        check("gbk", "平安夜，圣善夜，万暗中，光华射");
        check("big5", "平安夜，聖善夜，萬暗中，光華射");
        check("euc-kr", "고요한 밤 거룩한 밤 어둠에 묻힌 밤");
        check("windows-1252", "Stille Nacht, heilige Nacht, alles schläft, einsam wacht; schönster Süße Größe");
        check("macintosh", "Stille Nacht, heilige Nacht, alles schläft, einsam wacht; schönster Süße Größe");
        check("macintosh", "Été à la forêt, où l’on n’est là qu’à Noël");
        check("macintosh", "Noche de paz, noche de amor, ¿qué canción será la más bella del niño?");
        check("windows-1252", "Don’t you cry, I’m here… “Hush,” she said – don’t let’s go");
        check("windows-1252", "Žižka šel až k řece".replace('ř', "r").as_str());
        check("windows-1252", "Ô nuit de paix, sainte nuit, dans le ciel l'astre luit, où l'été s'achève");
    }

    #[test]
    fn words_of_dos_are_known_by_where_their_letters_stand() {
        let check = |text: &str| {
            let byte = |letter: char| match DOS.chars().position(|known| known == letter) {
                Some(place) => 0x80 + place as u8,
                None => u8::try_from(letter).unwrap(),
            };
            let bytes: Vec<u8> = text.chars().map(byte).collect();
            assert_eq!(encoding_of(bytes.chunks(4)), Some(Letters::Dos), "{text}");
            assert_eq!(decode_document(&bytes), text);
        };
        check("Stille Nacht, heilige Nacht, alles schläft, einsam wacht; schönster Süße Größe");
        check("Ö du fröhliche, Ö du selige, gnadenbringende Weihnachtszeit");
        check("Noche de paz, ¿qué canción será la más bella del niño? ¡Señor!");
        check("Douce nuit, ô sainte nuit, l'été où l'on fête Noël à la forêt");
        check("Glade jul, dejlige jul, engle daler ned i skjul, her de fløj med Paradis grønt");
        check("Für Elise");
        assert_eq!(Letters::Dos.decode(b"A\x80\xff"), "AÇ\u{fffd}");
    }

    #[test]
    fn a_single_accent_is_that_of_the_west() {
        for text in [&b"S\xf6lo"[..], b"Fl\xfbte", b"Mel\xf3d\xeda", b"K\xf8r"] {
            assert_eq!(encoding_of([text].into_iter()), None, "{text:?}");
        }
        assert_eq!(encoding_of(["Größe".as_bytes(), b"gr\xfcn"].into_iter()), None, "each tells of itself");
    }

    #[test]
    fn text_of_two_bytes_a_letter_is_read_with_its_mark_or_without() {
        let text = "X:1\nT:Größe";
        let little = text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
        let big = text.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<u8>>();
        let marked = [&[0xfe, 0xff][..], &big].concat();
        assert_eq!([&little, &big, &marked].map(|bytes| utf16(bytes).unwrap()), [text; 3]);
        let four: Vec<u8> =
            [0xff, 0xfe, 0, 0].into_iter().chain(text.chars().flat_map(|c| u32::from(c).to_le_bytes())).collect();
        assert_eq!(utf16(&four).as_deref(), Some(text));
        assert_eq!([&b"MThd\0\0"[..], b"X:1", b"", b"\0\0\0\0"].map(utf16), [const { None }; 4]);
    }
}
