//! What the name of a track or part says about it, in the languages that people use.

/// What a name calls a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Called {
    /// The tune itself.
    Tune,
    /// A singer, whoever it is.
    Voice,
    Soprano,
    /// One that stands out: `solo`, `lead`.
    Lead,
    /// A lower voice of a choir, which may also sing alone.
    LowerVoice,
    Choir,
    RightHand,
    LeftHand,
    /// Sings along, but not the tune: `backing`, `harmony`.
    Backing,
    /// Goes above the tune; a recorder has the name too.
    Descant,
    /// A tune against the tune: `counter-melody`, `contrechant`, `Gegenstimme`.
    Counter,
    /// What a sound is called that sings: `Space Voice`, `Angel Choir`.
    Patch,
    /// What is played by the bar, whatever its sound is called: `Melody Pad`, `Vocal Chop`.
    Texture,
    /// Plays one note at a time.
    Instrument,
    /// The same, below one that does: the tune of a string quartet is seldom the viola's.
    LowInstrument,
    /// Plays chords.
    Accompaniment,
    Bass,
    Percussion,
}

use Called::*;

/// How a word of the table is looked for.
#[derive(Clone, Copy)]
enum Match {
    /// It is a word of the name.
    Whole,
    /// A word of the name begins with it.
    Start,
    /// It occurs in the name, as parts of compounds do, and words of languages without spaces.
    Within,
    /// A word of the name begins with it, or two that follow each other do: `counter-melody`.
    Joined,
    /// It is the name, alone or with other single letters.
    Letter,
}

use Match::*;

