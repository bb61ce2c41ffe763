import { extentValue } from "./positions.ts";
import type { Dim } from "../../../ir/types.ts";
import { printDim } from "../../../ir/text/types.ts";
import { span } from "../../../ir/ops/span.ts";
import { boundsOf } from "../../../ir/dims.ts";
import { shapeText } from "../../../ir/broadcast.ts";
import { add } from "../../../ir/ops/arithmetic.ts";
import { equal } from "../../../ir/ops/comparison.ts";
import { gather } from "../../../ir/ops/gather.ts";
import { layerNorm } from "../../../ir/ops/normalisation.ts";
import { reduce } from "../../../ir/ops/reduction.ts";
import type { Value } from "../../../ir/graph.ts";
import { tensor } from "../../../ir/tensor.ts";
import type { NodeContext } from "../context.ts";
import { broadcastTo, castTo, sliceAxis } from "../rearrange.ts";
import { rankOf, shapeOf } from "../static-shape.ts";
import { since, type OperatorTable } from "./table.ts";

export const MICROSOFT_EMBEDDING: OperatorTable = {
  EmbedLayerNormalization: since(1, importEmbedLayerNormalization),
};

/** Rows of three tables by word, position and segment, added and normalised; beside it how many elements of each mask are 1, and the sum. */
function importEmbedLayerNormalization(c: NodeContext): readonly (Value | undefined)[] {
  // Tells shape inference whether there is a mask.
  c.ignore("mask_index_type");
  const ids = c.need(0, "input_ids");
  const [batch, length] = ids.type.shape as readonly [Dim, Dim];
  if (rankOf(ids) !== 2) return c.fail("has input_ids that are not of rank 2");
  const picked = (table: Value, indices: Value): Value => c.b.create(gather, { x: table, indices }, { axis: 0 });
  const words = picked(c.need(2, "word_embedding"), ids);
  const table = c.need(3, "position_embedding");
  const given = c.operand(8);
  if (shapeOf(table)[0]! < boundsOf(length)[1]) c.fail(`has ${shapeOf(table)[0]} rows of position_embedding for ${shapeText([length])} positions`);
  const places = given ? picked(table, given) : firstRows(c, table, length);
  const placed = c.b.create(add, { a: words, b: places });
  const [segments, segmentTable] = [c.operand(1), c.operand(4)];
  if (segments && !segmentTable) c.fail("has segment_ids and no segment_embedding");
  const sum = segments && segmentTable ? c.b.create(add, { a: placed, b: picked(segmentTable, segments) }) : placed;
  const y = c.b.create(layerNorm, { x: sum, scale: c.need(5, "gamma"), bias: c.need(6, "beta") }, { axis: 2, epsilon: c.float("epsilon", 1e-12) });
  return [y, c.wants(1) ? counted(c, c.operand(7), batch) : undefined, sum];
}

function firstRows(c: NodeContext, table: Value, length: Dim): Value {
  if (typeof length === "number") return sliceAxis(c.b, table, 0, 0, length);
  return c.b.create(span, { x: table, length: extentValue(c, length) }, { extent: printDim(length) });
}

function counted(c: NodeContext, mask: Value | undefined, batch: Dim): Value {
  if (!mask) return broadcastTo(c.b, c.value(tensor("i32", [], [0])), [batch]);
  const isOne = castTo(c.b, c.b.create(equal, { a: mask, b: c.scalar(mask.type.dtype, 1) }), "i32");
  return c.b.create(reduce, { x: isOne }, { kind: "sum", axes: [1], keepDims: false });
}
