// From MuseScore's score to the program `performer` and back. It knows MuseScore's objects and no window; chorale.qml is the
// window, and tests/fixtures/musescore calls these functions without one. ES5, as MuseScore 3 has no later JavaScript; one
// file, since scripts that QML imports see no names of each other.

var QUARTER = 480; // MuseScore's ticks of a quarter
var WRITTEN_QUARTER = 24; // and the program's in MusicXML
var STEPS = "FCGDAEB";
var NAMES = ["Soprano", "Alto", "Tenor", "Bass"];

/** What the user reads where something is wrong. */
function Trouble(message) {
  this.message = message;
}

/**
 * The choir's parts, from the top: four staves, three (without a tenor), two with two voices each, or a melody alone.
 * @returns {{tracks: number[], names: string[], ranges: string}}
 */
function choirOf(score) {
  if (score.nstaves >= 4) return { tracks: [0, 4, 8, 12], names: NAMES, ranges: "SATB" };
  if (score.nstaves === 3) return { tracks: [0, 4, 8], names: [NAMES[0], NAMES[1], NAMES[3]], ranges: "SAB" };
  if (score.nstaves === 2) return { tracks: [0, 1, 4, 5], names: NAMES, ranges: "SATB" };
  return { tracks: [0], names: ["Melody"], ranges: "SATB" };
}

var ONE_STAFF =
  "The score has one staff: there is no place for alto, tenor and bass.\n" +
  "Add three staves below it (Edit, Instruments), or one for two voices a staff, or press As a new score.";

/**
 * The bars and staves that are selected.
 * @returns {{first: number, last: number, staves: number[]}} bars by their index; the last one is selected too
 */
function selectionOf(score, bars) {
  var cursor = score.newCursor();
  cursor.rewind(1);
  if (!cursor.segment) {
    throw new Trouble("No bars are selected.\nClick the first bar, hold Shift and click the last one, then press again.");
  }
  var begin = cursor.segment.tick;
  var top = cursor.staffIdx;
  cursor.rewind(2);
  // A selection up to the end of the score ends nowhere.
  var end = cursor.segment && cursor.segment.tick > begin ? cursor.segment.tick : Infinity;
  return { first: indexAt(bars, begin), last: indexAt(bars, end - 1), staves: [top, cursor.staffIdx] };
}

function indexAt(bars, tick) {
  var index = 0;
  while (index + 1 < bars.length && bars[index + 1].start <= tick) index += 1;
  return index;
}

/** All bars: their ticks, metre and sharps. */
function barsOf(score) {
  var bars = [];
  var cursor = score.newCursor();
  cursor.staffIdx = 0;
  cursor.voice = 0;
  cursor.rewind(0);
  while (cursor.segment) {
    bars.push({ start: cursor.segment.tick, fifths: cursor.keySignature, metre: metreOf(cursor.measure) });
    if (!cursor.nextMeasure()) break;
  }
  for (var index = 0; index < bars.length; index += 1) {
    var next = index + 1 < bars.length ? bars[index + 1].start : score.lastSegment.tick;
    bars[index].length = next - bars[index].start;
    var metre = bars[index].metre || (index && bars[index - 1].metre);
    bars[index].metre = metre || { beats: Math.round(bars[index].length / QUARTER), beatType: 4 };
  }
  return bars;
}

/** The time signature that stands at the beginning of a measure, if any. */
function metreOf(measure) {
  for (var segment = measure.firstSegment; segment; segment = segment.nextInMeasure) {
    var element = segment.elementAt(0);
    if (element && element.type === Element.TIMESIG) {
      return { beats: element.timesig.numerator, beatType: element.timesig.denominator };
    }
  }
  return null;
}

/** Whether the first bar is shorter than its metre. */
function hasPickup(bars) {
  return bars[0].length * bars[0].metre.beatType < bars[0].metre.beats * 4 * QUARTER;
}

