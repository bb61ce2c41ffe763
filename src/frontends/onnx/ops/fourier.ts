import { mul } from "../../../ir/ops/arithmetic.ts";
import { gather } from "../../../ir/ops/gather.ts";
import { matmul } from "../../../ir/ops/linear.ts";
import type { Value } from "../../../ir/graph.ts";
import { tensor } from "../../../ir/tensor.ts";
import type { NodeContext } from "../context.ts";
import { product, range, reshapeTo, transposeBy } from "../rearrange.ts";
import { rankOf, shapeOf } from "../static-shape.ts";
import { since, type OperatorTable } from "./table.ts";

/** Fourier transforms are products with a matrix of cosines and sines, which is a constant. */
export const FOURIER: OperatorTable = {
  DFT: since(17, importDft),
  STFT: since(17, importStft),
};

/** The axis is an attribute before opset 20 and an operand from then on. Real and imaginary parts lie in the last axis. */
function importDft(c: NodeContext): Value {
  const x = c.need(0, "input");
  const rank = rankOf(x);
  if (rank < 2) c.fail(`has an input of rank ${rank}, wanted 2 or more`, { reason: "rank", nearest: "an input of rank 2 or more" });
  const given = c.opset < 20 ? c.int("axis", 1) : (c.constantInts(2, "axis")?.[0] ?? -2);
  const axis = c.axis(given, rank);
  if (axis === rank - 1) c.fail("transforms the axis of real and imaginary parts");
  const [inverse, oneSided] = [c.flag("inverse", false), c.flag("onesided", false)];
  const extent = shapeOf(x)[axis]!;
  const length = c.constantInts(1, "dft_length")?.[0] ?? (inverse && oneSided ? 2 * (extent - 1) : extent);
  const last = [...range(rank - 1).filter((a) => a !== axis), axis, rank - 1];
  const y = transformed(c, transposeBy(c.b, x, last), { length, inverse, oneSided });
  return transposeBy(
    c.b,
    y,
    range(rank).map((a) => last.indexOf(a)),
  );
}

/** Frames of the signal, `frame_step` apart, each times the window and transformed. */
function importStft(c: NodeContext): Value {
  const given = c.need(0, "signal");
  const signal = rankOf(given) === 2 ? reshapeTo(c.b, given, [...shapeOf(given), 1]) : given;
  if (rankOf(signal) !== 3) c.fail(`has a signal of rank ${rankOf(signal)}, wanted 3`, { reason: "rank", nearest: "a signal of rank 3" });
  const step = c.constantInts(1, "frame_step")?.[0] ?? c.fail("has no input frame_step");
  const window = c.operand(2);
  const length = c.constantInts(3, "frame_length")?.[0] ?? (window ? shapeOf(window)[0]! : c.fail("has neither window nor frame_length"));
  const frames = Math.floor((shapeOf(signal)[1]! - length) / step) + 1;
  if (step < 1 || length < 1 || frames < 1) c.fail(`cuts frames of ${length}, ${step} apart, from ${shapeOf(signal)[1]} samples`);
  c.budget(frames * length);
  const places = range(frames).flatMap((frame) => range(length).map((i) => frame * step + i));
  const cut = c.b.create(gather, { x: signal, indices: c.value(tensor("i64", [frames, length], places)) }, { axis: 1 });
  const framed = window ? c.b.create(mul, { a: cut, b: reshapeTo(c.b, window, [length, 1]) }) : cut;
  return transformed(c, framed, { length, inverse: false, oneSided: c.flag("onesided", true) });
}

interface Transform {
  readonly length: number;
  readonly inverse: boolean;
  /** Only the half of the spectrum that tells all of a real signal. */
  readonly oneSided: boolean;
}

/** x of [..., n, 1 or 2] transformed along n, cut or filled with zeros to `length` first. */
function transformed(c: NodeContext, x: Value, transform: Transform): Value {
  const { length, inverse, oneSided } = transform;
  const lead = shapeOf(x).slice(0, -2);
  const [extent, parts] = shapeOf(x).slice(-2) as [number, number];
  if (length < 1) c.fail(`transforms ${length} elements`);
  if (parts !== 1 && parts !== 2) c.fail(`has ${parts} elements along the last axis, wanted real or real and imaginary parts`);
  const toReal = inverse && oneSided;
  const [bins, resultParts] = [oneSided && !inverse ? Math.floor(length / 2) + 1 : length, toReal ? 1 : 2];
  const [rows, columns] = [extent * parts, bins * resultParts];
  c.budget(rows * columns);
  const matrix = new Float64Array(rows * columns);
  for (let n = 0; n < extent; n++) {
    const weight = weightOf(n, transform);
    for (let k = 0; k < bins && weight !== 0; k++) {
      const angle = ((inverse ? 2 : -2) * Math.PI * ((n * k) % length)) / length;
      const [re, im] = [weight * Math.cos(angle), weight * Math.sin(angle)];
      const at = n * parts * columns + k * resultParts;
      matrix[at] = re;
      if (resultParts === 2) matrix[at + 1] = im;
      if (parts === 2) matrix[at + columns] = -im;
      if (parts === 2 && resultParts === 2) matrix[at + columns + 1] = re;
    }
  }
  const flat = reshapeTo(c.b, x, [product(lead), rows]);
  const y = c.b.create(matmul, { a: flat, b: c.value(tensor(x.type.dtype, [rows, columns], matrix)) });
  return reshapeTo(c.b, y, [...lead, bins, resultParts]);
}

/** What element n counts: nothing behind `length`; twice where it stands for its mirror image too. */
function weightOf(n: number, { length, inverse, oneSided }: Transform): number {
  if (!inverse) return n < length ? 1 : 0;
  if (!oneSided) return n < length ? 1 / length : 0;
  if (n > Math.floor(length / 2)) return 0;
  return (n === 0 || 2 * n === length ? 1 : 2) / length;
}
