import type { StaticType } from "../types.ts";
import { stridesOf } from "./elements.ts";
import { roundHalfEven } from "./arithmetic.ts";
import { cubicWeights } from "./cubic.ts";

export interface GridAttrs {
  readonly mode: "linear" | "nearest" | "cubic";
  readonly padding: "zeros" | "border" | "reflection";
  readonly alignCorners: boolean;
}

/** Pixels that one coordinate reads along its axis, with their weights; -1 is a pixel that is 0. */
interface Taps {
  readonly pixels: readonly number[];
  readonly weights: readonly number[];
}

/** ONNX GridSample-20 over x[N,C,...] and grid[N,...,axes]. */
export function sampleGrid(x: Float64Array, grid: Float64Array, shape: readonly number[], gridType: StaticType, attrs: GridAttrs): Float64Array {
  const [batch, channels, ...space] = shape as [number, number, ...number[]];
  const plane = space.reduce((n, d) => n * d, 1);
  const strides = stridesOf(space);
  const places = gridType.shape.slice(1, -1).reduce((n, d) => n * d, 1);
  const round = gridType.dtype === "f64" ? (value: number): number => value : Math.fround;
  const y = new Float64Array(batch * channels * places);
  for (let n = 0; n < batch; n++) {
    for (let p = 0; p < places; p++) {
      const at = (n * places + p) * space.length;
      const taps = space.map((count, axis) => tapsAt(pixelOf(grid[at + space.length - 1 - axis]!, count, attrs.alignCorners, round), count, attrs));
      for (let c = 0; c < channels; c++) y[(n * channels + c) * places + p] = sumOver(x, (n * channels + c) * plane, taps, strides, 0);
    }
  }
  return y;
}

/** From -1..1 to pixels, in the precision of the grid, so that halves stay halves. */
function pixelOf(value: number, count: number, alignCorners: boolean, round: (x: number) => number): number {
  const shifted = round(value + 1);
  return alignCorners ? round(round(shifted / 2) * (count - 1)) : round(round(round(shifted * count) - 1) / 2);
}

function tapsAt(coordinate: number, count: number, { mode, padding, alignCorners }: GridAttrs): Taps {
  const [low, high] = alignCorners ? [0, count - 1] : [-0.5, count - 0.5];
  const rounded = mode === "nearest" ? roundHalfEven(coordinate) : coordinate;
  const isOut = rounded < low || rounded > high;
  const at = isOut && padding === "border" ? clamp(rounded, count) : isOut && padding === "reflection" ? reflect(rounded, low, high) : rounded;
  const inside = (pixel: number): number => {
    if (pixel >= 0 && pixel < count) return pixel;
    if (padding === "zeros" || !Number.isFinite(pixel)) return -1;
    return clamp(padding === "border" ? pixel : Math.trunc(reflect(pixel, low, high)), count);
  };
  const first = Math.floor(at);
  if (mode === "nearest") return { pixels: [inside(first)], weights: [1] };
  const weights = mode === "linear" ? [1 - (at - first), at - first] : cubicWeights(at - first, -0.75);
  return { pixels: weights.map((_, i) => inside(first + i - (mode === "cubic" ? 1 : 0))), weights };
}

function clamp(pixel: number, count: number): number {
  return Math.min(Math.max(pixel, 0), count - 1);
}

/** Mirrored at both ends until inside. */
function reflect(at: number, low: number, high: number): number {
  const range = high - low;
  if (range === 0) return low;
  const distance = at < low ? low - at : at > high ? at - high : 0;
  const turns = Math.floor(distance / range);
  const rest = distance - turns * range;
  if (distance === 0) return at;
  return at < low === (turns % 2 === 0) ? low + rest : high - rest;
}

function sumOver(x: Float64Array, start: number, taps: readonly Taps[], strides: readonly number[], axis: number): number {
  const { pixels, weights } = taps[axis]!;
  let total = 0;
  for (let i = 0; i < pixels.length; i++) {
    if (pixels[i]! < 0) continue;
    const at = start + pixels[i]! * strides[axis]!;
    total += weights[i]! * (axis === taps.length - 1 ? x[at]! : sumOver(x, at, taps, strides, axis + 1));
  }
  return total;
}
