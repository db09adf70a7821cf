"use strict";
// Every word that the page says, so that another language is another file.

const T = {
  skip: "Skip to the music",
  tabs: { label: "What to do", play: "Play", harmonize: "Harmonize" },
  parts: ["Soprano", "Alto", "Tenor", "Bass"],
  theme: { label: "Light or dark" },
  keys: { space: "Space", escape: "Esc" },
  sound: {
    volume: "Volume",
    latency: ms => `${Math.round(ms)} ms`,
    latencyHint: "From a key to the loudspeaker, as the browser tells it",
    off: "sound starts with your first key",
  },
  play: {
    lead: ["Play a melody, one note at a time. ", "Three more voices answer."],
    leadKeys: letters => `Use the keys ${letters} … of your computer, a MIDI keyboard, or the keys below.`,
    leadTouch: "Touch the keys below, or plug in a MIDI keyboard.",
    keyNow: "Key",
    place: "Bar",
    tempo: "Tempo",
    tempoGroup: "Tempo",
    stavesLabel: "What is played, as notes",
    rollLabel: "What is played, as a piano roll",
    controls: "How the choir sings",
    hold: "Hold",
    cadence: "Cadence",
    panic: "Silence",
    tap: "Tap",
    click: "Click",
    key: "Key",
    keyFound: "found by ear",
    density: "Inner motion",
    boldness: "Boldness",
    metre: "Metre",
    time: "Time",
    release: "Let go",
    stops: "Organ",
    densities: ["still", "on beats", "eighths", "sixteenths"],
    times: [
      ["internal", "my tempo"],
      ["follow", "follows me"],
    ],
    metres: [
      ["4/4", "4/4"],
      ["3/4", "3/4"],
      ["2/4", "2/4"],
      ["6/8", "6/8"],
      ["free", "free"],
    ],
    releases: [
      ["with-me", "with me"],
      ["beat", "a beat later"],
      ["hold", "at the next key"],
    ],
    stopsNames: ["soft", "warm", "bright", "full"],
    hints: {
      hold: "The lower parts stay on their notes under whatever you play",
      cadence: "The harmony comes to a close",
      panic: "Ends everything that sounds",
      density: "How much the lower parts move while you hold a note",
      temperature: "To the left the likeliest chords, to the right more surprising ones",
      time: "At a tempo of its own, or the beat is heard in what you play",
      release: "When the lower parts end after your key",
      tap: "Push on the beat, three times or more",
    },
    spoken: (chord, numeral, names) => `${chord}${numeral ? `, ${numeral}` : ""}. ${names}`,
  },
  mixer: {
    title: "Voices",
    label: "Voices",
    mute: "Mute",
    freeze: "Freeze",
    loudness: "Loudness",
    muteOf: part => `Mute ${part}`,
    freezeOf: part => `Freeze ${part}: it stays on its note`,
    loudnessOf: part => `Loudness of ${part}`,
  },
  keyboard: {
    label: "Keyboard: arrows choose a key, Space plays it",
    key: "computer key",
    answer: "answer",
    lower: "Keys an octave lower",
    higher: "Keys an octave higher",
    answers: "Show the answers waiting under the keys",
    computer: "Computer keys play",
    range: (low, high) => `${low} – ${high}`,
  },
  midi: {
    title: "MIDI",
    open: "Connect MIDI",
    input: "From",
    output: "To",
    all: "all keyboards",
    none: "no port, sound only",
    listening: names =>
      names.length ? `Listening to ${names.join(", ")}.` : "No keyboard is there yet: plug one in and it is heard.",
    outHint: "Soprano, alto, tenor and bass go out on channels 1 to 4.",
    insecure:
      "A page that comes over plain http may not use MIDI. Open it by https, from localhost or from disk. The keys on the screen and your computer's keys play all the same.",
    fromDisk:
      "From disk this page has no Web MIDI in this browser (Firefox has it for pages that come by https, Chrome and Edge always, Safari and iOS never). The keys on the screen and your computer's keys play all the same.",
    missing:
      "This browser has no Web MIDI (Safari and iOS have none; Chrome, Edge and Firefox do). The keys on the screen and your computer's keys play all the same.",
    denied:
      "MIDI was not allowed. Allow it in the site settings (the icon left of the address; Firefox asks to add a permission) and press Connect MIDI again, or play by the keys below.",
    broken:
      "The browser finds no MIDI on this computer. Check that its MIDI service runs and press Connect MIDI again, or play by the keys below.",
    lost: name => `${name} is gone; its keys are let go. Plug it in again and it is heard.`,
    lostOutput:
      "The MIDI port that was played to is gone. Plug it in again or choose another; the page's own sound goes on.",
  },
  open: {
    title: "Open a file",
    text: "Drop a MIDI, MusicXML or ABC file here. Its melody gets alto, tenor and bass.",
    choose: "Choose a file",
    line: "Melody",
    tooLarge: name => `${name} is larger than 20 MB. That is no melody; choose a MIDI, MusicXML or ABC file.`,
    one: (name, count) => `One file at a time: ${name} was opened, the other ${count} were not.`,
    unreadable: "the browser could not read it, as if it were a folder or gone",
    failed: (name, why) => `${name} could not be read: ${why}. Choose another file, or one of the tunes.`,
    told: count => (count === 1 ? "One thing was interpreted" : `${count} things were interpreted`),
    lineOf: (name, track, notes, low, high) => `${name || `Track ${track}`}: ${notes} notes, ${low} to ${high}`,
  },
  tunes: { title: "Try a tune" },
  make: {
    title: "Make one",
    text: "Write a melody yourself, or let a chorale be composed.",
    write: "Write a tune",
    chorale: "New chorale",
  },
  writer: {
    title: "Your tune",
    key: "Key",
    value: "Note length",
    grid: "Tune: click to put a note. Arrows move the cursor, Enter puts a note, Backspace takes the last one away",
    notes: "As text (ABC)",
    help: "Click in the grid, or type: C D E F G A B, c an octave higher, ^F sharp, _B flat, C2 twice as long, C/ half, z a rest, | a bar line.",
    go: "Harmonize",
    undo: "Undo",
    clear: "Clear",
    empty: "The tune has no notes yet: click in the grid, or type some.",
    values: [
      ["0.5", "eighth"],
      ["1", "quarter"],
      ["1.5", "dotted quarter"],
      ["2", "half"],
      ["3", "dotted half"],
      ["4", "whole"],
    ],
    untitled: "My tune",
  },
  piece: {
    untitled: "Chorale",
    more: "Other harmonizations",
    upbeat: "upbeat",
    alternatives: "Alternatives",
    before: "Alternative before",
    after: "Next alternative",
    of: (one, all) => `${one} of ${all}`,
    play: "Play",
    stop: "Stop",
    speed: "Speed",
    marks: "Broken rules",
    noMarks: "No rule of part-writing is broken.",
    stavesLabel: "Score: arrows choose bars, with Shift more of them; Enter plays from there",
    rollLabel: "Piano roll: click to play from there",
    described: (title, key, bars) => `${title}, ${key}, ${bars} bars in four parts`,
  },
  again: {
    title: "Redo",
    label: "Harmonize a selection again",
    from: "bars",
    to: "to",
    go: "Harmonize again",
    all: "Select all",
    undo: "Take back",
    selected: (from, to, parts) =>
      `${from !== to ? `Bars ${from} to ${to}` : Number(from) ? `Bar ${from}` : `The ${from}`}, ${parts}. The rest stays as it is.`,
    noPart: "Choose at least one part that may change.",
    wholly: "Everything may change.",
  },
  fix: {
    label: "One note",
    chosen: (part, name, bar) => `${part}, ${name}, ${Number(bar) ? `bar ${bar}` : bar}`,
    pitch: "becomes",
    go: "Fix it, others follow",
    close: "Leave it",
  },
  save: {
    title: "Save",
    names: { musicxml: "MusicXML", mid: "MIDI", wav: "Sound (WAV)", svg: "Picture (SVG)", html: "Page (HTML)" },
    done: name => `${name} was saved.`,
  },
  busy: {
    open: "Reading …",
    harmonize: "Looking ahead and harmonizing …",
    alternatives: "Finding others …",
    again: "Harmonizing the selection …",
    fix: "The others follow …",
    generate: "Composing …",
    save: "Writing the file …",
    cancel: "Cancel",
  },
  failed: {
    fetch: "A part of this page did not load. Check the connection and load the page again",
    wasm: "This browser has no WebAssembly, in which the choir is written. Open the page in a current Firefox, Chrome, Edge or Safari.",
    simd: "This browser's WebAssembly has no SIMD, without which the answers would come too late. Open the page in a current Firefox, Chrome, Edge or Safari (16.4 or newer).",
    old: "This browser is too old for the page. Open it in a current Firefox, Chrome, Edge or Safari.",
    insecure:
      "A page that comes over plain http gets no sound from the browser. Open it by https, from localhost or from disk; notes are shown all the same.",
    sound:
      "The browser gives no sound. Check that a loudspeaker is connected and press a key; MIDI ports and notes work without it.",
    organ: "The organ stopped. Press a key and it starts again.",
    suspended: "The sound is paused: the browser wants a click first.",
    wake: "Turn the sound on",
    live: message => `The choir stumbled and starts anew (${message}).`,
    liveOver: "The choir has stumbled again and again. Load the page anew.",
    studio: message => `Something went wrong (${message}). Open the tune again.`,
    load: message =>
      `The page could not start: ${message.replace(/\.$/, "")}. Load it again; if that does not help, its file is damaged: get it anew.`,
  },
  notice: { close: "Close this message" },
  help: {
    open: "Help",
    title: "How it works",
    close: "Let me play",
    paragraphs: [
      "You sing the melody; a network trained on Bach's 382 chorales has the other three notes ready before your key goes down.",
      "Computer keys: A to ' are white keys, the row above has the black ones; Z and X go an octave down and up. Space holds the harmony, C brings a cadence, Esc silences all.",
      "For a DAW: connect MIDI and choose a port; soprano, alto, tenor and bass go out on channels 1 to 4.",
      "Everything runs on your computer. Nothing is sent anywhere, nothing is stored, no cookies.",
    ],
    licence: "Music symbols: Bravura © Steinberg, SIL Open Font License 1.1.",
  },
};

