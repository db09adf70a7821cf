"use strict";
// Six tunes that belong to everybody, in ABC.

const TUNES = [
  {
    title: "Old Hundredth",
    from: "Genevan Psalter, 1551",
    abc: "M:4/4\nL:1/4\nQ:1/4=90\nK:G\nG|G F E D|G A B2|B B B A|G c B2|A G A B|c B A2|G D E F|G4-|G3|]",
  },
  {
    title: "Ode to Joy",
    from: "Beethoven, 1824",
    abc: "M:4/4\nL:1/4\nQ:1/4=110\nK:D\nF F G A|A G F E|D D E F|F3/2 E/ E2|F F G A|A G F E|D D E F|E3/2 D/ D2|E E F D|E F/G/ F D|E F/G/ F E|D E A,2|F F G A|A G F E|D D E F|E3/2 D/ D2|]",
  },
  {
    title: "Amazing Grace",
    from: "Virginia Harmony, 1831",
    abc: "M:3/4\nL:1/4\nQ:1/4=90\nK:G\nD|G2 B/G/|B2 A|G2 E|D2 D|G2 B/G/|B2 A|d3-|d2 B|d2 B/G/|B2 A|G2 E|D2 D|G2 B/G/|B2 A|G3-|G2|]",
  },
  {
    title: "St Anne",
    from: "William Croft, 1708",
    abc: "M:4/4\nL:1/4\nQ:1/4=90\nK:C\nG|E A G c|c B c G|c G A ^F|G3 B|c A d B|c A B G|A F E D|C3|]\nw:O God, our help in a-ges past, our hope for years to come, our shel-ter from the storm-y blast, and our e-ter-nal home.",
  },
  {
    title: "Veni Emmanuel",
    from: "France, 15th century",
    abc: "M:4/4\nL:1/4\nQ:1/4=90\nK:Em\nE|G B B B|A c B A|G3 A|B G E G|A F E D|E3 A|A E E F|G3 F|G A B B|B A c B|A G2 G|d4|d3 B|B4|B3 B|A c B A|G3 A|B G E G|A F E D|E3|]",
  },
  {
    title: "Drink to me only",
    from: "England, about 1780",
    abc: "M:6/8\nL:1/8\nQ:1/4=90\nK:Eb\nG2 G A2 A|B2 A G2 F|E2 F G2 A|G2 F E3|G2 G A2 A|B2 A G2 F|E2 F G2 A|G2 F E3|B2 G E2 G|B2 e B3|B2 G E2 G|F2 G F3|G2 G A2 A|B2 A G2 F|E2 F G2 A|G2 F E3|]",
  },
];

/** A whole ABC file. */
function abcFile(title, body) {
  return new TextEncoder().encode(`X:1\nT:${title}\n${body}\n`);
}
