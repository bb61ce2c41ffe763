import type { AttrValue } from "../ir/attr.ts";
import type { Op } from "../ir/graph.ts";
import type { AnyOpDef } from "../ir/op-def.ts";
import { dequantise, quantise } from "../ir/ops/conversion.ts";
import { concat, pad, reverse, roll, slice } from "../ir/ops/movement.ts";
import { l2Normalise, logSoftmax, softmax } from "../ir/ops/normalisation.ts";
import { cumulative, reduce } from "../ir/ops/reduction.ts";
import { resize } from "../ir/ops/resize.ts";

/** How an op of transposed operands is computed from the operands as they were. */
export interface Carried {
  readonly attrs: Readonly<Record<string, AttrValue>>;
  /** Turns its result into that of the op: axis i is axis perm[i]. */
  readonly perm: readonly number[];
}

interface Carrier {
  /** Operands that have the axes; the others are parameters and stay. */
  readonly carries: "all" | "first";
  /** Slower along another axis than the last: only worth it where a transpose follows that this one meets. */
  readonly onlyToMeet?: boolean;
  readonly carried: (op: Op, perm: readonly number[]) => Carried | undefined;
}

type Numbers = readonly number[];

/** Numbers one an axis, in the order of the axes before they were transposed. */
function placed(values: Numbers, perm: Numbers): Numbers {
  const old = new Array<number>(perm.length);
  perm.forEach((axis, i) => (old[axis] = values[i]!));
  return old;
}

const axisOf = (axis: number, perm: Numbers): number => perm[axis < 0 ? axis + perm.length : axis]!;

/** Attributes that have one number an axis. */
function perAxis(...names: readonly string[]): Carrier["carried"] {
  return ({ attrs }, perm) => ({ attrs: { ...attrs, ...Object.fromEntries(names.map((name) => [name, placed(attrs[name] as Numbers, perm)])) }, perm });
}

/** Attributes that name an axis, or several. */
function namesAxes(name: string): Carrier["carried"] {
  return ({ attrs }, perm) => {
    const named = attrs[name] as number | Numbers;
    return { attrs: { ...attrs, [name]: typeof named === "number" ? axisOf(named, perm) : named.map((axis) => axisOf(axis, perm)) }, perm };
  };
}

const alongAxis: Carrier = { carries: "all", carried: namesAxes("axis") };
const scaled: Carrier = {
  carries: "first",
  carried: (op, perm) =>
    op.attrs["block"] === 0 && op.operands[1]!.type.shape.length === 1 && op.operands[1]!.type.shape[0] !== 1
      ? namesAxes("axis")(op, perm)
      : op.attrs["block"] === 0
        ? { attrs: op.attrs, perm }
        : undefined,
};

const CARRIERS: ReadonlyMap<AnyOpDef, Carrier> = new Map<AnyOpDef, Carrier>([
  [concat, alongAxis],
  [cumulative, alongAxis],
  [softmax, { ...alongAxis, onlyToMeet: true }],
  [logSoftmax, { ...alongAxis, onlyToMeet: true }],
  [l2Normalise, { carries: "all", onlyToMeet: true, carried: namesAxes("axes") }],
  [reverse, { carries: "all", carried: namesAxes("axes") }],
  [roll, { carries: "all", carried: namesAxes("axes") }],
  [pad, { carries: "all", carried: perAxis("low", "high") }],
  [slice, { carries: "all", carried: perAxis("starts", "sizes", "steps") }],
  [resize, { carries: "all", carried: resized }],
  [reduce, { carries: "all", carried: reduced }],
  [quantise, scaled],
  [dequantise, scaled],
]);

const elementwise: Carrier = { carries: "all", carried: ({ attrs }, perm) => ({ attrs, perm }) };

/** undefined: transposes don't pass the op. */
export function carrierOf(op: Op): Carrier | undefined {
  return op.results.length !== 1 ? undefined : op.def.elementwise ? elementwise : CARRIERS.get(op.def);
}

function resized(op: Op, perm: Numbers): Carried {
  const roi = op.attrs["roi"] as Numbers;
  const rank = perm.length;
  const moved = roi.length === 0 ? roi : [...placed(roi.slice(0, rank), perm), ...placed(roi.slice(rank), perm)];
  const { attrs } = perAxis("shape", "scales")(op, perm)!;
  return { attrs: { ...attrs, roi: moved }, perm };
}

/** Without the reduced axes, those that are left count anew. */
function reduced({ attrs }: Op, perm: Numbers): Carried {
  const axes = (attrs["axes"] as Numbers).map((axis) => axisOf(axis, perm));
  const left = perm.filter((axis) => !axes.includes(axis));
  const order = left.toSorted((a, b) => a - b);
  return { attrs: { ...attrs, axes }, perm: attrs["keepDims"] ? perm : left.map((axis) => order.indexOf(axis)) };
}