/** Puts the words where the page names them: data-t for text, data-t-label for names, data-t-title for hints. */
function fillTexts() {
  const text = path => path.split(".").reduce((place, name) => place[name], T);
  for (const one of document.querySelectorAll("[data-t]")) one.textContent = text(one.dataset.t);
  for (const one of document.querySelectorAll("[data-t-label]"))
    one.setAttribute("aria-label", text(one.dataset.tLabel));
  for (const one of document.querySelectorAll("[data-t-title]")) one.title = text(one.dataset.tTitle);
}

const byId = id => document.getElementById(id);

/** @param {[string, string][]} choices values and what they are called */
function fillSelect(select, choices, chosen) {
  select.replaceChildren(...choices.map(([value, name]) => new Option(name, value, false, value === chosen)));
}

const KEYS_TO_CHOOSE = [
  ...["C", "G", "D", "A", "E", "B", "F", "Bb", "Eb", "Ab", "Db", "Gb"].map(key => [key, `${readableKey(key)} major`]),
  ...["a", "e", "b", "f#", "c#", "g#", "d", "g", "c", "f", "bb", "eb"].map(key => [key, `${readableKey(key)} minor`]),
];

function readableKey(key) {
  return key[0] + key.slice(1).replace("b", "♭").replace("#", "♯");
}
