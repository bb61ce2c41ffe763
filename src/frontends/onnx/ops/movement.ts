import { concat, pad, slice, transpose } from "../../../ir/ops/movement.ts";
import { shapeText } from "../../../ir/broadcast.ts";
import { dimOf } from "../../../ir/dims.ts";
import type { Value } from "../../../ir/graph.ts";
import type { Dim } from "../../../ir/types.ts";
import type { NodeContext } from "../context.ts";
import { range, reshapeTo, sliceAxis, transposeBy } from "../rearrange.ts";
import { cutOf, importOpenSlice, isOpenSlice } from "../open-slice.ts";
import { extentAt, rankOf, shapeOf } from "../static-shape.ts";
import { since, type OperatorTable } from "./table.ts";

/** Operators that move elements by rules fixed in the file. */
export const MOVEMENT: OperatorTable = {
  CenterCropPad: since(18, importCenterCropPad),
  Concat: importConcat,
  DepthToSpace: importDepthToSpace,
  Pad: (c) => importPad(c, c.opset < 11),
  Slice: importSlice,
  SpaceToDepth: importSpaceToDepth,
  Split: importSplit,
  Transpose: importTranspose,
};

function importConcat(c: NodeContext): Value {
  const xs = c.operands.map((_, i) => c.need(i, `inputs[${i}]`));
  const [first] = xs;
  if (!first) return c.fail("has no inputs");
  const axis = c.axis(c.required("axis", c.int("axis")), rankOf(first));
  return xs.length === 1 ? first : c.b.create(concat, { xs }, { axis });
}

function importTranspose(c: NodeContext): Value {
  const x = c.need(0, "data");
  const perm = c.ints("perm") ?? range(rankOf(x)).toReversed();
  if (perm.length !== rankOf(x)) c.fail(`has a perm of ${perm.length} axes, the rank is ${rankOf(x)}`);
  return perm.every((from, to) => from === to) ? x : c.b.create(transpose, { x }, { perm });
}

/** Starts and ends count from the end where they are negative, and are cut to what there is. */
function importSlice(c: NodeContext): Value {
  const x = c.need(0, "data");
  if (isOpenSlice(c, x)) return importOpenSlice(c, x);
  const shape = shapeOf(x);
  const old = c.opset < 10;
  const starts = old ? c.required("starts", c.ints("starts")) : (c.constantInts(1, "starts") ?? c.fail("has no input starts"));
  const ends = old ? c.required("ends", c.ints("ends")) : (c.constantInts(2, "ends") ?? c.fail("has no input ends"));
  c.checkRank(starts.length);
  const axes = c.axes((old ? c.ints("axes") : c.constantInts(3, "axes")) ?? range(starts.length), shape.length);
  const steps = (old ? undefined : c.constantInts(4, "steps")) ?? starts.map(() => 1);
  if (ends.length !== starts.length || axes.length !== starts.length || steps.length !== starts.length)
    c.fail(`has ${starts.length} starts, ${ends.length} ends, ${axes.length} axes, ${steps.length} steps`);
  const attrs = { starts: shape.map(() => 0), sizes: [...shape], steps: shape.map(() => 1) };
  axes.forEach((axis, i) => {
    const cut = cutOf(shape[axis]!, starts[i]!, ends[i]!, steps[i]! || c.fail("has a step of 0"));
    [attrs.starts[axis], attrs.sizes[axis], attrs.steps[axis]] = [cut.start, cut.size, cut.step];
  });
  return attrs.starts.every((start, i) => start === 0 && attrs.sizes[i] === shape[i] && attrs.steps[i] === 1) ? x : c.b.create(slice, { x }, attrs);
}

function importSplit(c: NodeContext): readonly Value[] {
  const x = c.need(0, "input");
  const axis = c.axis(c.int("axis", 0), rankOf(x));
  const extent = extentAt(x, axis)!;
  const parts = c.int("num_outputs", c.node.output.length);
  const given = c.intsOfEither("split", 1);
  const sizes = given ?? equalParts(extent, parts);
  if (sizes.length < c.outputs || sizes.some((size) => size < 0) || sizes.reduce((n, size) => n + size, 0) !== extent)
    c.fail(`splits ${extent} elements of axis ${axis} into ${given ? sizes.join(", ") : `${parts} parts`} for ${c.outputs} outputs`);
  let start = 0;
  return sizes.slice(0, c.outputs).map((size, i) => {
    const part = c.wants(i) ? sliceAxis(c.b, x, axis, start, size) : x;
    start += size;
    return part;
  });
}

/** All of one size; the last is smaller where that does not come out even. */
function equalParts(extent: number, parts: number): number[] {
  const size = Math.ceil(extent / parts);
  return parts > 0 && parts <= 1_000_000 ? Array.from({ length: parts }, (_, i) => Math.max(0, Math.min(size, extent - i * size))) : [];
}

export const MICROSOFT_MOVEMENT: OperatorTable = {
  Pad: since(1, (c) => importPad(c, false)),
};

