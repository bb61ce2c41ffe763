import { cubicWeight } from "./cubic.ts";

export interface ResizeAttrs {
  readonly mode: "nearest" | "linear" | "cubic";
  readonly coordinates: "halfPixel" | "asymmetric" | "alignCorners" | "pytorchHalfPixel" | "halfPixelSymmetric" | "tfHalfPixelForNn" | "tfCropAndResize";
  readonly nearest: "roundPreferFloor" | "roundPreferCeil" | "floor" | "ceil" | "simple";
  readonly cubicA: number;
  readonly excludeOutside: boolean;
  readonly antialias: boolean;
  readonly scales: readonly number[];
  readonly roi: readonly number[];
}

/** Where each element of the result lies on an axis of x; `outside`: true where the region left x, if anywhere. */
export interface AxisPlaces {
  readonly at: Float64Array;
  readonly outside: readonly boolean[] | undefined;
}

export function sourceCoordinates(axis: number, count: number, resultCount: number, attrs: ResizeAttrs): AxisPlaces {
  const scale = attrs.scales[axis]!;
  const [start, end] = [attrs.roi[axis] ?? 0, attrs.roi[axis + attrs.roi.length / 2] ?? 1];
  // ONNX says length_resized, and counts with the length before it was cut to a whole number.
  const exact = Math.abs(scale * count - resultCount) < 1e-4 ? resultCount : scale * count;
  const last = count - 1;
  const place = (i: number): number => {
    switch (attrs.coordinates) {
      case "asymmetric":
        return i / scale;
      case "halfPixel":
        return (i + 0.5) / scale - 0.5;
      case "pytorchHalfPixel":
        return resultCount > 1 ? (i + 0.5) / scale - 0.5 : 0;
      case "tfHalfPixelForNn":
        return (i + 0.5) / scale;
      case "alignCorners":
        return exact === 1 ? 0 : (i * last) / (exact - 1);
      case "halfPixelSymmetric":
        return (count / 2) * (1 - resultCount / exact) + (i + 0.5) / scale - 0.5;
      case "tfCropAndResize":
        return start * last + (exact === 1 ? ((end - start) * last) / 2 : (i * (end - start) * last) / (exact - 1));
    }
  };
  const at = Float64Array.from({ length: resultCount }, (_, i) => place(i));
  const outside = Array.from(at, (x) => attrs.coordinates === "tfCropAndResize" && (x < 0 || x > last));
  return { at, outside: outside.includes(true) ? outside : undefined };
}

/** The pixel inside x that stands for each place. */
export function nearestPixels(at: Float64Array, count: number, { nearest }: ResizeAttrs, scale: number): Int32Array {
  const round = (x: number): number => {
    switch (nearest) {
      case "roundPreferFloor":
        return Math.ceil(x - 0.5);
      case "roundPreferCeil":
        return Math.floor(x + 0.5);
      case "floor":
        return Math.floor(x);
      case "ceil":
        return Math.ceil(x);
      case "simple":
        return scale < 1 ? Math.ceil(x) : Math.trunc(x);
    }
  };
  return Int32Array.from(at, (x) => Math.min(Math.max(round(x), 0), count - 1));
}

/** `width` pixels with their weights for each place. */
export interface AxisTaps {
  readonly pixels: Int32Array;
  readonly weights: Float64Array;
  readonly width: number;
}

export function axisTaps(at: Float64Array, count: number, attrs: ResizeAttrs, scale: number): AxisTaps {
  if (attrs.mode === "nearest") return { pixels: nearestPixels(at, count, attrs, scale), weights: new Float64Array(at.length).fill(1), width: 1 };
  if (isBetweenPixels(attrs)) return neighbours(at, count);
  const shrink = attrs.antialias ? Math.min(scale, 1) : 1;
  const reach = attrs.mode === "linear" ? 1 : 2;
  const first = Math.floor(-reach / shrink) + 1;
  const width = 2 * (1 - first);
  const weightOf = (distance: number): number => (attrs.mode === "linear" ? Math.max(0, 1 - Math.abs(distance)) : cubicWeight(distance, attrs.cubicA));
  const pixels = new Int32Array(at.length * width);
  const weights = new Float64Array(at.length * width);
  at.forEach((x, i) => {
    const base = Math.floor(x) + first;
    const own = Array.from({ length: width }, (_, t) => (attrs.excludeOutside && (base + t < 0 || base + t >= count) ? 0 : weightOf((base + t - x) * shrink)));
    const sum = own.reduce((a, b) => a + b, 0);
    const divisor = (attrs.antialias || attrs.excludeOutside) && sum !== 0 ? sum : 1;
    own.forEach((weight, t) => {
      pixels[i * width + t] = Math.min(Math.max(base + t, 0), count - 1);
      weights[i * width + t] = weight / divisor;
    });
  });
  return { pixels, weights, width };
}

/** Linear, and no filter that grows or leaves pixels out: a weighted sum of the pixels on both sides. */
export function isBetweenPixels({ mode, antialias, excludeOutside }: Pick<ResizeAttrs, "mode" | "antialias" | "excludeOutside">): boolean {
  return mode === "linear" && !antialias && !excludeOutside;
}

/** The last pixel stands on both sides of itself, as in ONNX Runtime. */
function neighbours(at: Float64Array, count: number): AxisTaps {
  const pixels = new Int32Array(2 * at.length);
  const weights = new Float64Array(2 * at.length);
  at.forEach((place, i) => {
    const inside = Math.min(Math.max(place, 0), count - 1);
    const first = Math.floor(inside);
    const rest = first === count - 1 ? 0.5 : inside - first;
    pixels.set([first, Math.min(first + 1, count - 1)], 2 * i);
    weights.set([1 - rest, rest], 2 * i);
  });
  return { pixels, weights, width: 2 };
}