/** What the choir's voices have, each as `voiceOf` gives it, with the ties. */
function voicesOf(score, choir, file) {
  var end = score.lastSegment.tick;
  var voices = choir.tracks.map(function (track) {
    return voiceOf(score, track, end);
  });
  var isUntold = voices.some(function (voice) {
    return voice.some(function (sign) {
      return sign.tied === undefined;
    });
  });
  if (!isUntold) return voices;
  // Before MuseScore 3.3 plugins know no ties, but its files do.
  var path = file.tempPath() + "/chorale-" + Date.now() + ".mscx";
  var text = writeScore(score, path, "mscx") ? readIfThere(file, path) : "";
  file.remove();
  voices.forEach(function (voice, index) {
    var ties = tiesOf(text, choir.tracks[index]);
    voice.forEach(function (sign, place) {
      sign.tied = !!ties[place];
    });
  });
  return voices;
}

/** Whether each chord of a track is tied to the one before, by the text of MuseScore's file. */
function tiesOf(text, track) {
  var staves = text.split('<Staff id="').filter(function (staff) {
    return staff.indexOf("<Measure") >= 0;
  });
  var ties = [];
  var measures = (staves[Math.floor(track / 4)] || "").split("<Measure").slice(1);
  measures.forEach(function (measure) {
    var voice = measure.split("<voice>")[1 + (track % 4)] || "";
    voice.split("<Chord>").forEach(function (chord, index) {
      if (index && !/<(acciaccatura|appoggiatura|grace)/.test(chord)) {
        ties.push(/<Spanner type="Tie">\s*<prev>/.test(chord));
      }
    });
  });
  return ties;
}

/** What a voice has: `{tick, length, note, tied, fermata, syllables}` for each chord, whose highest note counts. */
function voiceOf(score, track, end) {
  var cursor = score.newCursor();
  var found = [];
  cursor.staffIdx = Math.floor(track / 4);
  cursor.voice = track % 4;
  cursor.rewind(0);
  while (cursor.segment) {
    var element = cursor.element;
    if (found.length) {
      var before = found[found.length - 1];
      before.length = Math.min(before.length, cursor.segment.tick - before.tick);
    }
    if (element) found.push(signOf(element, cursor.segment, end));
    if (!cursor.next()) break;
  }
  return found.filter(function (sign) {
    return sign.note;
  });
}

function signOf(element, segment, end) {
  var sign = { tick: segment.tick, length: end - segment.tick, note: null, tied: false, fermata: false, syllables: [] };
  if (element.type !== Element.CHORD) return sign;
  var notes = element.notes;
  for (var index = 0; index < notes.length; index += 1) {
    var note = notes[index];
    if (!sign.note || note.pitch > sign.note.pitch) {
      sign.note = { pitch: note.pitch, tpc: note.tpc };
      sign.tied = note.tieBack === undefined ? undefined : !!note.tieBack;
    }
  }
  for (var mark = 0; mark < segment.annotations.length; mark += 1) {
    sign.fermata = sign.fermata || segment.annotations[mark].type === Element.FERMATA;
  }
  for (var verse = 0; element.lyrics && verse < element.lyrics.length; verse += 1) {
    sign.syllables.push(element.lyrics[verse]);
  }
  return sign;
}

/** Letter, alteration and octave of a note, by MuseScore's number of it on the line of fifths. */
function spelled(note) {
  var alter = Math.floor((note.tpc + 1) / 7) - 2;
  return { step: STEPS.charAt((note.tpc + 1) % 7), alter: alter, octave: Math.floor((note.pitch - alter) / 12) - 1 };
}

function escaped(text) {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
}

/** A score of these parts in MusicXML, as the program reads it; repeats are left out, so that bars stay what they are. */
function musicXml(bars, names, voices) {
  var heads = names.map(function (name, index) {
    return '<score-part id="P' + (index + 1) + '"><part-name>' + name + "</part-name></score-part>";
  });
  var parts = voices.map(function (voice, index) {
    var measures = bars.map(function (bar, place) {
      return measureXml(bars, place, voice);
    });
    return '<part id="P' + (index + 1) + '">' + measures.join("") + "</part>";
  });
  return (
    '<?xml version="1.0" encoding="UTF-8"?><score-partwise version="3.1"><part-list>' +
    heads.join("") +
    "</part-list>" +
    parts.join("") +
    "</score-partwise>\n"
  );
}