/// Without accents, in small letters. A name may call a line several things.
const WORDS: &[(Called, Match, &str)] = &[
    (Tune, Start, "melod tune theme tema thema weise cantus guide ezgi dallam alaw doinu napev мелоди напев μελωδι"),
    (Tune, Whole, "cf mel melo mld mldy air aria head viis viisu tonada hook hymn hymne psalm giai"),
    (Tune, Within, "melodie melodi meloodi نغم 旋律 メロ 멜로디 선율 מנגינה לחן لحن धुन ทำนอง"),
    (
        Voice,
        Start,
        "vocal vocaux voice vox voix voz voce vokal wokal singer singing singst stimm sang sanger zang chant",
    ),
    (
        Voice,
        Start,
        "canto cantor kantor cantante cantora gesang saeng zpev spev spiew laulu enek pjev hlas glos glas rost rodd",
    ),
    (Voice, Start, "laulaj penyanyi mwimba liedst kirchenlied ведущ певец певиц певч"),
    (Voice, Start, "songur guth llais ahots suara liturg congreg gemeinde assembl lyric unis einstimmig"),
    (Voice, Start, "kantu kantist precent vorsang forsang bals dziesm pjesm sarki boses tinig sauti abest"),
    (Voice, Start, "вокал голос глас песн песм запев спів співак пение дауыс φων τραγουδ"),
    (
        Voice,
        Whole,
        "voc vocs vo ges sgst sing stem stemme stamma stamman stamme aani haal laul ses san cant song lied veu giong",
    ),
    (Voice, Whole, "kanto voco amhran canco lehen zeri kenga səs wimbo oberst ән дуу 唱"),
    (
        Voice,
        Whole,
        "people man woman mann frau child children boy boys girl girls verse refrain dainininkas dainininke",
    ),
    (Voice, Whole, "vok вок vx vocls sgl gsg stim stemma canta cantabile voci pevec petje"),
    (
        Voice,
        Within,
        "singstimme gesang zangstem melodistem 歌 ボーカル ヴォーカル 人声 人聲 声部 聲部 声乐 聲樂 演唱 独唱 獨唱 领唱 領唱 主唱 主音",
    ),
    (
        Voice,
        Within,
        "うた 唄 女声 女聲 男声 男聲 보컬 노래 노랫 가수 가창 성악 קול שירה זמר صوت غناء مطرب مغن آواز خواننده صدا",
    ),
    (Voice, Within, "स्वर गायन गायक आवाज স্বর কণ্ঠ গান குரல் பாட பாடல் పాట గాత్ర ಗಾಯನ ശബ്ദ ഗാന ร้อง ձայն երգ ხმა სიმღერ"),
    (Voice, Letter, "v"),
    (
        Soprano,
        Start,
        "sopran sopraan sopr discant diskant dessus superius treble tiple triplum szopran oberstimme hauptstimme",
    ),
    (Soprano, Start, "сопран дискант σοπραν"),
    (Soprano, Whole, "sop tripl sa"),
    (Soprano, Within, "ソプラノ 女高音 소프라노 سوبرانو סופרן"),
    (Soprano, Letter, "s c"),
    (Lead, Start, "lead solo solist haupt principal соло солист"),
    (Lead, Whole, "main"),
    (Lead, Within, "ソロ 독주"),
    (LowerVoice, Start, "alto contralto mezzo tenor baryton bariton countertenor kontratenor unterstimme"),
    (Descant, Start, "descant uberstimm uberchor overstem"),
    (Counter, Joined, "countermel countersub counterth countertun counterline counterpoint"),
    (Counter, Joined, "contramel contracant contrapunt contremel contrecant contrechant"),
    (
        Counter,
        Joined,
        "contropunt contrappunt contromel controcant kontramel kontrapunkt gegenmel gegenstimm gegengesang",
    ),
    (
        Counter,
        Joined,
        "nebenmel nebenstimm tegenmel tegenstem tegenzang motmel motstem motstam modmel modstem vastamel",
    ),
    (Counter, Joined, "vastaaan protihlas protimel ellenszol kontrmel контрмел контрапункт подголос"),
    (Counter, Start, "obligat obbligat"),
    // A saxophone is called C melody too.
    (Counter, Joined, "cmelod submel sousmel"),
    (Counter, Within, "サブメロ 裏メロ 対旋律 オブリ 副旋律 对位 對位 부선율 대선율 서브멜로디"),
    (Patch, Joined, "spacevo airvo airchoir ethervo heavenvo angelvo angelchoir mellowchoir halovo halochoir"),
    (Texture, Whole, "pad pads chord chords accords arp arps stab stabs chop chops drone sweep fx"),
    (Texture, Start, "akkord acorde arpeggi"),
    // Of Jingle Bells there is a melody.
    (Texture, Joined, "melodybell melodictom"),
    (LowerVoice, Start, "mittelstimme quint motet dupl альт тенор баритон τενορ"),
    (LowerVoice, Whole, "alt altus ten bar ct"),
    (LowerVoice, Within, "アルト テノール 女低音 男高音 男中音 알토 테너"),
    (LowerVoice, Letter, "a t"),
    (Choir, Start, "choir choral choeur coral kuoro korus хор women frauen manner kinder"),
    (Choir, Whole, "chor chorus coro kor men"),
    (Choir, Within, "合唱 コーラス 합창"),
    (RightHand, Whole, "rh right rechts rechte droite derecha destra md upper top правая"),
    (LeftHand, Whole, "lh left links linke gauche izquierda sinistra mg lower левая"),
    (Backing, Start, "backing background backup bgv begleit echo double ooh aah adlib гармон"),
    (Backing, Whole, "bg bv back harmony harmonies harm choeurs coros second 2nd ad fill fills dbl doubl 8va 8vb"),
    (Instrument, Start, "flut flaut flote fluit flojt huilu oboe hautb clarin klarin violin violon geige fiddle viool"),
    (Instrument, Start, "viulu trump tromp trompet cornet kornett horn corno"),
    (Instrument, Start, "skrzyp housl heged fuvola flet trabk trubk trombit saksof obo скрип сопілк"),
    (LowInstrument, Start, "viola bratsche cello violonc bassoon fagot trombon posaune"),
    (Instrument, Start, "sax whistle recorder blockfl piccolo ocarina harmonica accordi accordeon akkordeon bagpipe"),
    (Instrument, Start, "shakuhachi erhu mandolin steel флейт кларнет скрипк труба"),
    (Instrument, Whole, "fl ob cl cor vln vl vn vla tpt tbn sx"),
    (Instrument, Within, "フルート バイオリン ヴァイオリン 笛 小提琴 바이올린 플루트 サックス"),
    (
        Accompaniment,
        Start,
        "piano klavier clavi fortep klaver zongora epiano rhodes organ orgel orgue orgao varhany urut",
    ),
    (Accompaniment, Start, "guitar gitar chitar violao kitara string streich corde cuerda archi jouset synth key harp"),
    (Accompaniment, Start, "arpa arpe harfe chord akkord acorde accomp acomp rhythm brass orchest ensemble bell glock"),
    (
        Accompaniment,
        Start,
        "campan cloche chime celest vibra marimba xylo fx effect sweep drone bordun continuo cembalo",
    ),
    (Accompaniment, Start, "clavec ukulele banjo lute laute sitar koto dulcimer reduction ostinato loop riff"),
    (Accompaniment, Start, "klavir pianin smyc strun stryger strak stryk yayli vonos bayan bajan"),
    (Accompaniment, Start, "фортеп пиан рояль орган гитар струн акком баян πιανο κιθαρ συνοδ"),
    (Accompaniment, Whole, "pf pno pft pad pads arp accords acc gt gtr git kbd kb org klav str syn hands"),
    (
        Accompaniment,
        Within,
        "begleitung ピアノ 伴奏 ギター ストリングス 弦 オルガン 钢琴 鋼琴 吉他 피아노 반주 기타 현악",
    ),
    (Accompaniment, Within, "פסנתר ליווי بيانو"),
    (Bass, Start, "bass baix bajo contrabas kontrabas tuba pedal басс контрабас μπασο"),
    (Bass, Whole, "bas bs cb db бас"),
    (Bass, Within, "ベース バス 贝斯 贝司 低音 베이스"),
    (Bass, Letter, "b"),
    // Miss Drummond has tunes of her own.
    (Percussion, Whole, "drum drums drumset drumsets drumkit drumkits drummer drumming"),
    (Percussion, Start, "perc perkus schlagz trommel slagw slagv tromme rummut bateri batter snare kick hihat"),
    (Percussion, Start, "cymbal becken conga bongo tambour timpani pauke davul clap shaker metronom click claves"),
    (Percussion, Start, "woodblock triangle bubny bubnj bebn utos ударн барабан κρουστ"),
    (Percussion, Whole, "bici tabla hh bd sd dr drs hat kit beat beats dob"),
    (Percussion, Within, "ドラム パーカッション 鼓 打楽器 打击乐 드럼 타악 תופים กลอง ड्रम तबला طبل درام"),
];

