import { Builder } from "../../ir/builder.ts";
import { Graph, Value } from "../../ir/graph.ts";
import { add, mul } from "../../ir/ops/arithmetic.ts";
import { isNan } from "../../ir/ops/comparison.ts";
import { returnOp } from "../../ir/ops/control.ts";
import { select } from "../../ir/ops/logic.ts";
import { scan } from "../../ir/ops/loop.ts";
import { concat, reshape, slice, transpose } from "../../ir/ops/movement.ts";
import { tensor } from "../../ir/tensor.ts";
import type { TensorType } from "../../ir/types.ts";
import { constantOf } from "../tabular/graph.ts";

/**
 * Margins [rows, groups] of a linear model: bias + base, then x * w feature after feature, each step rounded to f32, missing ones
 * passed over. A scan, because sums of any other order have other bits; over products made before it, because products and sums
 * in one kernel may be rounded once. Of base scores by group XGBoost takes the first for all.
 */
export function linearMargins(b: Builder, x: Value, weights: ArrayLike<number>, base: readonly number[]): Value {
  const features = x.type.shape[1] as number;
  const groups = base.length;
  const bias = constantOf(
    b,
    tensor(
      "f32",
      [1, groups],
      base.map((_, k) => Math.fround(Math.fround(weights[features * groups + k]!) + base[0]!)),
    ),
  );
  const columns = b.create(reshape, { x: b.create(transpose, { x }, { perm: [1, 0] }) }, { shape: [features, -1, 1] });
  const isMissing = b.create(isNan, { x: columns });
  const slopes = constantOf(b, tensor("f32", [features, 1, groups], Array.from(weights).slice(0, features * groups)));
  // s + -0 is s, whatever s is; s + 0 is not.
  const nothing = constantOf(b, tensor("f32", [], [-0]));
  const terms = b.create(select, { condition: isMissing, a: nothing, b: b.create(mul, { a: columns, b: slopes }) });
  // A row of biases for each row of x, whose number may be open.
  const first = b.create(isNan, { x: b.create(slice, { x }, { starts: [0, 0], sizes: [-1, 1], steps: [1, 1] }) });
  const start = b.create(select, { condition: first, a: bias, b: bias });
  return b.createAll(scan, { values: [start, terms] }, { carried: 1, captured: 0 }, [addition(start.type)])[0]!;
}

/** What each feature adds to the margins, [rows, groups, features + 1], the last being bias + base. Missing ones add nothing. */
export function linearContributions(b: Builder, x: Value, weights: ArrayLike<number>, base: readonly number[]): Value {
  const features = x.type.shape[1] as number;
  const groups = base.length;
  const ofFeatures = tensor(
    "f32",
    [groups, features],
    Array.from({ length: groups * features }, (_, i) => weights[(i % features) * groups + Math.floor(i / features)]!),
  );
  const wide = b.create(reshape, { x }, { shape: [-1, 1, features] });
  const isMissing = b.create(isNan, { x: wide });
  const terms = b.create(select, {
    condition: isMissing,
    a: constantOf(b, tensor("f32", [], [0])),
    b: b.create(mul, { a: wide, b: constantOf(b, ofFeatures) }),
  });
  const bias = constantOf(
    b,
    tensor(
      "f32",
      [groups, 1],
      base.map((_, k) => Math.fround(Math.fround(weights[features * groups + k]!) + base[0]!)),
    ),
  );
  const first = b.create(slice, { x: isMissing }, { starts: [0, 0, 0], sizes: [-1, 1, 1], steps: [1, 1, 1] });
  return b.create(concat, { xs: [terms, b.create(select, { condition: first, a: bias, b: bias })] }, { axis: 2 });
}

/** One feature added to the sums so far. */
function addition(type: TensorType): Graph {
  const [sum, term] = ["sum", "term"].map((name) => new Value(type, name)) as [Value, Value];
  const graph = new Graph("body", [sum, term]);
  const b = new Builder(graph.ops);
  b.createAll(returnOp, { values: [b.create(add, { a: sum, b: term })] }, { names: [] });
  return graph;
}
