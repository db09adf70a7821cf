"use strict";
// The four parts with what can be done to each: mute, loudness and, live, freeze.

/**
 * @param {HTMLElement} place
 * @param {{mute: (part: number, isMuted: boolean) => void, gain: (part: number, gain: number) => void,
 *   freeze?: (part: number, isFrozen: boolean) => void}} hands
 */
class PartRows {
  constructor(place, hands) {
    this.rows = T.parts.map((name, part) => {
      const row = document.createElement("div"),
        label = document.createElement("span"),
        note = document.createElement("span");
      row.className = `part-row part${part}`;
      label.className = "part-name";
      label.innerHTML = '<span class="swatch" aria-hidden="true"></span>';
      label.append(name);
      note.className = "part-note";
      const mute = switchButton(T.mixer.mute, T.mixer.muteOf(name), isOn => hands.mute(part, isOn));
      const loudness = document.createElement("input");
      Object.assign(loudness, { type: "range", min: "0", max: "1.5", step: "0.01", value: "1" });
      loudness.setAttribute("aria-label", T.mixer.loudnessOf(name));
      loudness.addEventListener("input", () => hands.gain(part, Number(loudness.value)));
      row.append(label, note, mute);
      let freeze = null;
      if (hands.freeze) {
        freeze = switchButton(T.mixer.freeze, T.mixer.freezeOf(name), isOn => hands.freeze(part, isOn));
        if (part === 0) freeze.style.visibility = "hidden";
        row.append(freeze);
      }
      row.append(loudness);
      place.append(row);
      return { row, note, mute, freeze, loudness };
    });
  }

  show({ names, muted, frozen }) {
    this.rows.forEach((row, part) => {
      const name = names[part] || "";
      if (row.note.textContent !== name) row.note.textContent = name;
      row.mute.setAttribute("aria-pressed", String(muted[part]));
      if (row.freeze) row.freeze.setAttribute("aria-pressed", String(frozen[part]));
    });
  }
}

function switchButton(text, label, moved) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "small";
  button.textContent = text;
  button.setAttribute("aria-label", label);
  button.setAttribute("aria-pressed", "false");
  button.addEventListener("click", () => {
    const isOn = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(isOn));
    moved(isOn);
  });
  return button;
}
