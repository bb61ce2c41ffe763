/** Means of dequantised numbers: sums of stored integers are exact, in any order, where those of their real numbers are not. */
import { dequantise, quantise, storageCast } from "../../ir/ops/conversion.ts";
import { mul } from "../../ir/ops/arithmetic.ts";
import { reduce } from "../../ir/ops/reduction.ts";
import { isBlended, resize } from "../../ir/ops/resize.ts";
import { pool } from "../../ir/ops/window.ts";
import type { Builder } from "../../ir/builder.ts";
import type { Value } from "../../ir/graph.ts";
import { BITS } from "../../ir/types.ts";
import { onlyUse, op, rule, value, type Match, type Rule } from "../pattern.ts";
import { equalParameters, numberOf, parametersOf, storedBehind, typed } from "./quantised.ts";

const x = value();
const real = op(dequantise, { x });
const pooled = op(pool, { x: onlyUse(real) });
const reduced = op(reduce, { x: onlyUse(real) });
const resized = op(resize, { x: real });
const stored = op(quantise, { x: onlyUse(resized) });

/** What `average` makes of the stored integers less their zero point, times their scale. */
function scaledBehind(m: Match, b: Builder, average: (integers: Value) => Value): Value | undefined {
  const at = m.get(real);
  const parameters = parametersOf(at);
  const isPlain = parameters?.scale.length === 1 && parameters.scale[0] !== 1 && at.operand("scale")!.type.dtype === "f32";
  if (!isPlain || at.attrs.to !== "f32" || BITS[m.get(x).type.dtype] > 8) return undefined;
  const number = numberOf(b);
  const integers = b.create(dequantise, { x: m.get(x), scale: number(1), zeroPoint: at.operand("zeroPoint") }, { ...at.attrs, axis: 0 });
  return b.create(mul, { a: average(integers), b: number(parameters.scale[0]!) });
}

export const quantisedMeanRules: readonly Rule[] = [
  // mean(x * scale) == mean(x) * scale
  rule("scale-behind-average-pool", pooled, (m, b) => {
    const { attrs } = m.get(pooled);
    return attrs.kind === "average" ? scaledBehind(m, b, (integers) => b.create(pool, { x: integers }, attrs)) : undefined;
  }),
  rule("scale-behind-mean", reduced, (m, b) => {
    const { attrs } = m.get(reduced);
    return attrs.kind === "mean" || attrs.kind === "sum" ? scaledBehind(m, b, (integers) => b.create(reduce, { x: integers }, attrs)) : undefined;
  }),
  // quantise(resize(dequantise(x))) == resize(x) over the integers, where both quantisations are the same. Between two pixels many
  // places lie halfway between two integers, and rounding errors of f32 decide: those of ONNX Runtime, in resize itself.
  rule("integer-resize", stored, (m, b) => {
    const [inner, outer] = [storedBehind(m.value(real)), parametersOf(m.get(stored))];
    const [{ dtype }, { attrs }] = [m.get(x).type, m.get(resized)];
    if (inner?.scale.length !== 1 || inner.scale[0]! <= 0 || !outer || BITS[dtype] > 16 || m.get(stored).attrs.to !== dtype) return undefined;
    if (!equalParameters({ scale: inner.scale, zeroPoint: inner.zeroPoint, axis: inner.axis }, outer)) return undefined;
    if (attrs.coordinates === "tfCropAndResize" || isBlended(m.get(resized))) return undefined;
    return b.create(storageCast, { x: b.create(resize, { x: typed(b, inner) }, attrs) });
  }),
];
