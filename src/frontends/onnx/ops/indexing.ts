import type { Dim } from "../../../ir/types.ts";
import { positions } from "./positions.ts";
import { add, sub } from "../../../ir/ops/arithmetic.ts";
import { equal, less } from "../../../ir/ops/comparison.ts";
import { gather, gatherElements, gatherNd } from "../../../ir/ops/gather.ts";
import { select } from "../../../ir/ops/logic.ts";
import { scatterElements, scatterNd } from "../../../ir/ops/scatter.ts";
import type { Value } from "../../../ir/graph.ts";
import { tensor } from "../../../ir/tensor.ts";
import type { NodeContext } from "../context.ts";
import { broadcastTo, castTo, product, range, reshapeTo, sliceAxis, unsqueezeAt } from "../rearrange.ts";
import { rankOf, shapeOf } from "../static-shape.ts";
import { since, type OperatorTable } from "./table.ts";

/** Operators that move elements by indices in tensors. */
export const INDEXING: OperatorTable = {
  Gather: (c) => c.b.create(gather, { x: c.need(0, "data"), indices: c.need(1, "indices") }, { axis: c.axis(c.int("axis", 0), rankOf(c.need(0, "data"))) }),
  GatherElements: since(11, (c) =>
    c.b.create(gatherElements, { x: c.need(0, "data"), indices: c.need(1, "indices") }, { axis: c.axis(c.int("axis", 0), rankOf(c.need(0, "data"))) }),
  ),
  GatherND: since(11, (c) => c.b.create(gatherNd, { x: c.need(0, "data"), indices: c.need(1, "indices") }, { batchDims: c.int("batch_dims", 0) })),
  OneHot: since(9, importOneHot),
  ReverseSequence: since(10, importReverseSequence),
  Scatter: since(9, importScatterElements),
  ScatterElements: since(11, importScatterElements),
  ScatterND: since(11, importScatterNd),
  Trilu: since(14, importTrilu),
};

const REDUCTIONS = ["none", "add", "mul", "min", "max"] as const;

function importScatterElements(c: NodeContext): Value {
  const x = c.need(0, "data");
  const attrs = { axis: c.axis(c.int("axis", 0), rankOf(x)), reduction: c.word("reduction", REDUCTIONS) };
  return c.b.create(scatterElements, { x, indices: c.need(1, "indices"), updates: c.need(2, "updates") }, attrs);
}

function importScatterNd(c: NodeContext): Value {
  return c.b.create(
    scatterNd,
    { x: c.need(0, "data"), indices: c.need(1, "indices"), updates: c.need(2, "updates") },
    { reduction: c.word("reduction", REDUCTIONS) },
  );
}

/** `on` where the position along the new axis is the index, else `off`; indices below zero count from the end. */
function importOneHot(c: NodeContext): Value {
  const indices = castTo(c.b, c.need(0, "indices"), "i64");
  const depths = c.constantFloats(1, "depth") ?? c.fail("has no input depth");
  const values = c.need(2, "values");
  const depth = depths[0];
  if (depths.length !== 1 || depth === undefined || !Number.isSafeInteger(depth) || depth < 0) return c.fail(`has depth ${depths.join(", ")}`);
  if (product(shapeOf(values)) !== 2) c.fail(`has ${product(shapeOf(values))} values, wanted 2`);
  c.budget(depth);
  const axis = c.axis(c.int("axis", -1), rankOf(indices) + 1);
  const isNegative = c.b.create(less, { a: indices, b: c.scalar("i64", 0) });
  const wrapped = c.b.create(select, { condition: isNegative, a: c.b.create(add, { a: indices, b: c.scalar("i64", depth) }), b: indices });
  const places = c.value(
    tensor(
      "i64",
      Array.from({ length: rankOf(indices) + 1 }, (_, i) => (i === axis ? depth : 1)),
      range(depth),
    ),
  );
  const isHot = c.b.create(equal, { a: unsqueezeAt(c.b, wrapped, [axis]), b: places });
  const flat = reshapeTo(c.b, values, [2]);
  const [off, on] = [0, 1].map((i) => reshapeTo(c.b, sliceAxis(c.b, flat, 0, i, 1), []));
  return c.b.create(select, { condition: isHot, a: on, b: off });
}

/** The first `length` elements of each sequence turned round. */
function importReverseSequence(c: NodeContext): Value {
  const x = c.need(0, "input");
  const { shape } = x.type;
  const [time, batch] = [c.axis(c.int("time_axis", 0), shape.length), c.axis(c.int("batch_axis", 1), shape.length)];
  const lengths = castTo(c.b, c.need(1, "sequence_lens"), "i64");
  const along = (axis: number): Dim[] => shape.map((dim, i) => (i === axis ? dim : 1));
  const ends = reshapeTo(c.b, lengths, along(batch));
  const at = positions(c, along(time), shape[time]!);
  const mirrored = c.b.create(sub, { a: c.b.create(sub, { a: ends, b: c.scalar("i64", 1) }), b: at });
  const source = c.b.create(select, { condition: c.b.create(less, { a: at, b: ends }), a: mirrored, b: at });
  return c.b.create(gatherElements, { x, indices: broadcastTo(c.b, source, shape) }, { axis: time });
}

/** The part of a matrix on one side of the k-th diagonal, else 0. */
function importTrilu(c: NodeContext): Value {
  const x = c.need(0, "input");
  const [rows, columns] = x.type.shape.slice(-2);
  if (rows === undefined || columns === undefined)
    return c.fail(`has an input of rank ${rankOf(x)}, wanted 2 or more`, { reason: "rank", nearest: "an input of rank 2 or more" });
  const k = c.constantInts(1, "k")?.[0] ?? 0;
  const row = positions(c, [rows, 1], rows);
  const column = positions(c, [1, columns], columns, -k);
  const upper = c.flag("upper", true);
  // Strictly below the diagonal, or strictly above it, is what goes.
  const isOut = c.b.create(less, upper ? { a: column, b: row } : { a: row, b: column });
  return c.b.create(select, { condition: isOut, a: c.scalar(x.type.dtype, 0), b: x });
}
