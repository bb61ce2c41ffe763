// Draws one line of text with a font file into grey pixels: black on white, antialiased. Used for pictures of tests and of the quickstart.
import { readFileSync } from "node:fs";
import opentype from "opentype.js";
import pngjs from "pngjs";

/** Sub-scanlines and sub-columns of a pixel. */
const SAMPLES = 4;
const CURVE_STEPS = 8;

/** { width, height, gray: Uint8Array } of `text` at `size` pixels an em, with a margin all round. */
export function drawText(fontFile, text, size, margin = Math.round(size / 3)) {
  const bytes = readFileSync(fontFile);
  const font = opentype.parse(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  const scale = size / font.unitsPerEm;
  const baseline = Math.ceil(font.ascender * scale) + margin;
  // Glyph by glyph: the layout features of these fonts are more than the reader of font files knows, and a line of Latin text needs none.
  const commands = [];
  let x = margin;
  for (const character of text) {
    const glyph = font.charToGlyph(character);
    commands.push(...glyph.getPath(x, baseline, size).commands);
    x += glyph.advanceWidth * scale;
  }
  const width = Math.ceil(x) + margin;
  const height = baseline + Math.ceil(-font.descender * scale) + margin;
  return { width, height, gray: fill(segmentsOf(commands), width, height) };
}

/** Straight pieces [x0, y0, x1, y1] of a path. */
function segmentsOf(commands) {
  const segments = [];
  let [x, y, startX, startY] = [0, 0, 0, 0];
  const line = (x1, y1) => {
    if (y !== y1) segments.push([x, y, x1, y1]);
    [x, y] = [x1, y1];
  };
  const curve = (point) => {
    for (let i = 1; i <= CURVE_STEPS; i++) line(...point(i / CURVE_STEPS));
  };
  for (const c of commands) {
    const [fromX, fromY] = [x, y];
    if (c.type === "M") [x, y, startX, startY] = [c.x, c.y, c.x, c.y];
    else if (c.type === "L") line(c.x, c.y);
    else if (c.type === "Z") line(startX, startY);
    else if (c.type === "Q")
      curve((t) => [(1 - t) ** 2 * fromX + 2 * (1 - t) * t * c.x1 + t * t * c.x, (1 - t) ** 2 * fromY + 2 * (1 - t) * t * c.y1 + t * t * c.y]);
    else curve((t) => [bezier(fromX, c.x1, c.x2, c.x, t), bezier(fromY, c.y1, c.y2, c.y, t)]);
  }
  return segments;
}

function bezier(a, b, c, d, t) {
  const s = 1 - t;
  return s * s * s * a + 3 * s * s * t * b + 3 * s * t * t * c + t * t * t * d;
}

/** Non-zero winding, sampled on a grid inside each pixel. */
function fill(segments, width, height) {
  const coverage = new Float64Array(width * height);
  for (let row = 0; row < height * SAMPLES; row++) {
    const y = (row + 0.5) / SAMPLES;
    const crossings = [];
    for (const [x0, y0, x1, y1] of segments) {
      if (y0 <= y !== y1 <= y) crossings.push([x0 + ((y - y0) / (y1 - y0)) * (x1 - x0), y1 > y0 ? 1 : -1]);
    }
    crossings.sort((a, b) => a[0] - b[0]);
    let winding = 0;
    crossings.forEach(([x, direction], i) => {
      winding += direction;
      const next = crossings[i + 1];
      if (winding === 0 || !next) return;
      const last = Math.min(width * SAMPLES - 1, Math.ceil(next[0] * SAMPLES - 0.5) - 1);
      for (let column = Math.max(0, Math.ceil(x * SAMPLES - 0.5)); column <= last; column++)
        coverage[Math.floor(row / SAMPLES) * width + Math.floor(column / SAMPLES)] += 1;
    });
  }
  return Uint8Array.from(coverage, (c) => Math.round(255 * (1 - c / (SAMPLES * SAMPLES))));
}

/** The same picture as a PNG file. */
export function encodePng({ width, height, gray }) {
  const png = new pngjs.PNG({ width, height });
  gray.forEach((g, i) => png.data.set([g, g, g, 255], 4 * i));
  return pngjs.PNG.sync.write(png, { colorType: 2 });
}