/// What a name that calls its line a tune against the tune says; a line without a name comes before it.
const COUNTER: f64 = -0.2;

/// What a name that calls its line drums says, or less.
pub(super) const DRUMS: f64 = -2.0;

/// What a name says for its line being the melody: 1 where it calls it so, below 0 where it calls it something else, [`DRUMS`]
/// for those; 0 where it says nothing.
pub(super) fn speaks_for_melody(name: &str) -> f64 {
    let called = called(name);
    let is = |what: Called| called.contains(&what);
    // A hand is called `main` in French.
    let leads = is(Lead) && !is(LeftHand) && !is(RightHand);
    let sings = is(Voice) || is(Soprano) || is(LowerVoice) || is(Choir);
    let plays_chords = is(Accompaniment) || is(Bass);
    let instrument = if leads { 0.5 } else { 0.2 };
    let is_beside = is(Backing) || is(Descant) && !is(Instrument);
    let value: f64 = match () {
        () if is(Patch) => 0.2,
        () if is(Counter) => {
            if is(Instrument) {
                0.0
            } else {
                COUNTER
            }
        }
        () if is(Percussion) && !is(Tune) && !sings && !is(Instrument) && !is(LowInstrument) => DRUMS,
        () if is_beside && is(Tune) => 0.6,
        () if is_beside && sings => -0.1,
        () if is_beside && !is(Bass) => -0.3,
        () if is(Tune) && is(Texture) && !is_joined(name) => -0.1,
        () if is(Tune) && plays_chords => 0.8,
        () if is(Tune) => 1.0,
        () if (is(Instrument) || is(LowInstrument)) && is(Bass) => -0.5,
        () if is(LowInstrument) && !is(Voice) => instrument - 0.1,
        () if is(Instrument) && !is(Voice) => instrument,
        // A synthesizer's voices are its choir.
        () if (is(Accompaniment) || is(Texture)) && (is(Voice) || leads) => 0.2,
        () if is(Accompaniment) && is(RightHand) => -0.1,
        () if is(Accompaniment) && is(LeftHand) => -0.6,
        () if is(Accompaniment) => -0.3,
        () if leads && (is(Voice) || is(Soprano)) => 1.0,
        () if is(Voice) || is(Soprano) => 0.9,
        () if leads && is(LowerVoice) => 0.85,
        () if is(LowerVoice) => 0.45,
        () if leads && is(Bass) => 0.2,
        () if is(Bass) => -0.8,
        () if leads => 0.7,
        () if is(Choir) => 0.4,
        () if is(RightHand) => 0.2,
        () if is(LeftHand) => -0.5,
        () => 0.0,
    };
    // Of several alike the first is meant.
    if number(name) > 1 { value - 0.1 } else { value }
}