function measureXml(bars, place, voice) {
  var bar = bars[place];
  var before = bars[place - 1];
  var number = hasPickup(bars) ? place : place + 1;
  var text = '<measure number="' + number + '"' + (number === 0 ? ' implicit="yes"' : "") + ">";
  if (!before || before.fifths !== bar.fifths || before.metre !== bar.metre) {
    text += "<attributes><divisions>" + QUARTER + "</divisions><key><fifths>" + bar.fifths + "</fifths></key>";
    text += "<time><beats>" + bar.metre.beats + "</beats><beat-type>" + bar.metre.beatType;
    text += "</beat-type></time></attributes>";
  }
  var now = bar.start;
  var end = bar.start + bar.length;
  var signs = voice.filter(function (sign) {
    return sign.tick >= bar.start && sign.tick < end;
  });
  signs.forEach(function (sign, index) {
    if (sign.tick > now) text += restXml(sign.tick - now);
    text += noteXml(sign, voice[voice.indexOf(sign) + 1]);
    now = sign.tick + sign.length;
  });
  if (now < end) text += restXml(end - now);
  return text + "</measure>";
}

function restXml(length) {
  return "<note><rest/><duration>" + length + "</duration></note>";
}

function noteXml(sign, next) {
  var name = spelled(sign.note);
  var text = "<note><pitch><step>" + name.step + "</step>";
  if (name.alter) text += "<alter>" + name.alter + "</alter>";
  text += "<octave>" + name.octave + "</octave></pitch><duration>" + sign.length + "</duration>";
  if (sign.tied) text += '<tie type="stop"/>';
  if (next && next.tied) text += '<tie type="start"/>';
  if (sign.fermata) text += "<notations><fermata/></notations>";
  sign.syllables.forEach(function (lyric) {
    // MuseScore counts verses from 0, and kinds of syllables: alone, first, last, between.
    var kind = ["single", "begin", "end", "middle"][lyric.syllabic] || "single";
    text += '<lyric number="' + (lyric.verse + 1) + '"><syllabic>' + kind + "</syllabic>";
    text += "<text>" + escaped(lyric.text) + "</text></lyric>";
  });
  return text + "</note>";
}

/**
 * The parts of a score that the program wrote, from the top.
 * @returns {{start: number, length: number, note: ?{pitch: number, tpc: number}, tiedOn: boolean, triplet: boolean}[][][]} by
 *   part and bar, in MuseScore's ticks from the bar line; a rest has no note
 */
function partsOf(text) {
  return text
    .split("<part id=")
    .slice(1)
    .map(function (part) {
      return part.split("<measure ").slice(1).map(notesOf);
    });
}

function notesOf(measure) {
  var now = 0;
  return measure
    .split("<note>")
    .slice(1)
    .map(function (text) {
      text = text.split("</note>")[0];
      var value = function (name) {
        var found = new RegExp("<" + name + ">([^<]*)<").exec(text);
        return found ? found[1] : "";
      };
      var length = (Number(value("duration")) * QUARTER) / WRITTEN_QUARTER;
      var sign = { start: now, length: length, note: null, tiedOn: false, triplet: text.indexOf("<time-mod") >= 0 };
      if (text.indexOf("<rest") < 0) {
        var alter = Number(value("alter"));
        var place = STEPS.indexOf(value("step"));
        var semitones = [5, 0, 7, 2, 9, 4, 11][place] + alter + 12 * (Number(value("octave")) + 1);
        sign.note = { pitch: semitones, tpc: place - 1 + 7 * (alter + 2) };
        sign.tiedOn = text.indexOf('<tie type="start"') >= 0;
      }
      now += length;
      return sign;
    });
}

/**
 * What the program is to do: it harmonizes the top part where the others are empty, else finds what is selected anew.
 * @returns {{parts: number[], options: string[], redone: number[]}} which parts the program is given, and which it finds
 */
function taskOf(choir, voices, bars, selection) {
  var number = hasPickup(bars) ? 0 : 1;
  var range = selection.first + number + "-" + (selection.last + number);
  if (!voices[0].length) throw new Trouble("The top staff has no notes: there is no melody to harmonize.");
  var isEmpty = voices.slice(1).every(function (voice) {
    return !voice.length;
  });
  if (isEmpty) return { parts: [0], options: ["--ranges", choir.ranges, "--words", "melody"], redone: lowerOf(choir) };
  if (choir.ranges !== "SATB") {
    throw new Trouble("Of three parts the lower ones can't be found anew: clear them first, and all are found.");
  }
  var redone = lowerOf(choir).filter(function (part) {
    var staff = Math.floor(choir.tracks[part] / 4);
    return staff >= selection.staves[0] && staff <= selection.staves[1];
  });
  if (!redone.length || selection.staves[0] === 0) redone = lowerOf(choir);
  var names = redone.map(function (part) {
    return choir.names[part].toLowerCase();
  });
  return { parts: [0, 1, 2, 3], options: ["--bars", range, "--redo", names.join(",")], redone: redone };
}

