import type { Builder } from "../../ir/builder.ts";
import type { Graph, Value } from "../../ir/graph.ts";
import { add, mul, sub } from "../../ir/ops/arithmetic.ts";
import { greater } from "../../ir/ops/comparison.ts";
import { cast } from "../../ir/ops/conversion.ts";
import { concat, reshape } from "../../ir/ops/movement.ts";
import { argReduce } from "../../ir/ops/reduction.ts";
import { trees as treesOp } from "../../ir/ops/trees.ts";
import { tensor } from "../../ir/tensor.ts";
import { ensembleAttrs } from "../../ir/trees/ensemble.ts";
import { NeoError } from "../../support/errors.ts";
import { DEFAULT_LIMITS, type Limits } from "../../support/limits.ts";
import type { ModelDescription } from "../onnx/describe.ts";
import { constantOf, once, roundsFrom, specOf, tabularGraph, type OutputKind, type TabularInput, type TabularOptions } from "../tabular/graph.ts";
import { exactExp, flat, logistic64, scalarLike, softmaxRows } from "../tabular/transforms.ts";
import { readCatboost } from "./document.ts";
import { ensembleOf } from "./ensemble.ts";
import { LOSSES, type Meaning } from "./losses.ts";
import type { CatboostModel } from "./model.ts";

/**
 * The graph of a CatBoost model over rows `x` of f32 and, if it has features by category, `categories` of i32, their hashes. Outputs:
 * `predict`, what the library's models give; `raw`, scale * sum + bias in f64; of classifiers `probability` and `class`; `leaf`.
 */
export function importCatboost(bytes: Uint8Array, options: TabularOptions): Graph {
  const { fileName: file, limits = DEFAULT_LIMITS } = options;
  const model = readCatboost(bytes, file, limits);
  const meaning = LOSSES.get(model.loss);
  if (!meaning) throw unknownLoss(model.loss, file);
  return tabularGraph(inputsOf(model), kindsOf(model, meaning, options), options);
}

/** What a CatBoost file says of itself. */
export function describeCatboost(bytes: Uint8Array, fileName: string, limits: Limits = DEFAULT_LIMITS): ModelDescription {
  const model = readCatboost(bytes, fileName, limits);
  const specs = inputsOf(model).map(specOf);
  const meaning = LOSSES.get(model.loss);
  const isWide = model.dimensions > 1 && meaning !== "classes" && meaning !== "oneVsAll";
  return {
    format: "catboost",
    version: { ir: 0, opset: {}, producer: "CatBoost" },
    inputs: specs,
    outputs: [{ ...specs[0]!, name: "predict", dims: isWide ? ["N", model.dimensions] : ["N"] }],
    nodes: model.trees.length,
    opCounts: { [model.loss || "no loss"]: 1, trees: model.trees.length },
    warnings: [],
  };
}

function inputsOf({ floatNames, categoryNames }: CatboostModel): readonly TabularInput[] {
  const named = (names: readonly string[]): readonly string[] => (names.every((name) => name !== "") ? names : []);
  const x: TabularInput = { name: "x", dtype: "f32", columns: floatNames.length, features: named(floatNames) };
  return categoryNames.length === 0 ? [x] : [x, { name: "categories", dtype: "i32", columns: categoryNames.length, features: named(categoryNames) }];
}

function kindsOf(model: CatboostModel, meaning: Meaning, options: TabularOptions): readonly OutputKind[] {
  const { scale, bias, dimensions } = model;
  const range = roundsFrom(options, model.trees.length, undefined);
  const isPlain = scale === 1;
  const attrs = ensembleAttrs(ensembleOf(model, range, isPlain ? bias : bias.map(() => 0), options.fileName));
  const raw = once((b, x) => {
    const sum = b.create(treesOp, { x }, { ...attrs, aggregate: "sum", baseLast: true });
    if (isPlain) return sum;
    return b.create(add, { a: b.create(mul, { a: sum, b: scalarLike(b, sum, scale) }), b: constantOf(b, tensor("f64", [dimensions], bias)) });
  });
  const kinds = {
    raw: { name: "raw", make: (b, x) => flat(b, raw(b, x)) },
    leaf: { name: "leaf", make: (b, x) => b.create(treesOp, { x }, { ...attrs, aggregate: "sum", output: "leaves" }) },
    exponent: { name: "exponent", make: (b, x) => flat(b, exactExp(b, raw(b, x))) },
    probability: { name: "probability", make: (b, x) => probabilityOf(b, raw(b, x), meaning) },
    class: { name: "class", make: (b, x) => classOf(b, raw(b, x), meaning), ...classLabels(model, meaning) },
  } satisfies Record<string, OutputKind>;
  const predict = meaning === "raw" ? kinds.raw : meaning === "exponent" ? kinds.exponent : kinds.class;
  const others = meaning === "raw" ? [] : meaning === "exponent" ? [kinds.exponent] : [kinds.probability, kinds.class];
  return [{ ...predict, name: "predict" }, kinds.raw, ...others, kinds.leaf];
}

/** [rows, 2] of two classes, else [rows, dimensions]. */
function probabilityOf(b: Builder, raw: Value, meaning: Meaning): Value {
  if (meaning === "classes") return softmaxRows(b, raw);
  const second = logistic64(1)(b, raw);
  if (meaning !== "binary") return second;
  return b.create(concat, { xs: [b.create(sub, { a: scalarLike(b, raw, 1), b: second }), second] }, { axis: 1 });
}

/** The place of the class in the file, i64 [rows]; of labels each by itself, [rows, dimensions]. */
function classOf(b: Builder, raw: Value, meaning: Meaning): Value {
  if (meaning === "classes" || meaning === "oneVsAll")
    return b.create(cast, { x: b.create(argReduce, { x: raw }, { kind: "max", axis: 1, keepDims: false }) }, { to: "i64" });
  const isOver = b.create(cast, { x: b.create(greater, { a: raw, b: scalarLike(b, raw, 0) }) }, { to: "i64" });
  return meaning === "binary" ? b.create(reshape, { x: isOver }, { shape: [-1] }) : isOver;
}

function classLabels({ classNames, dimensions }: CatboostModel, meaning: Meaning): { readonly labels?: readonly string[] } {
  const count = meaning === "binary" ? 2 : dimensions;
  return meaning !== "labels" && classNames.length === count ? { labels: classNames } : {};
}

function unknownLoss(loss: string, file: string): NeoError {
  return new NeoError({
    code: "NEO2032",
    message: `${file} has the loss ${loss.slice(0, 60).replace(/[^\x20-\x7e]/g, "\ufffd")}, which neo does not know`,
    hint: `known are: ${[...LOSSES.keys()].filter((known) => known !== "").join(", ")}`,
    file,
  });
}
