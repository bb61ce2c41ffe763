import { dotRows } from "./matmul-loops.ts";
import { outputsInside, threeAxes, type Sliding } from "./window-geometry.ts";

export interface ConvSize {
  readonly batch: number;
  /** Channels of x and y, and into how many groups both are cut. */
  readonly channelsIn: number;
  readonly channelsOut: number;
  readonly groups: number;
  readonly axes: readonly Sliding[];
}

const volume = (axes: readonly Sliding[], of: "in" | "out" | "kernel"): number => axes.reduce((n, axis) => n * axis[of], 1);

/** Pixels whose patches are laid out at a time. */
const CHUNK = 512;

/** y[n,o] = sum over channels c of o's group and taps k of x[n,c] * w[o,c,k], patch by patch. */
export function convolve(x: Float64Array, w: Float64Array, size: ConvSize): Float64Array {
  const [planeIn, planeOut, taps] = [volume(size.axes, "in"), volume(size.axes, "out"), volume(size.axes, "kernel")];
  const [perGroupIn, perGroupOut] = [size.channelsIn / size.groups, size.channelsOut / size.groups];
  const k = perGroupIn * taps;
  const patches = new Float64Array(Math.min(CHUNK, planeOut) * k);
  const y = new Float64Array(size.batch * size.channelsOut * planeOut);
  for (let n = 0; n < size.batch; n++) {
    for (let g = 0; g < size.groups; g++) {
      const from = (n * size.channelsIn + g * perGroupIn) * planeIn;
      const to = (n * size.channelsOut + g * perGroupOut) * planeOut;
      for (let first = 0; first < planeOut; first += CHUNK) {
        const count = Math.min(CHUNK, planeOut - first);
        layPatches(x, from, planeIn, perGroupIn, size.axes, first, count, patches);
        dotRows(w, g * perGroupOut * k, patches, y, to + first, planeOut, { m: perGroupOut, n: count, k });
      }
    }
  }
  return y;
}

/** A row for each of `count` output pixels: what lies under its window, channel after channel, 0 outside. */
function layPatches(
  x: Float64Array,
  from: number,
  planeIn: number,
  channels: number,
  axes: readonly Sliding[],
  first: number,
  count: number,
  to: Float64Array,
): void {
  const [d, h, v] = threeAxes(axes);
  // Locals: in the inner loops, fields of objects of several shapes cost more than the copying.
  const { in: depth, kernel: kernelD, dilation: stepD } = d;
  const { in: height, kernel: kernelH, dilation: stepH } = h;
  const { in: width, kernel: kernelV, dilation: stepV } = v;
  let at = 0;
  for (let pixel = first; pixel < first + count; pixel++) {
    const slab = Math.floor(pixel / (h.out * v.out)) * d.stride - d.before;
    const row = (Math.floor(pixel / v.out) % h.out) * h.stride - h.before;
    const column = (pixel % v.out) * v.stride - v.before;
    for (let c = 0; c < channels; c++) {
      const plane = from + c * planeIn;
      for (let i = 0, z = slab; i < kernelD; i++, z += stepD) {
        for (let j = 0, r = row; j < kernelH; j++, r += stepH) {
          const isInside = z >= 0 && z < depth && r >= 0 && r < height;
          const line = plane + (z * height + r) * width;
          for (let l = 0, q = column; l < kernelV; l++, q += stepV) to[at++] = isInside && q >= 0 && q < width ? x[line + q]! : 0;
        }
      }
    }
  }
}

/**
 * The transpose of `convolve`: each element of x adds its multiple of the window to y. The axes are those of the convolution that
 * goes the other way, whose `in` is y's extent and `out` is x's; w[c, o, k] has the channels of x first.
 */
export function convolveTransposed(x: Float64Array, w: Float64Array, size: ConvSize): Float64Array {
  const [d, h, v] = threeAxes(size.axes);
  const [planeX, planeY, taps] = [volume(size.axes, "out"), volume(size.axes, "in"), volume(size.axes, "kernel")];
  const [perGroupIn, perGroupOut] = [size.channelsIn / size.groups, size.channelsOut / size.groups];
  const y = new Float64Array(size.batch * size.channelsOut * planeY);
  for (let n = 0; n < size.batch; n++) {
    for (let c = 0; c < size.channelsIn; c++) {
      const fromPlane = (n * size.channelsIn + c) * planeX;
      const firstChannel = Math.floor(c / perGroupIn) * perGroupOut;
      for (let o = 0; o < perGroupOut; o++) {
        const toPlane = (n * size.channelsOut + firstChannel + o) * planeY;
        const weights = (c * perGroupOut + o) * taps;
        for (let kd = 0, tap = 0; kd < d.kernel; kd++) {
          for (let kh = 0; kh < h.kernel; kh++) {
            for (let kw = 0; kw < v.kernel; kw++, tap++) spreadTap(x, fromPlane, y, toPlane, w[weights + tap]!, d, h, v, kd, kh, kw);
          }
        }
      }
    }
  }
  return y;
}

/** The elements of y's plane under one tap += factor * x's plane. */
function spreadTap(
  x: Float64Array,
  fromPlane: number,
  y: Float64Array,
  toPlane: number,
  factor: number,
  d: Sliding,
  h: Sliding,
  v: Sliding,
  kd: number,
  kh: number,
  kw: number,
): void {
  const [d0, d1] = outputsInside(d, kd);
  const [h0, h1] = outputsInside(h, kh);
  const [v0, v1] = outputsInside(v, kw);
  const step = v.stride;
  const first = v0 * step + kw * v.dilation - v.before;
  for (let a = d0; a < d1; a++) {
    const slab = a * d.stride + kd * d.dilation - d.before;
    for (let b = h0; b < h1; b++) {
      const row = b * h.stride + kh * h.dilation - h.before;
      let to = toPlane + (slab * h.in + row) * v.in + first;
      const from = fromPlane + (a * h.out + b) * v.out;
      for (let i = v0; i < v1; i++, to += step) y[to]! += factor * x[from + i]!;
    }
  }
}

/** Adds bias[channel] to every element of the channel's planes. */
export function addChannelBias(y: Float64Array, bias: Float64Array | undefined, plane: number): void {
  if (!bias) return;
  for (let start = 0, c = 0; start < y.length; start += plane, c = (c + 1) % bias.length) {
    for (let i = start; i < start + plane; i++) y[i]! += bias[c]!;
  }
}