/** Pads below zero cut off; in old files pads and value are attributes. */
function importPad(c: NodeContext, old: boolean): Value {
  const x = c.need(0, "data");
  const rank = rankOf(x);
  const pads = old ? c.required("pads", c.ints("pads") ?? c.ints("paddings")) : (c.constantInts(1, "pads") ?? c.fail("has no input pads"));
  const mode = c.word("mode", ["constant", "reflect", "edge", "wrap"]);
  const fill = (old ? [c.float("value", 0)] : c.constantFloats(2, "constant_value")) ?? [0];
  const axes = c.axes(c.constantInts(3, "axes") ?? range(rank), rank);
  if (pads.length !== 2 * axes.length) c.fail(`has ${pads.length} pads for ${axes.length} axes`);
  const [low, high] = [new Array<number>(rank).fill(0), new Array<number>(rank).fill(0)];
  axes.forEach((axis, i) => ([low[axis], high[axis]] = [pads[i]!, pads[axes.length + i]!]));
  let cut = x;
  for (let axis = 0; axis < rank; axis++) {
    const [before, behind] = [Math.max(0, -low[axis]!), Math.max(0, -high[axis]!)];
    if (before + behind === 0) continue;
    const left = extentAt(x, axis)! - before - behind;
    if (left < 0) c.fail(`cuts ${before + behind} of ${extentAt(x, axis)} elements from axis ${axis}`);
    cut = sliceAxis(c.b, cut, axis, before, left);
  }
  const attrs = { low: low.map((n) => Math.max(0, n)), high: high.map((n) => Math.max(0, n)), mode, value: fill[0] ?? 0 };
  return [...attrs.low, ...attrs.high].every((n) => n === 0) ? cut : c.b.create(pad, { x: cut }, attrs);
}

/** Cut or padded with zeros, round the middle, to `shape` along `axes`. */
function importCenterCropPad(c: NodeContext): Value {
  const x = c.need(0, "input_data");
  const wanted = c.sizes(c.constantInts(1, "shape") ?? c.fail("has no input shape"));
  const axes = c.axes(c.ints("axes") ?? range(rankOf(x)), rankOf(x));
  if (wanted.length !== axes.length) c.fail(`has ${wanted.length} extents for ${axes.length} axes`);
  let value = x;
  axes.forEach((axis, i) => {
    const [from, to] = [shapeOf(x)[axis]!, wanted[i]!];
    if (to <= from) value = sliceAxis(c.b, value, axis, Math.floor((from - to) / 2), to);
    else {
      const before = Math.floor((to - from) / 2);
      const only = (n: number): number[] => shapeOf(x).map((_, a) => (a === axis ? n : 0));
      value = c.b.create(pad, { x: value }, { low: only(before), high: only(to - from - before) });
    }
  });
  return value;
}

function importDepthToSpace(c: NodeContext): Value {
  const x = c.need(0, "input");
  const block = blockSize(c, x);
  const [n, , height, width] = x.type.shape as [Dim, Dim, Dim, Dim];
  const depth = extentAt(x, 1)!;
  const channels = depth / (block * block);
  if (!Number.isInteger(channels)) c.fail(`has ${depth} channels for blocks of ${block}x${block}`);
  const isDcr = c.word("mode", ["DCR", "CRD"]) === "DCR";
  const split = isDcr ? [n, block, block, channels, height, width] : [n, channels, block, block, height, width];
  const perm = isDcr ? [0, 3, 4, 1, 5, 2] : [0, 1, 4, 2, 5, 3];
  return reshapeTo(c.b, transposeBy(c.b, reshapeTo(c.b, x, split), perm), [n, channels, dimOf("mul", height, block), dimOf("mul", width, block)]);
}

function importSpaceToDepth(c: NodeContext): Value {
  const x = c.need(0, "input");
  const block = blockSize(c, x);
  const [n, , height, width] = x.type.shape as [Dim, Dim, Dim, Dim];
  const channels = extentAt(x, 1)!;
  if ([height, width].some((dim) => dimOf("mod", dim, block) !== 0)) c.fail(`cuts ${shapeText([height, width])} into blocks of ${block}x${block}`);
  const [rows, columns] = [dimOf("floorDiv", height, block), dimOf("floorDiv", width, block)];
  const split = reshapeTo(c.b, x, [n, channels, rows, block, columns, block]);
  return reshapeTo(c.b, transposeBy(c.b, split, [0, 3, 5, 1, 2, 4]), [n, channels * block * block, rows, columns]);
}

function blockSize(c: NodeContext, x: Value): number {
  const block = c.required("blocksize", c.int("blocksize"));
  if (rankOf(x) !== 4) c.fail(`has an input of rank ${rankOf(x)}, wanted 4`, { reason: "rank", nearest: "an input of rank 4" });
  if (block < 1 || block > 2 ** 20) c.fail(`has blocksize ${block}`, { awsName: "OperatorAttributeValueNotValid" });
  return block;
}