/// Whether a name says nothing, or that its line plays drums.
pub(crate) fn may_be_drums(name: &str) -> bool {
    let said = speaks_for_melody(name);
    said == 0.0 || said <= DRUMS
}

/// Whether a name calls its line the tune itself, so that whoever else sings does not.
pub(super) fn is_the_tune(name: &str) -> bool {
    let called = called(name);
    called.contains(&Tune) && !called.contains(&Descant) && speaks_for_melody(name) >= 1.0
}

/// Whether a name that calls its line the tune calls it a lower voice too: where another is called the tune alone, it goes along.
pub(super) fn is_of_lower_voice(name: &str) -> bool {
    called(name).contains(&LowerVoice)
}

/// Whether a name says that its line sings or leads, as those of sounds also do, and not that it is the tune or the soprano.
pub(super) fn may_be_a_sound(name: &str) -> bool {
    let called = called(name);
    let sings = called.iter().any(|what| matches!(what, Voice | Choir | Lead));
    sings && (!called.contains(&Tune) || called.contains(&Voice)) && !called.contains(&Soprano)
}

/// Whether words under a line of this name may be printed once for a choir: between the staves, under the alto or above tenor and
/// bass. What a tenor alone has, he sings alone.
pub(super) fn may_lend_words(name: &str) -> bool {
    let called = called(name);
    called.contains(&LowerVoice)
        && (called.contains(&Bass) || !is_tenor(name))
        && !called.iter().any(|what| matches!(what, Tune | Voice | Soprano | Lead | Instrument))
}

pub(super) fn is_tenor(name: &str) -> bool {
    const ABROAD: [&str; 5] = ["тенор", "τενορ", "テノール", "男高音", "테너"];
    let folded = fold(name);
    let is_one = |word: &&str| *word == "t" || *word == "ten" || word.starts_with("tenor");
    words(&folded).iter().any(is_one) || ABROAD.into_iter().any(|tenor| folded.contains(tenor))
}

/// Whether the parts are those of books in shape notes: Treble, Counter, Tenor and Bass, or all but one of them. There the
/// tenor has the tune.
pub(super) fn are_of_shape_notes<'a>(names: impl Iterator<Item = &'a str>) -> bool {
    const PARTS: [&str; 4] = ["treble", "counter", "tenor", "bass"];
    let names: Vec<String> = names.map(fold).collect();
    let is_there = |part: &str| names.iter().any(|name| words(name).contains(&part));
    is_there("counter") && PARTS.into_iter().filter(|part| is_there(part)).count() >= 3
}

/// Whether a name calls its line the tune, a singer or the soprano.
pub(super) fn is_upper_voice(name: &str) -> bool {
    speaks_for_melody(name) >= 0.9
}

/// Whether a name puts two things together: `Melody + Chords`, `Melodie und Akkorde`.
fn is_joined(name: &str) -> bool {
    const AND: [&str; 12] = ["and", "und", "et", "y", "e", "och", "og", "en", "with", "mit", "avec", "con"];
    name.contains(['+', '&', '/']) || words(&fold(name)).iter().any(|word| AND.contains(word))
}

/// All that the words of a name call it.
fn called(name: &str) -> Vec<Called> {
    let folded = fold(name);
    let words: Vec<&str> = words(&folded);
    let letters = words.iter().all(|word| word.chars().count() == 1);
    let occurs = |word: &str, how: Match| match how {
        Whole => words.contains(&word),
        Start => words.iter().any(|other| other.starts_with(word)),
        Within => folded.contains(word),
        Joined => {
            let two = |two: &[&str]| two.concat().starts_with(word);
            words.iter().any(|other| other.starts_with(word)) || words.windows(2).any(two)
        }
        Letter => letters && words.contains(&word),
    };
    let found = WORDS.iter().filter(|(_, how, known)| known.split(' ').any(|word| occurs(word, *how)));
    found.map(|(called, ..)| *called).collect()
}

/// The words, without the numbers behind them.
fn words(folded: &str) -> Vec<&str> {
    let words = folded.split(|letter: char| !letter.is_alphanumeric());
    words
        .map(|word| word.trim_end_matches(|letter: char| letter.is_ascii_digit()))
        .filter(|word| !word.is_empty())
        .collect()
}

