import { add, div, max, mul, pow, sqrt, sub, abs } from "../../../ir/ops/arithmetic.ts";
import { argReduce, cumulative, reduce } from "../../../ir/ops/reduction.ts";
import { boundsOf } from "../../../ir/dims.ts";
import { shapeText } from "../../../ir/broadcast.ts";
import { sort, topK } from "../../../ir/ops/sorting.ts";
import { span } from "../../../ir/ops/span.ts";
import type { Value } from "../../../ir/graph.ts";
import type { Importer, NodeContext } from "../context.ts";
import { range } from "../rearrange.ts";
import { rankOf } from "../static-shape.ts";
import { since, type OperatorTable } from "./table.ts";

type Kind = "sum" | "mean" | "prod" | "min" | "max" | "l1" | "l2" | "logSum" | "logSumExp" | "sumSquare";

export const REDUCTION: OperatorTable = {
  ArgMax: argReduction("max"),
  ArgMin: argReduction("min"),
  CumProd: since(26, running("prod")),
  CumSum: since(11, running("sum")),
  GlobalAveragePool: (c) => overSpace(c, "mean"),
  GlobalLpPool: importGlobalLpPool,
  GlobalMaxPool: (c) => overSpace(c, "max"),
  LpNormalization: importLpNormalization,
  MeanVarianceNormalization: since(9, importMeanVarianceNormalization),
  ReduceL1: reduction("l1"),
  ReduceL2: reduction("l2"),
  ReduceLogSum: reduction("logSum"),
  ReduceLogSumExp: reduction("logSumExp"),
  ReduceMax: reduction("max"),
  ReduceMean: reduction("mean"),
  ReduceMin: reduction("min"),
  ReduceProd: reduction("prod"),
  ReduceSum: reduction("sum"),
  ReduceSumSquare: reduction("sumSquare"),
  TopK: importTopK,
};

function reduction(kind: Kind): Importer {
  return (c) => {
    const x = c.need(0, "data");
    const rank = rankOf(x);
    const given = c.intsOfEither("axes", 1) ?? [];
    const keepsAll = c.flag("noop_with_empty_axes", false);
    const keepDims = c.flag("keepdims", true);
    const axes = given.length > 0 ? c.axes(given, rank) : keepsAll ? [] : range(rank);
    // Of one element, these are the element itself.
    if (axes.length === 0 && ["sum", "mean", "prod", "min", "max"].includes(kind)) return x;
    return c.b.create(reduce, { x }, { kind, axes, keepDims });
  };
}

function argReduction(kind: "max" | "min"): Importer {
  return (c) => {
    const x = c.need(0, "data");
    const attrs = { kind, axis: c.axis(c.int("axis", 0), rankOf(x)), keepDims: c.flag("keepdims", true), lastIndex: c.flag("select_last_index", false) };
    return c.b.create(argReduce, { x }, attrs);
  };
}

function running(kind: "sum" | "prod"): Importer {
  return (c) => {
    const x = c.need(0, "x");
    const axis = c.constantInts(1, "axis") ?? [];
    if (axis.length !== 1) c.fail(`has ${axis.length} axes, wanted one`);
    return c.b.create(cumulative, { x }, { kind, axis: c.axis(axis[0]!, rankOf(x)), exclusive: c.flag("exclusive", false), reverse: c.flag("reverse", false) });
  };
}

function overSpace(c: NodeContext, kind: Kind): Value {
  const x = c.need(0, "X");
  if (rankOf(x) < 3) c.fail(`has an input of rank ${rankOf(x)}, wanted 3 or more`, { reason: "rank", nearest: "an input of rank 3 or more" });
  return c.b.create(reduce, { x }, { kind, axes: range(rankOf(x)).slice(2) });
}

function importGlobalLpPool(c: NodeContext): Value {
  const p = c.int("p", 2);
  if (p === 1 || p === 2) return overSpace(c, p === 1 ? "l1" : "l2");
  const x = c.need(0, "X");
  const { dtype } = x.type;
  const powers = c.b.create(pow, { a: c.b.create(abs, { x }), b: c.scalar(dtype, p) });
  const sum = c.b.create(reduce, { x: powers }, { kind: "sum", axes: range(rankOf(x)).slice(2) });
  return c.b.create(pow, { a: sum, b: c.scalar(dtype, 1 / p) });
}

/** Smallest normal of each dtype: a row of zeros stays one, as it does in ONNX Runtime. */
const TINY: Readonly<Record<string, number>> = { f16: 2 ** -14, bf16: 2 ** -126, f32: 2 ** -126, f64: 2 ** -1022 };

function importLpNormalization(c: NodeContext): Value {
  const x = c.need(0, "input");
  const axis = c.axis(c.int("axis", -1), rankOf(x));
  const p = c.int("p", 2);
  if (p !== 1 && p !== 2) c.fail(`has p = ${p}, wanted 1 or 2`, { awsName: "OperatorAttributeValueNotValid" });
  const norm = c.b.create(reduce, { x }, { kind: p === 1 ? "l1" : "l2", axes: [axis] });
  return c.b.create(div, { a: x, b: c.b.create(max, { a: norm, b: c.scalar(x.type.dtype, TINY[x.type.dtype] ?? 1) }) });
}

/** (x - mean) / (deviation + 1e-9), the function body of MeanVarianceNormalization-13. */
function importMeanVarianceNormalization(c: NodeContext): Value {
  const x = c.need(0, "X");
  const axes = c.axes(c.ints("axes") ?? [0, 2, 3], rankOf(x));
  const mean = (value: Value): Value => c.b.create(reduce, { x: value }, { kind: "mean", axes });
  const centred = c.b.create(sub, { a: x, b: mean(x) });
  const deviation = c.b.create(sqrt, { x: mean(c.b.create(mul, { a: centred, b: centred })) });
  return c.b.create(div, { a: centred, b: c.b.create(add, { a: deviation, b: c.scalar(x.type.dtype, 1e-9) }) });
}

function importTopK(c: NodeContext): readonly Value[] {
  const x = c.need(0, "X");
  const axis = c.axis(c.int("axis", -1), rankOf(x));
  if (c.opset >= 10 && c.operand(1) && !c.isKnown(1)) return openTopK(c, x, axis);
  const k = c.opset < 10 ? c.required("k", c.int("k")) : (c.constantInts(1, "K") ?? c.fail("has no input K"))[0];
  if (k === undefined || k < 0 || k > boundsOf(x.type.shape[axis]!)[1]) return c.fail(`takes ${k} along axis ${axis} of ${shapeText(x.type.shape)}`);
  const attrs = { axis, largest: c.flag("largest", true), sorted: c.flag("sorted", true) };
  return c.b.createAll(topK, { x }, { ...attrs, k });
}

/** All in order, and of those as many as the data say. */
function openTopK(c: NodeContext, x: Value, axis: number): readonly Value[] {
  c.ignore("sorted");
  const [length, extent] = [c.need(1, "K"), c.lengthName];
  const sorted = c.b.createAll(sort, { x }, { axis, descending: c.flag("largest", true) });
  return sorted.map((part) => c.b.create(span, { x: part, length }, { axis, extent }));
}