function lowerOf(choir) {
  return choir.tracks.slice(1).map(function (track, index) {
    return index + 1;
  });
}

/** The bars of two scores are the same ones. */
function checkBars(bars, part) {
  var lengths = part.map(function (signs) {
    return signs.reduce(function (sum, sign) {
      return sum + sign.length;
    }, 0);
  });
  var isSame = bars.every(function (bar, index) {
    // Behind the last note nothing is written.
    return index >= lengths.length || Math.abs(lengths[index] - bar.length) < 2;
  });
  if (!isSame) throw new Trouble("The bars that came back are not those of the score. Is a bar longer than its metre?");
}

/** Where the program is likely to be: a program with a window often has no search path. */
function place(file) {
  var home = file.homePath();
  var places = [
    home + "/.cargo/bin/performer",
    home + "/.local/bin/performer",
    "/usr/local/bin/performer",
    "/usr/bin/performer",
    home + "/.cargo/bin/performer.exe",
  ];
  for (var index = 0; index < places.length; index += 1) {
    file.source = places[index];
    if (file.exists()) return places[index];
  }
  return "performer";
}

var VERSIONS = 4;

/**
 * Has the program find versions of what is selected.
 * @param {{program: QProcess, file: FileIO, path: string, seed: number, selection: ?object}} with `selection` in place of the
 *   score's own
 * @returns {{texts: string[], versions: object[], redone: number[], areas: number[][], tracks: number[], bars: object[], words: string}} for `put`
 */
function find(score, using) {
  var choir = choirOf(score);
  var bars = barsOf(score);
  var selection = using.selection || selectionOf(score, bars);
  var voices = voicesOf(score, choir, using.file);
  var task = taskOf(choir, voices, bars, selection);
  var names = task.parts.map(function (part) {
    return choir.names[part];
  });
  var given = task.parts.map(function (part) {
    return voices[part];
  });
  var texts = called(using, musicXml(bars, names, given), task.options);
  var versions = texts.map(function (text) {
    var parts = partsOf(text);
    checkBars(bars, parts[0]);
    return parts;
  });
  var number = hasPickup(bars) ? 0 : 1;
  var range = selection.first + number + (selection.last > selection.first ? "–" + (selection.last + number) : "");
  var words = (selection.last > selection.first ? "Bars " : "Bar ") + range;
  var last = bars[selection.last];
  var areas = task.redone.map(function (part) {
    return areaOf(soundingOf(voices[part]), bars[selection.first].start, last.start + last.length);
  });
  return {
    texts: texts,
    versions: versions,
    redone: task.redone,
    areas: areas,
    tracks: choir.tracks,
    bars: bars,
    words: words,
  };
}

/** What the program makes of a score: the text of each version. */
function called(using, text, options) {
  var file = using.file;
  var base = file.tempPath() + "/chorale-" + Date.now();
  var names = { from: base + ".musicxml", to: base + "-new.musicxml", report: base + ".jsonl" };
  var outputs = [];
  for (var version = 1; version <= VERSIONS; version += 1) outputs.push(base + "-new_" + version + ".musicxml");
  try {
    file.source = names.from;
    if (!file.write(text)) throw new Trouble("Nothing can be written into " + file.tempPath() + ".");
    var words = ["render", names.from, "-o", names.to, "--quiet", "--seed", String(using.seed)];
    words = words.concat(["--alternatives", String(VERSIONS), "--report", names.report], options);
    run(using.program, using.path, words);
    var texts = outputs.map(function (output) {
      return readIfThere(file, output);
    });
    texts = texts.filter(function (text) {
      return text.indexOf("</score-partwise>") >= 0;
    });
    if (!texts.length) throw new Trouble(reasonOf(readIfThere(file, names.report), using.path));
    return texts;
  } finally {
    outputs.concat([names.from, names.report]).forEach(function (path) {
      file.source = path;
      if (file.exists()) file.remove();
    });
  }
}

