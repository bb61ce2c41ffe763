import type { Dim } from "../../../ir/types.ts";
import { countOf, equalDims } from "../../../ir/dims.ts";
import { shapeText } from "../../../ir/broadcast.ts";
import { abs, div, mul, sqrt, sub } from "../../../ir/ops/arithmetic.ts";
import { equal, greater, isNan } from "../../../ir/ops/comparison.ts";
import { gather } from "../../../ir/ops/gather.ts";
import { select } from "../../../ir/ops/logic.ts";
import { concat, pad } from "../../../ir/ops/movement.ts";
import { reduce } from "../../../ir/ops/reduction.ts";
import type { Value } from "../../../ir/graph.ts";
import { isFloat, isInteger } from "../../../ir/types.ts";
import type { NodeContext } from "../context.ts";
import { castTo, reshapeTo, sliceAxis } from "../rearrange.ts";
import { extentAt, rankOf } from "../static-shape.ts";
import { since, type OperatorTable } from "./table.ts";

/** Operators that prepare rows of features. */
export const ML_FEATURES: OperatorTable = {
  ArrayFeatureExtractor: since(1, importArrayFeatureExtractor),
  Binarizer: since(1, importBinarizer),
  FeatureVectorizer: since(1, importFeatureVectorizer),
  Imputer: since(1, importImputer),
  Normalizer: since(1, importNormalizer),
  Scaler: since(1, importScaler),
};

/** Columns by index. Of a vector it makes one row. */
function importArrayFeatureExtractor(c: NodeContext): Value {
  const x = c.need(0, "X");
  const count = countOf(c.need(1, "Y").type.shape);
  if (rankOf(x) === 0 || count === 0) c.fail("picks nothing, or from a scalar");
  const picked = c.b.create(gather, { x, indices: reshapeTo(c.b, c.need(1, "Y"), [count]) }, { axis: rankOf(x) - 1 });
  return rankOf(x) === 1 ? reshapeTo(c.b, picked, [1, count]) : picked;
}

function importBinarizer(c: NodeContext): Value {
  const x = c.need(0, "X");
  const { dtype } = x.type;
  return castTo(c.b, c.b.create(greater, { a: x, b: c.scalar(dtype, c.float("threshold", 0)) }), dtype);
}

/** Rows side by side, each cut or filled with zeros to its share of `inputdimensions`. */
function importFeatureVectorizer(c: NodeContext): Value {
  const widths = c.required("inputdimensions", c.ints("inputdimensions"));
  if (widths.length !== c.operands.length || widths.some((width) => width < 0))
    c.fail(`has inputdimensions ${widths.join(", ")} for ${c.operands.length} inputs`);
  const rows = (x: Value): Dim => (rankOf(x) === 1 ? 1 : (x.type.shape[0] ?? c.fail("has a scalar for an input")));
  const count = rows(c.need(0, "X[0]"));
  const xs = widths.map((width, i) => {
    const x = c.need(i, `X[${i}]`);
    if (!equalDims(rows(x), count)) c.fail(`has inputs of ${shapeText([count])} and ${shapeText([rows(x)])} rows`);
    const flat = reshapeTo(c.b, castTo(c.b, x, "f32"), [count, countOf(x.type.shape.slice(rankOf(x) === 1 ? 0 : 1))]);
    const missing = width - extentAt(flat, 1)!;
    return missing > 0 ? c.b.create(pad, { x: flat }, { low: [0, 0], high: [0, missing] }) : sliceAxis(c.b, flat, 1, 0, width);
  });
  return xs.length === 1 ? xs[0]! : c.b.create(concat, { xs }, { axis: 1 });
}

/** One value for all features where there are not as many as features. NaN is replaced where NaN is what is missing. */
function importImputer(c: NodeContext): Value {
  const x = c.need(0, "X");
  const { dtype } = x.type;
  const asFloat = isFloat(dtype);
  if (!asFloat && !isInteger(dtype)) c.fail(`has an input of ${dtype}, wanted numbers`);
  const missing = asFloat ? c.float("replaced_value_float", 0) : c.int("replaced_value_int64", 0);
  c.ignore("replaced_value_float", "replaced_value_int64");
  const name = asFloat ? "imputed_value_floats" : "imputed_value_int64s";
  const values = c.required(name, asFloat ? c.floats(name) : c.ints(name));
  const features = featuresOf(c, x);
  if (rankOf(x) > 2) c.fail(`has an input of rank ${rankOf(x)}, wanted 1 or 2`, { reason: "rank", nearest: "an input of rank 1 or 2" });
  const isMissing = Number.isNaN(missing) ? c.b.create(isNan, { x }) : c.b.create(equal, { a: x, b: c.scalar(dtype, missing) });
  const fill = values.length === features ? c.vector(dtype, values) : c.scalar(dtype, values[0] ?? c.fail(`has no ${name}`));
  return c.b.create(select, { condition: isMissing, a: fill, b: x });
}

/** Rows divided by their greatest element, the sum of sizes, or the root of the sum of squares; rows where that is 0 stay. */
function importNormalizer(c: NodeContext): Value {
  const given = c.need(0, "X");
  const norm = c.word("norm", ["MAX", "L1", "L2"]);
  const axis = rankOf(given) > 1 ? 1 : 0;
  if (rankOf(given) === 0) c.fail("has a scalar for an input");
  const x = castTo(c.b, given, "f32");
  const over = (value: Value, kind: "max" | "sum"): Value => c.b.create(reduce, { x: value }, { kind, axes: [axis] });
  const sizes: Record<typeof norm, () => Value> = {
    MAX: () => over(x, "max"),
    L1: () => over(c.b.create(abs, { x }), "sum"),
    L2: () => c.b.create(sqrt, { x: over(c.b.create(mul, { a: x, b: x }), "sum") }),
  };
  const size = sizes[norm]();
  const isZero = c.b.create(equal, { a: size, b: c.scalar("f32", 0) });
  return c.b.create(div, { a: x, b: c.b.create(select, { condition: isZero, a: c.scalar("f32", 1), b: size }) });
}

/** Elements of a row of x, or of x where it is one. */
function featuresOf(c: NodeContext, x: Value): number {
  return rankOf(x) === 0 ? c.fail("has a scalar for an input") : extentAt(x, rankOf(x) === 1 ? 0 : 1)!;
}

/** (x - offset) * scale, one of each or one a feature; f64 is rounded at the end. */
function importScaler(c: NodeContext): Value {
  const given = c.need(0, "X");
  const x = given.type.dtype === "f64" ? given : castTo(c.b, given, "f32");
  const features = featuresOf(c, x);
  const parameter = (name: string): Value => {
    const values = c.required(name, c.floats(name));
    if (values.length === 1) return c.scalar(x.type.dtype, values[0]!);
    if (values.length !== features || rankOf(x) > 2) c.fail(`has ${values.length} of ${name} for rows of ${features} features in rank ${rankOf(x)}`);
    return c.vector(x.type.dtype, values);
  };
  const centred = c.b.create(sub, { a: x, b: parameter("offset") });
  return castTo(c.b, c.b.create(mul, { a: centred, b: parameter("scale") }), "f32");
}
