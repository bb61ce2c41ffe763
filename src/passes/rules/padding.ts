import { conv } from "../../ir/ops/convolution.ts";
import { concat, pad } from "../../ir/ops/movement.ts";
import { pool } from "../../ir/ops/window.ts";
import type { Value } from "../../ir/graph.ts";
import { isFloat } from "../../ir/types.ts";
import { constantTensor, uniform } from "../constants.ts";
import { onlyUse, op, rule, value, type Rule } from "../pattern.ts";

const x = value();
const padded = op(pad, { x });
const image = op(conv, { x: onlyUse(padded) });
const pooled = op(pool, { x: onlyUse(padded) });

const joinedParts = op(concat);

const NOTHING = { type: { dtype: "f32", shape: [0] }, data: new Float32Array() } as const;

interface Padding {
  readonly low: readonly number[];
  readonly high: readonly number[];
  readonly mode: string;
  readonly value: number;
}

/** The pads of a window op with those of the pad in front put on; undefined where that pads batch or channels, or with another number. */
function joined({ low, high, mode, value: filling }: Padding, pads: readonly number[], wanted: number): readonly number[] | undefined {
  const outside = [low[0], low[1], high[0], high[1]].some((count) => count !== 0);
  if (mode !== "constant" || filling !== wanted || outside) return undefined;
  return [...low.slice(2), ...high.slice(2)].map((count, i) => count + (pads[i] ?? 0));
}

export const paddingRules: readonly Rule[] = [
  // concat(n, x, n) == pad(x) with the number n
  rule("concat-is-pad", joinedParts, (m, b) => {
    const at = m.get(joinedParts);
    const parts = at.operands as readonly Value[];
    const inner = parts.findIndex((part) => !constantTensor(part));
    const others = parts.filter((_, i) => i !== inner);
    const filling = uniform(constantTensor(others[0]) ?? NOTHING);
    const alike = filling !== undefined && others.every((part) => uniform(constantTensor(part) ?? NOTHING) === filling);
    const x = parts[inner];
    if (!alike || !x || !isFloat(x.type.dtype)) return undefined;
    const rank = x.type.shape.length;
    const axis = at.attrs.axis < 0 ? at.attrs.axis + rank : at.attrs.axis;
    const along = (some: readonly Value[]): number[] => {
      const count = some.reduce((n, part) => n + (part.type.shape[axis] as number), 0);
      return Array.from({ length: rank }, (_, i) => (i === axis ? count : 0));
    };
    return b.create(pad, { x }, { low: along(parts.slice(0, inner)), high: along(parts.slice(inner + 1)), value: filling });
  }),
  // conv(pad(x, 0)) == conv(x) with those pads
  rule("pad-into-conv", image, (m, b) => {
    const at = m.get(image);
    const pads = joined(m.get(padded).attrs, at.attrs.pads, 0);
    return pads && b.create(conv, { x: m.get(x), w: at.operand("w")!, bias: at.operand("bias"), residual: at.operand("residual") }, { ...at.attrs, pads });
  }),
  // A maximum does not see -inf: pool(pad(x, -inf)) == pool(x) with those pads. A mean counts the zeros of a pad.
  rule("pad-into-pool", pooled, (m, b) => {
    const { attrs } = m.get(pooled);
    if (!isFloat(m.get(x).type.dtype) || attrs.ceilMode) return undefined;
    if (attrs.kind === "max") {
      const pads = joined(m.get(padded).attrs, attrs.pads, -Infinity);
      return pads && b.create(pool, { x: m.get(x) }, { ...attrs, pads });
    }
    const alone = attrs.countIncludePad || attrs.pads.every((count) => count === 0);
    const pads = attrs.kind === "average" && alone ? joined(m.get(padded).attrs, attrs.pads, 0) : undefined;
    return pads && b.create(pool, { x: m.get(x) }, { ...attrs, pads, countIncludePad: true });
  }),
];
