import { unfold } from "./unfold.ts";
import { viridis } from "./viridis.ts";

/** A picture of how far a tensor is from another, element by element. */
export interface Heatmap {
  readonly width: number;
  readonly height: number;
  /** RGBA, rows from the top. */
  readonly pixels: Uint8Array;
  /** The error of the brightest colour; black-blue is none. */
  readonly max: number;
  /** Elements where the error is NaN or infinite. */
  readonly nonFinite: number;
  /** Cells of one element are `scale` pixels wide; where it is below 1, a pixel shows the largest error of several. */
  readonly scale: number;
}

const SMALLEST = 256;
const LARGEST = 2048;
const MOST_SCALE = 16;
/** No colour of the scale comes near. */
const NON_FINITE = [255, 0, 255] as const;

/** Errors of equal elements are 0, also of NaN and NaN. `shape` has elements. */
export function heatmapOf(found: ArrayLike<number | bigint>, wanted: ArrayLike<number | bigint>, shape: readonly number[]): Heatmap {
  const { rows, columns, at } = unfold(shape);
  const longest = Math.max(rows, columns);
  const [up, down] = [Math.min(MOST_SCALE, Math.max(1, Math.floor(SMALLEST / longest))), Math.max(1, Math.ceil(longest / LARGEST))];
  const [cellsDown, cellsAcross] = [Math.ceil(rows / down), Math.ceil(columns / down)];
  // Below 0: there is no element.
  const errors = new Float64Array(cellsDown * cellsAcross).fill(-1);
  let [max, nonFinite] = [0, 0];
  for (let i = 0; i < wanted.length; i++) {
    const [row, column] = at(i);
    const cell = Math.floor(row / down) * cellsAcross + Math.floor(column / down);
    const error = errorOf(Number(found[i]), Number(wanted[i]));
    errors[cell] = Math.max(errors[cell]!, error);
    if (error === Infinity) nonFinite++;
    else max = Math.max(max, error);
  }
  const [width, height] = [cellsAcross * up, cellsDown * up];
  const pixels = new Uint8Array(4 * width * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) pixels.set(colourOf(errors[Math.floor(y / up) * cellsAcross + Math.floor(x / up)]!, max), 4 * (y * width + x));
  return { width, height, pixels, max, nonFinite, scale: up / down };
}

function errorOf(a: number, b: number): number {
  if (a === b || (Number.isNaN(a) && Number.isNaN(b))) return 0;
  return Number.isFinite(a - b) ? Math.abs(a - b) : Infinity;
}

function colourOf(error: number, max: number): readonly number[] {
  if (error < 0) return [0, 0, 0, 0];
  return [...(error === Infinity ? NON_FINITE : viridis(max > 0 ? error / max : 0)), 255];
}