/// The name without its number and whatever stands between its words: what `Voice 1` and `Voice 2`, `Erste Stimme` and `Zweite
/// Stimme` have in common.
pub(super) fn without_number(name: &str) -> String {
    const FIRST: [&str; 9] = ["prim", "prem", "erst", "eerst", "forst", "first", "prvn", "pierwsz", "перв"];
    let folded = fold(name);
    let is_number = |word: &str| {
        of_ordinal(word).is_some()
            || FIRST.iter().any(|first| word.starts_with(first))
            || ["i", "ii", "iii", "iv"].contains(&word)
    };
    words(&folded).into_iter().filter(|word| !is_number(word)).collect::<Vec<_>>().join(" ")
}

/// The number of a name such as `Soprano 2`, `Flute II`, `2. Stimme` or `Segunda voz`; 1 where it has none.
pub(super) fn number(name: &str) -> u32 {
    let folded = fold(name);
    let words: Vec<&str> =
        folded.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let (Some(first), Some(last)) = (words.first(), words.last()) else { return 1 };
    // `2 Melody` is the second track of a list.
    let is_counted = !folded.trim_start().starts_with(&format!("{first} "));
    if let Some(number) =
        of_ordinal(first).filter(|_| is_counted || !first.ends_with(|last: char| last.is_ascii_digit()))
    {
        return number;
    }
    let digits = last.trim_start_matches(|letter: char| !letter.is_ascii_digit());
    match *last {
        "ii" => 2,
        "iii" => 3,
        "iv" => 4,
        _ => digits.parse().unwrap_or(1),
    }
}

/// Of a word in front of a name: `2`, `2nd`, `2a`, `2ª`, `2e`, or an ordinal of the second or third.
fn of_ordinal(word: &str) -> Option<u32> {
    const SECOND: &[&str] =
        &["segund", "second", "deuxiem", "zweit", "tweed", "andra", "anden", "druh", "drug", "втор"];
    const THIRD: &[&str] =
        &["tercer", "terceir", "terza", "terzo", "troisiem", "third", "dritt", "derde", "tredj", "trzec", "трет"];
    let begins = |words: &[&str]| words.iter().any(|known| word.starts_with(known));
    match word.as_bytes() {
        _ if begins(SECOND) => Some(2),
        _ if begins(THIRD) => Some(3),
        // More than a few are the numbers of tracks.
        [digit @ b'1'..=b'4', rest @ ..] if !rest.iter().any(u8::is_ascii_digit) => Some(u32::from(digit - b'0')),
        _ => None,
    }
}

/// In small letters without accents; a capital within a word begins another, as in `LeadVocal`.
fn fold(name: &str) -> String {
    let mut folded = String::new();
    let mut before_was_small = false;
    for letter in name.chars().take(LONGEST_NAME) {
        if letter.is_uppercase() && before_was_small {
            folded.push(' ');
        }
        before_was_small = letter.is_lowercase();
        for small in letter.to_lowercase() {
            match plain(small) {
                Some(plain) => folded.push_str(plain),
                None if ('\u{300}'..='\u{36f}').contains(&small) => {}
                None => folded.push(small),
            }
        }
    }
    folded
}

/// Nobody reads on.
const LONGEST_NAME: usize = 200;

