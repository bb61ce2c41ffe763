import { KernelBuilder, scalar } from "../../kernel/build.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { storeFor } from "../constant-data.ts";
import type { Buffer, LowerContext, Place } from "../schedule.ts";

export interface TapShape {
  readonly channels: number;
  readonly taps: number;
  readonly vectors: number;
  readonly lanes: number;
}

/** Weights w[C, 1, taps] as [vector of channels][bias, then taps][lanes]; padded channels are 0. */
export function packTaps(context: LowerContext, weights: Place, bias: Place | undefined, shape: TapShape): Buffer {
  const { channels, taps, vectors, lanes } = shape;
  const { elem } = weights.layout;
  const size = vectors * (taps + 1) * lanes;
  if (!weights.constant || (bias && !bias.constant)) {
    const packed = context.scratch(elem, size);
    context.call(packTapsKernel(shape, elem, weights.layout.size, bias?.layout.size), {
      weights: weights.buffer,
      packed,
      ...(bias ? { bias: bias.buffer } : {}),
    });
    return packed;
  }
  const packed = storeFor(elem, size) as Float32Array;
  const [w, d] = [weights.constant as Float32Array, bias?.constant as Float32Array | undefined];
  for (let c = 0; c < channels; c++) {
    const at = Math.floor(c / lanes) * (taps + 1) * lanes + (c % lanes);
    packed[at] = d?.[c] ?? 0;
    for (let tap = 0; tap < taps; tap++) packed[at + (tap + 1) * lanes] = w[c * taps + tap]!;
  }
  return context.weights(elem, packed);
}

/** The same at run time. */
function packTapsKernel(
  { channels, taps, vectors, lanes }: TapShape,
  elem: Place["layout"]["elem"],
  weightsSize: number,
  biasSize: number | undefined,
): Kernel {
  const b = new KernelBuilder(`pack_taps_${channels}x${taps}_${lanes}`, { lanes: 1, mode: "fast" });
  const type = scalar(elem);
  const size = vectors * (taps + 1) * lanes;
  b.param("weights", elem, weightsSize, "in");
  if (biasSize !== undefined) b.param("bias", elem, biasSize, "in");
  b.param("packed", elem, size, "out");
  const clear = b.cursor("z", "packed");
  b.loop("all", size, { [clear]: 1 }, () => b.store(clear, 0, b.constant(type, 0)));
  const part = (first: number, count: number, blocks: number): void => {
    if (count === 0 || blocks === 0) return;
    const [from, to] = [b.cursor("i", "weights", first * taps), b.cursor("o", "packed", (first / lanes) * (taps + 1) * lanes)];
    const d = biasSize === undefined ? undefined : b.cursor("d", "bias", first);
    const perVector = (taps + 1) * lanes;
    b.loop("v", blocks, { [from]: lanes * taps, [to]: perVector, ...(d ? { [d]: lanes } : {}) }, () =>
      b.loop("c", count, { [from]: taps, [to]: 1, ...(d ? { [d]: 1 } : {}) }, () => {
        if (d) b.store(to, 0, b.load(type, d));
        for (let i = 0; i < taps; i++) b.store(to, (i + 1) * lanes, b.load(type, from, i));
      }),
    );
  };
  const whole = Math.floor(channels / lanes);
  part(0, lanes, whole);
  part(whole * lanes, channels % lanes, 1);
  return b.finish();
}
