import { add, mul } from "../../../ir/ops/arithmetic.ts";
import { equal, greater } from "../../../ir/ops/comparison.ts";
import { gather } from "../../../ir/ops/gather.ts";
import { and } from "../../../ir/ops/logic.ts";
import { concat, pad } from "../../../ir/ops/movement.ts";
import { reduce } from "../../../ir/ops/reduction.ts";
import type { Value } from "../../../ir/graph.ts";
import { tensor } from "../../../ir/tensor.ts";
import { isInteger } from "../../../ir/types.ts";
import type { NodeContext } from "../context.ts";
import { castTo, range, reshapeTo, sliceAxis } from "../rearrange.ts";
import { rankOf, shapeOf } from "../static-shape.ts";
import { since, type OperatorTable } from "./table.ts";

export const NGRAMS: OperatorTable = {
  TfIdfVectorizer: since(9, importTfIdfVectorizer),
};

/** How often each n-gram of a pool occurs in each row, also with up to `max_skip_count` elements left out between its parts. */
function importTfIdfVectorizer(c: NodeContext): Value {
  const given = c.need(0, "X");
  const ints = c.ints("pool_int64s");
  const words = c.texts("pool_strings");
  const isText = given.type.dtype === "string";
  const pool: readonly (number | string)[] | undefined = isText ? words : ints;
  if (!pool || !(isText || isInteger(given.type.dtype)))
    return c.fail(`counts n-grams of ${words ? "strings" : "integers"}, and its input is ${given.type.dtype}`, { kind: "type" });
  if (rankOf(given) > 2 || rankOf(given) === 0)
    c.fail(`has an input of rank ${rankOf(given)}, wanted 1 or 2`, { reason: "rank", nearest: "an input of rank 1 or 2" });
  const x = castTo(c.b, rankOf(given) === 1 ? reshapeTo(c.b, given, [1, ...shapeOf(given)]) : given, isText ? "string" : "i64");
  const starts = c.required("ngram_counts", c.ints("ngram_counts"));
  const columns = c.required("ngram_indexes", c.ints("ngram_indexes"));
  const [shortest, longest] = [c.required("min_gram_length", c.int("min_gram_length")), c.required("max_gram_length", c.int("max_gram_length"))];
  const skips = c.required("max_skip_count", c.int("max_skip_count"));
  const parts: Value[] = [];
  for (const [i, start] of starts.entries()) {
    const grams = pool.slice(start, starts[i + 1] ?? pool.length);
    const n = i + 1;
    if (grams.length % n !== 0 || start < 0) c.fail(`has ${grams.length} elements of ${n}-grams in its pool`);
    if (grams.length > 0) parts.push(n < shortest || n > longest ? none(c, x, grams.length / n) : counts(c, x, grams, n, n === 1 ? 0 : skips));
  }
  if (parts.length === 0) return c.fail("has an empty pool");
  const all = parts.length === 1 ? parts[0]! : c.b.create(concat, { xs: parts }, { axis: 1 });
  const y = weighted(c, inColumns(c, all, columns), columns);
  return rankOf(given) === 1 ? reshapeTo(c.b, y, [shapeOf(y)[1]!]) : y;
}

function none(c: NodeContext, x: Value, grams: number): Value {
  c.budget(grams);
  return c.value(tensor("f32", [shapeOf(x)[0]!, grams], new Float64Array(shapeOf(x)[0]! * grams)));
}

/** [rows, grams]: windows that equal a gram, over all positions and gaps. */
function counts(c: NodeContext, x: Value, grams: readonly (number | string)[], n: number, skips: number): Value {
  const [rows, length] = shapeOf(x) as [number, number];
  const number = grams.length / n;
  let total = none(c, x, number);
  for (let gap = 1; gap <= skips + 1; gap++) {
    const windows = length - (n - 1) * gap;
    if (windows <= 0) break;
    const same = range(n).map((part) => {
      const wanted = tensor(
        x.type.dtype,
        [1, 1, number],
        range(number).map((gram) => grams[gram * n + part]!),
      );
      return c.b.create(equal, { a: reshapeTo(c.b, sliceAxis(c.b, x, 1, part * gap, windows), [rows, windows, 1]), b: c.value(wanted) });
    });
    const found = same.reduce((a, b) => c.b.create(and, { a, b }));
    const sum = c.b.create(reduce, { x: castTo(c.b, found, "f32") }, { kind: "sum", axes: [1], keepDims: false });
    total = c.b.create(add, { a: total, b: sum });
  }
  return total;
}

/** Each gram's count in its own column; columns of no gram are 0. */
function inColumns(c: NodeContext, all: Value, columns: readonly number[]): Value {
  const grams = shapeOf(all)[1]!;
  const width = c.sizes([Math.max(-1, ...columns) + 1])[0]!;
  if (columns.length !== grams || new Set(columns).size !== grams || columns.some((column) => column < 0))
    c.fail(`has ${columns.length} ngram_indexes for ${grams} n-grams, wanted as many, each another`);
  c.budget(width);
  const from = new Array<number>(width).fill(grams);
  columns.forEach((column, gram) => (from[column] = gram));
  const padded = width > grams ? c.b.create(pad, { x: all }, { low: [0, 0], high: [0, 1] }) : all;
  return c.b.create(gather, { x: padded, indices: c.vector("i64", from) }, { axis: 1 });
}

function weighted(c: NodeContext, counted: Value, columns: readonly number[]): Value {
  const mode = c.word("mode", ["TF", "IDF", "TFIDF"]);
  const given = c.floats("weights");
  const base = mode === "IDF" ? castTo(c.b, c.b.create(greater, { a: counted, b: c.scalar("f32", 0) }), "f32") : counted;
  if (mode === "TF" || !given) return base;
  const weights = new Float64Array(shapeOf(counted)[1]!);
  columns.forEach((column, gram) => (weights[column] = given[gram] ?? 1));
  return c.b.create(mul, { a: base, b: c.value(tensor("f32", [weights.length], weights)) });
}