/** Opens a version that `find` gave, the whole of it, as a score of its own. */
function open(found, version, file) {
  file.source = file.tempPath() + "/chorale-" + Date.now() + ".musicxml";
  if (!file.write(found.texts[version])) throw new Trouble("Nothing can be written into " + file.tempPath() + ".");
  if (!readScore(file.source)) throw new Trouble("This MuseScore opens no scores for plugins: open " + file.source);
}

/** What is to be told of notes that could not be tied, if any. */
function untiedWords(found, ticks) {
  if (!ticks.length) return "";
  var number = hasPickup(found.bars) ? 0 : 1;
  var bars = ticks.map(function (tick) {
    return indexAt(found.bars, tick) + number;
  });
  bars = bars.filter(function (bar, index) {
    return bars.indexOf(bar) === index;
  });
  bars.sort(function (a, b) {
    return a - b;
  });
  return "\nThis MuseScore lets plugins make no ties within a bar: select what is struck twice in bar " + bars.join(", ") + " and press T.";
}

/** As long as a long piece may take, in milliseconds. */
var PATIENCE = 300000;

function run(program, path, words) {
  if (program.startWithArgs) {
    program.startWithArgs(path, words);
  } else {
    var line = [path].concat(words).map(function (word) {
      return '"' + word + '"';
    });
    program.start(line.join(" "));
  }
  program.waitForFinished(PATIENCE);
}

function readIfThere(file, path) {
  file.source = path;
  return file.exists() ? file.read() : "";
}

/** Why there is no result, by the program's report. */
function reasonOf(report, path) {
  if (!report) {
    return (
      "The program '" + path + "' isn't there, or doesn't run.\nInstall performer, and say below where it is; " +
      "`performer --version` in a terminal tells whether it runs."
    );
  }
  var lines = report.trim().split("\n");
  return JSON.parse(lines[lines.length - 1]).error || "performer has found nothing";
}

/**
 * Puts a version that `find` gave into the score. To be called within startCmd and endCmd.
 * @returns {number[]} the ticks of notes that should be tied to the one before, and could not be
 */
function put(score, found, version) {
  var parts = found.versions[version];
  if (!found.redone.length) throw new Trouble(ONE_STAFF);
  var lines = found.redone.map(function (part) {
    return lineOf(parts[part], found.bars);
  });
  lines.forEach(function (line, index) {
    var area = found.areas[index];
    line.forEach(function (note) {
      if (note.triplet && note.tick >= area[0] && note.tick < area[1]) throw new Trouble(TRIPLETS);
    });
  });
  return found.redone.reduce(function (untied, part, index) {
    return untied.concat(putLine(score, found.tracks[part], lines[index], found.areas[index]));
  }, []);
}

var TRIPLETS =
  "In these bars the lower parts sing triplets, which a plugin can't put into every MuseScore.\n" +
  "Save the score as MusicXML, harmonize it by `performer render`, and open what comes of it.";

/** The notes of a part, tied ones as one, from the beginning of the score. */
function lineOf(measures, bars) {
  var line = [];
  var isTied = false;
  measures.forEach(function (signs, bar) {
    signs.forEach(function (sign) {
      var tick = bars[bar].start + sign.start;
      if (sign.note && isTied) line[line.length - 1].length += sign.length;
      else if (sign.note) line.push({ tick: tick, length: sign.length, note: sign.note, triplet: sign.triplet });
      if (sign.note) isTied = sign.tiedOn;
    });
  });
  return line;
}

/** The same of what stands in the score. */
function soundingOf(voice) {
  var line = [];
  voice.forEach(function (sign) {
    if (sign.tied && line.length) line[line.length - 1].length = sign.tick + sign.length - line[line.length - 1].tick;
    else line.push({ tick: sign.tick, length: sign.length, note: sign.note });
  });
  return line;
}

/** The ticks that are written anew: a note belongs to the bar in which it begins, and is changed as a whole. */
function areaOf(there, from, until) {
  var area = [from, until];
  there.forEach(function (note) {
    var end = note.tick + note.length;
    if (note.tick < from && end > from) area[0] = Math.max(area[0], end);
    if (note.tick >= from && note.tick < until) area[1] = Math.max(area[1], end);
  });
  return area;
}