/// A letter without its accent.
fn plain(letter: char) -> Option<&'static str> {
    const PLAIN: &[(&str, &str)] = &[
        ("a", "àáâãäåāăąǎảạấầẩẫậắằẳẵặ"),
        ("ae", "æ"),
        ("c", "çćĉċč"),
        ("d", "ďđð"),
        ("e", "èéêëēĕėęěẻẽẹếềệễể"),
        ("g", "ĝğġģ"),
        ("h", "ĥħ"),
        ("i", "ìíîïĩīĭįıỉị"),
        ("j", "ĵ"),
        ("k", "ķ"),
        ("l", "ĺļľŀł"),
        ("n", "ñńņňŉ"),
        ("o", "òóôõöøōŏőơỏọốồổỗộớờởỡợ"),
        ("oe", "œ"),
        ("r", "ŕŗř"),
        ("s", "śŝşšș"),
        ("ss", "ß"),
        ("t", "ţťŧț"),
        ("th", "þ"),
        ("u", "ùúûüũūŭůűųưủụứừửữự"),
        ("w", "ŵ"),
        ("y", "ýÿŷỳỵỷỹ"),
        ("z", "źżž"),
        ("α", "ά"),
        ("ε", "έ"),
        ("η", "ή"),
        ("ι", "ίϊΐ"),
        ("ο", "ό"),
        ("υ", "ύϋ"),
        ("ω", "ώ"),
        ("е", "ё"),
    ];
    if letter.is_ascii() {
        return None;
    }
    PLAIN.iter().find(|(_, accented)| accented.contains(letter)).map(|(plain, _)| *plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every name of the first speaks more for the melody than each of the second.
    fn check(better: &[&str], worse: &[&str]) {
        for better in better {
            for worse in worse {
                let [high, low] = [better, worse].map(|name| speaks_for_melody(name));
                assert!(high > low, "'{better}' ({high}) before '{worse}' ({low})");
            }
        }
    }

    #[test]
    fn who_sings_along_comes_behind_what_has_no_name_and_before_what_plays_chords() {
        check(&["Main", "Track 1", ""], &["Backing Vocals", "BGV", "Harmony Voice"]);
        check(&["Main", "Main droite"], &["Main gauche"]);
        check(&["Backing Vocals"], &["Piano", "Strings", "Bass", "Main Drums"]);
    }

    #[test]
    fn tunes_and_singers_are_known_in_many_languages() {
        let singers = [
            "Melody",
            "Lead Vocals",
            "LeadVocal",
            "VOX",
            "Voice 1",
            "voc.",
            "Tune",
            "Solo Voice",
            "Melodie",
            "Gesang",
            "Singstimme",
            "Stimme",
            "Ges\u{e4}nge",
            "Sopran",
            "Chant",
            "Voix",
            "M\u{e9}lodie",
            "Ligne m\u{e9}lodique",
            "Voz",
            "Melod\u{ed}a",
            "Canto",
            "Voce",
            "Melodia",
            "Cantante",
            "Zang",
            "S\u{e5}ng",
            "Sangstemme",
            "Melodistemme",
            "Laulu",
            "\u{c4}\u{e4}ni",
            "G\u{142}os",
            "\u{15a}piew",
            "Zp\u{11b}v",
            "Hlas",
            "\u{c9}nek",
            "Dallam",
            "Голос",
            "Вокал",
            "МЕЛОДИЯ",
            "Φωνή",
            "Μελωδία",
            "旋律",
            "歌",
            "メロディー",
            "ボーカル",
            "人声",
            "멜로디",
            "노래",
            "\u{15e}an",
            "Cantus",
            "Dessus",
            "S.",
            "S1",
            "Sopr. I",
            "Superius",
            "Me\u{301}lodie",
            "Cantus firmus",
            "1. Stimme",
            "מנגינה",
            "لحن",
            "Mel.",
            "Balss",
            "Giọng hát",
            "आवाज़",
            "குரல்",
            "آواز",
            "Ձայն",
            "ხმა",
            "Şarkı",
            "Səs",
            "Дауыс",
            "Vorsänger",
            "Запев",
            "Солистка",
            "うた",
            "女声",
            "가창",
            "Vok.",
            "Kantor",
            "Stemma 1",
            "Певец",
            "主音",
            "Kirchenlied",
            "Voci",
            "Tenor solo",
            "Choir Aahs (Melody)",
            "声部",
            "성악",
            "Dainininkas",
            "Refrain",
        ];
        let others = [
            "Piano",
            "Klavier",
            "Strings",
            "Streicher",
            "Guitare",
            "Begleitung",
            "Pad 2",
            "Synth Strings",
            "Bass",
            "Contrabasso",
            "Organ",
            "Orgel",
            "Chords",
            "Accordion",
            "Akkorde",
            "Arpeggio",
            "Harp",
            "Left hand",
            "Backing Vocals",
            "Harmony",
            "Glockenspiel",
            "Bells",
            "ピアノ",
            "伴奏",
            "钢琴",
            "Фортепиано",
            "Гитара",
            "Drums",
            "Lead Guitar",
            "Choir Aahs",
            "Alto",
            "Tenor",
            "Track 3",
            "",
            "Staff-1",
            "Klavír",
            "Баян",
            "Menuet",
            "Adagio",
            "Basic",
        ];
        check(&singers, &others);
    }

    #[test]
    fn instruments_that_carry_a_tune_come_between_singers_and_chords() {
        let melodic =
            ["Flute", "Fl\u{f6}te", "Violin I", "Oboe", "Alto Sax", "Tenor Horn", "Harmonica", "Clarinet in Bb"];
        check(&melodic, &["Piano", "Pad", "Bassoon", "Bass Guitar", "B", "Double Bass"]);
        check(&["Violin I", "1st Violin", "Flute", "Trumpet"], &["Viola", "Violoncello", "Bratsche", "Trombone"]);
        check(&["Soprano 1"], &["Soprano 2", "Alto", "T"]);
        check(&["1. Stimme", "1ª Voz", "Primera voz", "1re voix"], &["2. Stimme", "2ª Voz", "Segunda voz", "2e voix"]);
        check(&["C", "C1", "Triplum", "Tripl"], &["Ct", "T", "Tenor", "Motetus", "Contratenor", "Quinto"]);
        check(&["Piano RH", "Piano (right hand)", "Klavier rechts"], &["Piano LH", "Piano, main gauche"]);
        check(&["Soprano", "Voice"], &["Soprano Sax", "Descant", "Soprano descant"]);
    }

    #[test]
    fn drums_are_called_drums_and_what_sings_is_not() {
        for name in [
            "Drums",
            "Drum Kit",
            "Percussion",
            "Schlagzeug",
            "Bater\u{ed}a",
            "Ударные",
            "ドラム",
            "Hi-Hat",
            "Bass Drum",
            "Bicí",
            "กลอง",
            "तबला",
        ] {
            assert!(speaks_for_melody(name) <= DRUMS, "{name}");
        }
        for name in ["Steel Drums", "Voice", "Melody", "Bass", "Miss Drummond of Perth", ""] {
            assert!(speaks_for_melody(name) > DRUMS, "{name}");
        }
    }

    #[test]
    fn what_goes_against_the_tune_or_is_a_sound_comes_behind_what_has_the_tune() {
        let counter = [
            "Countermelody",
            "Counter-Melody",
            "Counter theme",
            "C.Melody",
            "Sub Melody",
            "Contramelod\u{ed}a",
            "Contre-chant",
            "Contrechant",
            "Controcanto",
            "Gegenmelodie",
            "Gegenstimme",
            "Motst\u{e4}mma",
            "Tegenstem",
            "Подголосок",
            "サブメロ",
            "オブリガート",
            "副旋律",
            "Obbligato",
        ];
        check(&["Melody", "Voice", "Flute", "", "Counter", "Countertenor", "Counter Tenor"], &counter);
        check(&counter, &["Piano", "Strings", "Bass", "Double Bass"]);
        let sounds =
            ["Melody Pad", "Melody Bells", "Melody chords", "Melodic Tom", "Melody fill", "Space Voice", "Air Choir"];
        let tunes =
            ["Melody", "Melody + Chords", "Strings (melody)", "Melody (Jingle Bells)", "Tenor Air", "Vocal Comp"];
        check(&tunes, &sounds);
        check(&["Melody", "Voice"], &["\u{dc}berstimme", "Melody (8va)", "Lead Vox Dbl", "Vocal Chop", "Vocal Stab"]);
    }

    #[test]
    fn the_first_and_the_second_of_a_kind_have_one_name_without_their_number() {
        for [first, second] in [
            ["Voix", "Voix 2"],
            ["Erste Stimme", "Zweite Stimme"],
            ["1\u{aa} voz", "2\u{aa} voz"],
            ["Первый голос", "Второй голос"],
            ["F\u{f6}rsta st\u{e4}mman", "Andra st\u{e4}mman"],
            ["Violin I", "Violin II"],
        ] {
            assert_eq!(without_number(first), without_number(second));
            assert!(number(first) < number(second), "{first}, {second}");
        }
        assert_ne!(without_number("Violin 1"), without_number("Viola 2"));
    }

    /// However long.
    #[test]
    fn any_name_is_read() {
        assert_eq!(speaks_for_melody(&"x\u{130}".repeat(100_000)), 0.0);
        assert_eq!(number("Flute II"), 2);
        assert_eq!(["1. Stimme", "1ª Voz", "Primera voz", "1re voix", "2 Melody", "05 Voice"].map(number), [1; 6]);
        assert_eq!(
            ["2. Stimme", "2ª Voz", "Segunda voz", "2e voix", "2nd Violin", "Zweite Stimme"].map(number),
            [2; 6]
        );
        assert_eq!(number("Voice 99999999999999"), 1);
    }
}
