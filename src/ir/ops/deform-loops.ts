import type { ConvSize } from "./conv-loops.ts";
import type { Sliding } from "./window-geometry.ts";

/** Value between the pixels of a plane; pixels outside are 0. */
function bilinear(plane: Float64Array, start: number, height: number, width: number, row: number, column: number): number {
  const [top, left] = [Math.floor(row), Math.floor(column)];
  const [down, right] = [row - top, column - left];
  const pixel = (r: number, c: number): number => (r >= 0 && r < height && c >= 0 && c < width ? plane[start + r * width + c]! : 0);
  return (
    (1 - down) * ((1 - right) * pixel(top, left) + right * pixel(top, left + 1)) +
    down * ((1 - right) * pixel(top + 1, left) + right * pixel(top + 1, left + 1))
  );
}

/** A two-dimensional `convolve` whose taps are displaced by `offset` and weighted by `mask`, both one set an offset group. */
export function deformedConvolve(
  x: Float64Array,
  w: Float64Array,
  offset: Float64Array,
  mask: Float64Array | undefined,
  offsetGroups: number,
  size: ConvSize,
): Float64Array {
  const [h, v] = size.axes as [Sliding, Sliding];
  const [planeIn, planeOut, taps] = [h.in * v.in, h.out * v.out, h.kernel * v.kernel];
  const [perGroupIn, perGroupOut, perOffset] = [size.channelsIn / size.groups, size.channelsOut / size.groups, size.channelsIn / offsetGroups];
  const y = new Float64Array(size.batch * size.channelsOut * planeOut);
  for (let n = 0; n < size.batch; n++) {
    for (let c = 0; c < size.channelsIn; c++) {
      const group = Math.floor(c / perGroupIn);
      for (let tap = 0; tap < taps; tap++) {
        const set = (n * offsetGroups + Math.floor(c / perOffset)) * taps + tap;
        for (let p = 0; p < planeOut; p++) {
          const row = Math.floor(p / v.out) * h.stride + Math.floor(tap / v.kernel) * h.dilation - h.before + offset[2 * set * planeOut + p]!;
          const column = (p % v.out) * v.stride + (tap % v.kernel) * v.dilation - v.before + offset[(2 * set + 1) * planeOut + p]!;
          const value = bilinear(x, (n * size.channelsIn + c) * planeIn, h.in, v.in, row, column) * (mask?.[set * planeOut + p] ?? 1);
          for (let o = group * perGroupOut; o < (group + 1) * perGroupOut; o++) {
            y[(n * size.channelsOut + o) * planeOut + p]! += value * w[(o * perGroupIn + (c % perGroupIn)) * taps + tap]!;
          }
        }
      }
    }
  }
  return y;
}