/** Writes a part's notes in an area; gives the ticks at which a tie could not be made. */
function putLine(score, track, line, area) {
  var now = area[0];
  var untied = [];
  line.forEach(function (note) {
    var tick = Math.max(note.tick, area[0]);
    var end = Math.min(note.tick + note.length, area[1]);
    if (tick >= area[1] || end <= area[0]) return;
    if (tick > now) putRest(score, track, now, tick);
    untied = untied.concat(putNote(score, track, tick, end - tick, note.note));
    now = end;
  });
  if (now < area[1] && chordsIn(score, track, now, area[1]).length) putRest(score, track, now, area[1]);
  return untied;
}

/** The longest length that one note value has, with up to two dots, and is not longer than `room`. */
function valueWithin(room) {
  for (var value = 4 * QUARTER; value >= 30; value /= 2) {
    for (var dots = 7; dots >= 4; dots -= dots === 7 ? 1 : 2) {
      // 7/4, 6/4 and 4/4 of it: two dots, one, none.
      if ((value * dots) / 4 <= room) return (value * dots) / 4;
    }
  }
  return room;
}

function putNote(score, track, tick, length, note) {
  var untied = [];
  for (var done = 0; done < length; ) {
    var value = valueWithin(length - done);
    var cursor = cursorAt(score, track, tick + done);
    // Where it crosses a bar line MuseScore cuts and ties it.
    cursor.setDuration(value, 4 * QUARTER);
    cursor.addNote(note.pitch);
    spell(score, track, tick + done, value, note.tpc);
    if (done > 0 && !tieTo(score, track, tick + done)) untied.push(tick + done);
    done += value;
  }
  return untied;
}

/** MuseScore spells by the key; the program knows the chord. */
function spell(score, track, tick, length, tpc) {
  var cursor = cursorAt(score, track, tick);
  while (cursor.segment && cursor.segment.tick < tick + length) {
    if (cursor.element && cursor.element.type === Element.CHORD) {
      var note = cursor.element.notes[0];
      if (note.tpc !== tpc) {
        note.tpc1 = tpc;
        note.tpc2 = tpc;
      }
    }
    if (!cursor.next()) break;
  }
}

/** Ties the note before a tick to the one at it. */
function tieTo(score, track, tick) {
  var cursor = cursorAt(score, track, 0);
  var before = null;
  while (cursor.segment && cursor.segment.tick < tick) {
    if (cursor.element && cursor.element.type === Element.CHORD) before = cursor.element.notes[0];
    if (!cursor.next()) break;
  }
  if (before && score.selection && score.selection.select) {
    score.selection.select(before);
    cmd("tie");
  }
  return !!(before && before.tieForward);
}

/** Where nothing can begin at `until`, as in the middle of a longer rest, notes are put and taken away, which leave rests. */
function putRest(score, track, from, until) {
  if (!chordsIn(score, track, from, until).length && begins(score, track, until)) return;
  for (var now = from; now < until; ) {
    var value = valueWithin(until - now);
    var cursor = cursorAt(score, track, now);
    cursor.setDuration(value, 4 * QUARTER);
    cursor.addNote(60);
    now += value;
  }
  chordsIn(score, track, from, until).forEach(function (chord) {
    removeElement(chord);
  });
}

function chordsIn(score, track, from, until) {
  var chords = [];
  var cursor = cursorAt(score, track, from);
  while (cursor.segment && cursor.segment.tick < until) {
    if (cursor.element && cursor.element.type === Element.CHORD) chords.push(cursor.element);
    if (!cursor.next()) break;
  }
  return chords;
}

/** Whether a note or rest of the track begins at a tick. */
function begins(score, track, tick) {
  var cursor = cursorAt(score, track, tick);
  return !!(cursor.segment && cursor.segment.tick === tick && cursor.element);
}

/** A cursor on a track at a tick, also where the track has nothing there and the staff's first voice has. */
function cursorAt(score, track, tick) {
  var cursor = score.newCursor();
  var voices = track % 4 ? [track % 4, 0] : [0];
  for (var index = 0; index < voices.length; index += 1) {
    cursor.staffIdx = Math.floor(track / 4);
    cursor.voice = voices[index];
    cursor.rewind(0);
    while (cursor.segment && cursor.segment.tick < tick && cursor.next());
    if (cursor.segment && cursor.segment.tick === tick) break;
  }
  cursor.voice = track % 4;
  return cursor;
}
