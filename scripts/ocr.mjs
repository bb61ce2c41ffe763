// What the PP-OCRv4 text recogniser wants and gives: pictures 48 pixels high, one class out of 6,625 for every 8 pixels of width.
import { readFileSync } from "node:fs";

export const HEIGHT = 48;
/** The network halves the width three times. */
const WIDTH_STEP = 8;

/** Width of the network's input for a picture, in whole steps. */
export function widthFor({ width, height }) {
  return Math.max(WIDTH_STEP * 4, Math.ceil((width * HEIGHT) / height / WIDTH_STEP) * WIDTH_STEP);
}

/** Classes by index: the blank, the characters of the file, and the space. */
export function readCharacters(file) {
  const lines = readFileSync(file, "utf8").split("\n");
  if (lines.at(-1) === "") lines.pop();
  return ["", ...lines, " "];
}

/** Greedy CTC: the best class of each step, repeats once, blanks dropped. `scores` is [1, steps, classes] in row-major order. */
export function readText(scores, steps, characters) {
  const classes = scores.length / steps;
  let text = "";
  let last = 0;
  for (let step = 0; step < steps; step++) {
    let best = 0;
    for (let c = 1; c < classes; c++) if (scores[step * classes + c] > scores[step * classes + best]) best = c;
    if (best !== 0 && best !== last) text += characters[best];
    last = best;
  }
  return text;
}
