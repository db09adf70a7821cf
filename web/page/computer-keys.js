"use strict";
// The computer's keys as a piano: by their places, so that every keyboard language has the same. Home row white, row above black.

/** Semitones above the octave's C. */
const PIANO_KEYS = {
  KeyA: 0,
  KeyW: 1,
  KeyS: 2,
  KeyE: 3,
  KeyD: 4,
  KeyF: 5,
  KeyT: 6,
  KeyG: 7,
  KeyY: 8,
  KeyH: 9,
  KeyU: 10,
  KeyJ: 11,
  KeyK: 12,
  KeyO: 13,
  KeyL: 14,
  KeyP: 15,
  Semicolon: 16,
  Quote: 17,
  BracketRight: 18,
  Backslash: 19,
};

class ComputerKeys {
  /** @param {{press: (pitch: number) => void, release: (pitch: number) => void, shifted: () => void}} hands */
  constructor(hands) {
    Object.assign(this, hands, { isOn: true, octave: 4, down: new Map(), labels: new Map() });
    this.isShown = !matchMedia("(hover: none)").matches;
    for (const code of Object.keys(PIANO_KEYS)) this.labels.set(code, US_LABELS[code] || code.slice(-1));
    // What stands on the keys here, where the browser tells.
    if (navigator.keyboard && navigator.keyboard.getLayoutMap) {
      navigator.keyboard.getLayoutMap().then(
        map => {
          for (const code of this.labels.keys()) if (map.has(code)) this.labels.set(code, map.get(code).toUpperCase());
          this.shifted();
        },
        () => {},
      );
    }
  }

  get lowest() {
    return 12 * (this.octave + 1);
  }

  /** What is on the computer's key that plays a pitch. */
  labelOf(pitch) {
    const code = Object.keys(PIANO_KEYS).find(one => this.lowest + PIANO_KEYS[one] === pitch);
    return this.isOn && this.isShown && code ? this.labels.get(code) : "";
  }

  shift(octaves) {
    const octave = Math.min(5, Math.max(2, this.octave + octaves));
    if (octave === this.octave) return;
    this.octave = octave;
    this.shifted();
  }

  /** Whether the event was a key of the piano. */
  keyDown(event) {
    if (!this.isOn || event.ctrlKey || event.metaKey || event.altKey) return false;
    const { code } = event;
    if (!(code in PIANO_KEYS)) return false;
    this.isShown = true;
    if (!event.repeat && !this.down.has(code)) {
      const pitch = this.lowest + PIANO_KEYS[code];
      this.down.set(code, pitch);
      this.press(pitch);
    }
    return true;
  }

  keyUp({ code }) {
    if (!this.down.has(code)) return;
    this.release(this.down.get(code));
    this.down.delete(code);
  }

  /** The window has lost the keyboard: nothing tells when keys come up. */
  releaseAll() {
    for (const code of [...this.down.keys()]) this.keyUp({ code });
  }
}

const US_LABELS = { Semicolon: ";", Quote: "'", BracketRight: "]", Backslash: "\\" };
