import { insideIndex } from "./gather.ts";

export interface RegionAttrs {
  readonly kind: "average" | "max";
  readonly height: number;
  readonly width: number;
  readonly samplingRatio: number;
  readonly spatialScale: number;
  readonly halfPixel: boolean;
}

/** ONNX RoiAlign-16 over x[N,C,H,W]: y[region, channel, height, width]. */
export function alignRegions(x: Float64Array, rois: Float64Array, images: Float64Array, shape: readonly number[], attrs: RegionAttrs): Float64Array {
  const [batch, channels, height, width] = shape as [number, number, number, number];
  const y = new Float64Array(images.length * channels * attrs.height * attrs.width);
  let to = 0;
  for (let r = 0; r < images.length; r++) {
    const [left, top, right, bottom] = Array.from(rois.subarray(4 * r, 4 * r + 4), (edge) => edge * attrs.spatialScale - (attrs.halfPixel ? 0.5 : 0)) as [
      number,
      number,
      number,
      number,
    ];
    const rows = bins(top, bottom, attrs.height, attrs);
    const columns = bins(left, right, attrs.width, attrs);
    const image = insideIndex(images[r]!, batch) * channels;
    for (let c = 0; c < channels; c++) {
      const plane = (image + c) * height * width;
      for (let i = 0; i < attrs.height; i++) {
        for (let j = 0; j < attrs.width; j++) y[to++] = poolBin(x, plane, height, width, rows, i, columns, j, attrs.kind);
      }
    }
  }
  return y;
}

/** One axis of a region: where it starts, how long a bin is, how many samples it has. */
interface Bins {
  readonly start: number;
  readonly size: number;
  readonly samples: number;
}

function bins(from: number, to: number, count: number, { samplingRatio, halfPixel }: RegionAttrs): Bins {
  const length = halfPixel ? to - from : Math.max(to - from, 1);
  return { start: from, size: length / count, samples: samplingRatio > 0 ? samplingRatio : Math.max(0, Math.ceil(length / count)) };
}

function poolBin(
  x: Float64Array,
  plane: number,
  height: number,
  width: number,
  rows: Bins,
  i: number,
  columns: Bins,
  j: number,
  kind: "average" | "max",
): number {
  const [down, across] = [reaching(rows, i, height), reaching(columns, j, width)];
  // Samples that are left out are far outside: each is 0.
  let [sum, most] = [0, down.isAll && across.isAll ? -Infinity : 0];
  for (let a = down.first; a < down.end; a++) {
    const row = rows.start + i * rows.size + ((a + 0.5) * rows.size) / rows.samples;
    for (let b = across.first; b < across.end; b++) {
      const column = columns.start + j * columns.size + ((b + 0.5) * columns.size) / columns.samples;
      const corners = weightedCorners(x, plane, height, width, row, column);
      sum += corners[0] + corners[1] + corners[2] + corners[3];
      most = Math.max(most, ...corners);
    }
  }
  const count = rows.samples * columns.samples;
  return count === 0 ? 0 : kind === "max" ? most : sum / count;
}

/** The samples of a bin from the first to the last that may be no more than a pixel outside of an axis; a region may have many more. */
function reaching({ start, size, samples }: Bins, bin: number, extent: number): { readonly first: number; readonly end: number; readonly isAll: boolean } {
  const at = (place: number): number => ((place - start - bin * size) * samples) / size - 0.5;
  const first = Math.max(0, Math.floor(at(-1)));
  const end = Math.min(samples, Math.ceil(at(extent)) + 1);
  return size > 0 && samples > 1 ? { first, end, isAll: first === 0 && end === samples } : { first: 0, end: samples, isAll: true };
}

/** The four pixels round a place times their weights. More than a pixel outside there is nothing; up to that, the edge. */
function weightedCorners(
  x: Float64Array,
  plane: number,
  height: number,
  width: number,
  row: number,
  column: number,
): readonly [number, number, number, number] {
  if (!(row >= -1 && row <= height && column >= -1 && column <= width)) return [0, 0, 0, 0];
  const [r, c] = [Math.min(Math.max(row, 0), height - 1), Math.min(Math.max(column, 0), width - 1)];
  const [top, left] = [Math.floor(r), Math.floor(c)];
  const [bottom, right] = [Math.min(top + 1, height - 1), Math.min(left + 1, width - 1)];
  const [down, over] = [r - top, c - left];
  return [
    (1 - down) * (1 - over) * x[plane + top * width + left]!,
    (1 - down) * over * x[plane + top * width + right]!,
    down * (1 - over) * x[plane + bottom * width + left]!,
    down * over * x[plane + bottom * width + right]!,
  ];
}
