import type { Builder } from "../../ir/builder.ts";
import type { Value } from "../../ir/graph.ts";
import { add, mul } from "../../ir/ops/arithmetic.ts";
import { isNan } from "../../ir/ops/comparison.ts";
import { gather, gatherElements } from "../../ir/ops/gather.ts";
import { select } from "../../ir/ops/logic.ts";
import { pad, reshape } from "../../ir/ops/movement.ts";
import { reduce } from "../../ir/ops/reduction.ts";
import { tensor } from "../../ir/tensor.ts";
import { treeCount, type TreeEnsemble } from "../../ir/trees/ensemble.ts";
import { NeoError } from "../../support/errors.ts";
import { limitError, type Limits } from "../../support/limits.ts";
import { constantOf } from "../tabular/graph.ts";
import { leafOf } from "./ensemble.ts";
import type { LightgbmLeaf, LightgbmModel } from "./model.ts";

export function isLinear({ trees }: LightgbmModel): boolean {
  return trees.some(({ leaves }) => [...leaves.values()].some((leaf) => leaf.linear !== undefined));
}

/** What each leaf of an ensemble gives, in its order. */
export interface LinearLeaves {
  readonly constants: readonly number[];
  /** Instead, where one of the features is NaN. */
  readonly values: readonly number[];
  /** `width` a leaf; the column behind the last stands for none. */
  readonly features: readonly number[];
  readonly coefficients: readonly number[];
  readonly width: number;
}

export function linearLeaves(model: LightgbmModel, firstTree: number, ensemble: TreeEnsemble, file: string, limits: Limits): LinearLeaves {
  const leaves: LightgbmLeaf[] = [];
  for (let i = 0; i < treeCount(ensemble); i++)
    for (let j = ensemble.leaves[i]!; j < ensemble.leaves[i + 1]!; j++) {
      const number = ensemble.leafNodes[j]!;
      leaves.push(checked(leafOf(model.trees[firstTree + i]!, number)!, model.features, `tree ${firstTree + i}, leaf ${number}`, file));
    }
  const width = leaves.reduce((most, { linear }) => Math.max(most, linear?.features.length ?? 0), 0);
  const bytes = leaves.length * width * 16;
  if (bytes > limits.tensorBytes) throw limitError("tensorBytes", limits, file, "bytes of the coefficients:", bytes);
  const padded = (list: readonly number[] | undefined, nothing: number): readonly number[] => Array.from({ length: width }, (_, j) => list?.[j] ?? nothing);
  return {
    constants: leaves.map(({ value, linear }) => linear?.constant ?? value),
    values: leaves.map(({ value }) => value),
    features: leaves.flatMap(({ linear }) => padded(linear?.features, model.features)),
    coefficients: leaves.flatMap(({ linear }) => padded(linear?.coefficients, 0)),
    width,
  };
}

function checked(leaf: LightgbmLeaf, columns: number, where: string, file: string): LightgbmLeaf {
  const odd = leaf.linear?.features.find((feature) => !Number.isInteger(feature) || feature < 0 || feature >= columns);
  if (odd === undefined) return leaf;
  throw new NeoError({
    code: "NEO2031",
    message: `${file} has not what its format says`,
    notes: [{ where, text: `reads feature ${odd}, rows have ${columns}` }],
    hint: "save the model again with the library that trained it",
    file,
  });
}

/** Sums [rows, groups] of linear trees over x, given the leaf (counted through the ensemble) that each tree comes to. */
export function linearSums(b: Builder, x: Value, leaf: Value, leaves: LinearLeaves, groups: number): Value {
  const trees = leaf.type.shape[1] as number;
  const { width } = leaves;
  const pick = (dtype: "f64" | "i32", values: readonly number[], wide: boolean): Value => {
    const table = constantOf(b, tensor(dtype, wide ? [leaves.values.length, width] : [leaves.values.length], values));
    return b.create(gather, { x: table, indices: leaf }, { axis: 0 });
  };
  let given = pick("f64", leaves.constants, false);
  if (width > 0) {
    const places = b.create(reshape, { x: pick("i32", leaves.features, true) }, { shape: [-1, trees * width] });
    const wider = b.create(pad, { x }, { low: [0, 0], high: [0, 1], mode: "constant", value: 0 });
    const read = b.create(gatherElements, { x: wider, indices: places }, { axis: 1 });
    const inputs = b.create(reshape, { x: read }, { shape: [-1, trees, width] });
    const terms = b.create(mul, { a: inputs, b: pick("f64", leaves.coefficients, true) });
    const sum = b.create(add, { a: given, b: b.create(reduce, { x: terms }, { kind: "sum", axes: [2], keepDims: false }) });
    const isMissing = b.create(reduce, { x: b.create(isNan, { x: inputs }) }, { kind: "any", axes: [2], keepDims: false });
    given = b.create(select, { condition: isMissing, a: pick("f64", leaves.values, false), b: sum });
  }
  const byRound = b.create(reshape, { x: given }, { shape: [-1, trees / groups, groups] });
  return b.create(reduce, { x: byRound }, { kind: "sum", axes: [1], keepDims: false });
}
