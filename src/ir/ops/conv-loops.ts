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

/** A window of one tap that misses nothing: all pixels are one axis. */
function flattened(axes: readonly Sliding[]): readonly Sliding[] {
  const plain = axes.every((axis) => axis.kernel === 1 && axis.stride === 1 && axis.before === 0 && axis.after === 0);
  return plain ? [{ ...axes[0]!, in: volume(axes, "in"), out: volume(axes, "out") }] : axes;
}

/** y[n,o] = sum over channels c of o's group and taps k of x[n,c] * w[o,c,k], plane by plane. */
export function convolve(x: Float64Array, w: Float64Array, size: ConvSize): Float64Array {
  const axes = flattened(size.axes);
  const [d, h, v] = threeAxes(axes);
  const [planeIn, planeOut, taps] = [volume(axes, "in"), volume(axes, "out"), volume(axes, "kernel")];
  const [perGroupIn, perGroupOut] = [size.channelsIn / size.groups, size.channelsOut / size.groups];
  const y = new Float64Array(size.batch * size.channelsOut * planeOut);
  for (let n = 0; n < size.batch; n++) {
    for (let o = 0; o < size.channelsOut; o++) {
      const toPlane = (n * size.channelsOut + o) * planeOut;
      const firstChannel = Math.floor(o / perGroupOut) * perGroupIn;
      for (let c = 0; c < perGroupIn; c++) {
        const fromPlane = (n * size.channelsIn + firstChannel + c) * planeIn;
        const weights = (o * perGroupIn + c) * taps;
        for (let kd = 0, tap = 0; kd < d.kernel; kd++) {
          for (let kh = 0; kh < h.kernel; kh++) {
            for (let kw = 0; kw < v.kernel; kw++, tap++) addTap(x, fromPlane, y, toPlane, w[weights + tap]!, d, h, v, kd, kh, kw);
          }
        }
      }
    }
  }
  return y;
}

/** y's plane += factor * the elements of x's plane that lie under one tap. */
function addTap(x: Float64Array, fromPlane: number, y: Float64Array, toPlane: number, factor: number, d: Sliding, h: Sliding, v: Sliding, kd: number, kh: number, kw: number): void {
  const [d0, d1] = outputsInside(d, kd);
  const [h0, h1] = outputsInside(h, kh);
  const [v0, v1] = outputsInside(v, kw);
  const step = v.stride;
  const first = v0 * step + kw * v.dilation - v.before;
  for (let a = d0; a < d1; a++) {
    const slab = a * d.stride + kd * d.dilation - d.before;
    for (let b = h0; b < h1; b++) {
      const row = b * h.stride + kh * h.dilation - h.before;
      let from = fromPlane + (slab * h.in + row) * v.in + first;
      const to = toPlane + (a * h.out + b) * v.out;
      for (let i = v0; i < v1; i++, from += step) y[to + i]! += factor * x[from]!;
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
function spreadTap(x: Float64Array, fromPlane: number, y: Float64Array, toPlane: number, factor: number, d: Sliding, h: Sliding, v: Sliding, kd: number, kh: number, kw: number): void {
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
