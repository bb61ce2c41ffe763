import { reshape } from "../../../ir/ops/movement.ts";
import type { Value } from "../../../ir/graph.ts";
import { tensor, type Tensor } from "../../../ir/tensor.ts";
import { isFloat, type Dim } from "../../../ir/types.ts";
import type { NodeContext } from "../context.ts";
import { countOf, dimOf } from "../../../ir/dims.ts";
import { broadcastShapes, shapeText } from "../../../ir/broadcast.ts";
import { shapeOf as extentsOf } from "../../../ir/ops/control.ts";
import { reduce } from "../../../ir/ops/reduction.ts";
import { importOpenRange } from "../open-range.ts";
import { importOpenReshape, isOpenReshape } from "../open-reshape.ts";
import { broadcastTo, product, reshapeTo, unsqueezeAt, sliceAxis } from "../rearrange.ts";
import { rankOf, shapeOf } from "../static-shape.ts";
import { since, type OperatorTable } from "./table.ts";

/** Shapes and what is made of them. All shapes are known here, so Shape and Size are constants. */
export const SHAPE: OperatorTable = {
  Constant: importConstant,
  ConstantOfShape: since(9, importConstantOfShape),
  Expand: since(8, importExpand),
  EyeLike: since(9, importEyeLike),
  Flatten: importFlatten,
  Identity: (c) => c.need(0, "input"),
  Range: since(11, importRange),
  Reshape: importReshape,
  Shape: importShape,
  Size: importSize,
  Squeeze: importSqueeze,
  Tile: importTile,
  Unsqueeze: importUnsqueeze,
};

function importConstant(c: NodeContext): Value {
  const [float, floats, int, ints] = [c.float("value_float"), c.floats("value_floats"), c.int("value_int"), c.ints("value_ints")];
  const whole = c.tensor("value");
  if (whole) return c.stored.mark(c.value(whole), c.storedAttribute("value"));
  if (float !== undefined) return c.scalar("f32", float);
  if (floats) return c.vector("f32", floats);
  if (int !== undefined) return c.scalar("i64", int);
  if (ints) return c.vector("i64", ints);
  return c.fail("has no value that neo knows", { awsName: "OperatorAttributeRequired" });
}

function importConstantOfShape(c: NodeContext): Value {
  const shape = c.dims(0, "input") ?? c.fail("has no input");
  const given = c.tensor("value") ?? tensor("f32", [], [0]);
  if (given.data.length !== 1) c.fail(`has a value of ${given.data.length} elements, wanted 1`);
  // One element and a broadcast: a small file may not ask for a large constant.
  const element: Tensor = { type: { dtype: given.type.dtype, shape: [] }, data: given.data };
  return broadcastTo(c.b, c.value(element), openSizes(c, shape));
}

function importExpand(c: NodeContext): Value {
  const x = c.need(0, "input");
  const wanted = openSizes(c, c.dims(1, "shape") ?? c.fail("has no input shape"));
  return broadcastTo(c.b, x, broadcastShapes(x.type.shape, wanted));
}

/** Extents as they must not be negative. */
function openSizes(c: NodeContext, shape: readonly Dim[]): readonly Dim[] {
  c.sizes(shape.map((dim) => (typeof dim === "number" ? dim : 1)));
  return shape;
}

function importEyeLike(c: NodeContext): Value {
  const [rows, columns] = matrixShape(c, c.need(0, "input"));
  const k = c.int("k", 0);
  const dtype = c.dtype("dtype") ?? c.need(0, "input").type.dtype;
  c.budget(rows * columns);
  const eye = new Array<number>(rows * columns).fill(0);
  for (let row = Math.max(0, -k); row < rows && row + k < columns; row++) eye[row * columns + row + k] = 1;
  return c.value(tensor(dtype, [rows, columns], eye));
}

function matrixShape(c: NodeContext, x: Value): readonly [number, number] {
  const [rows, columns] = shapeOf(x);
  if (rankOf(x) !== 2) c.fail(`has an input of rank ${rankOf(x)}, wanted 2`, { reason: "rank", nearest: "an input of rank 2" });
  return [rows!, columns!];
}

function importFlatten(c: NodeContext): Value {
  const x = c.need(0, "input");
  const rank = rankOf(x);
  const given = c.int("axis", 1);
  const axis = given === rank ? rank : c.axis(given, rank);
  return reshapeTo(c.b, x, [countOf(x.type.shape.slice(0, axis)), countOf(x.type.shape.slice(axis))]);
}

export const MICROSOFT_SHAPE: OperatorTable = {
  Range: since(1, importRange),
};

/** The Range of com.microsoft may leave out its delta, which is 1. */
function importRange(c: NodeContext): Value {
  const open = importOpenRange(c);
  if (open) return open;
  const [start, limit] = ["start", "limit"].map((what, i) => c.constantOperand(i, what) ?? c.fail(`has no input ${what}`)) as [Tensor, Tensor];
  const { dtype } = start.type;
  const delta = c.constantOperand(2, "delta") ?? tensor(dtype, [], [1]);
  for (const part of [start, limit, delta]) if (part.data.length !== 1 || part.type.dtype !== dtype) c.fail("wants three scalars of one type");
  const [from, to, step] = [Number(start.data[0]), Number(limit.data[0]), Number(delta.data[0])];
  if (step === 0 || !Number.isFinite(step)) c.fail(`has delta ${step}`);
  const size = Math.max(0, Math.ceil((to - from) / step));
  c.budget(size);
  const values = isFloat(dtype)
    ? Array.from({ length: size }, (_, i) => from + i * step)
    : Array.from({ length: size }, (_, i) => BigInt(from) + BigInt(i) * BigInt(step));
  return c.value(tensor(dtype, [size], values));
}

function importReshape(c: NodeContext): Value {
  const x = c.need(0, "data");
  if (isOpenReshape(x)) return importOpenReshape(c, x);
  const wanted = c.opset < 5 ? c.required("shape", c.ints("shape")) : (c.constantInts(1, "shape") ?? c.fail("has no input shape"));
  c.checkRank(wanted.length);
  const keepsZero = c.flag("allowzero", false);
  const from = shapeOf(x);
  const shape = wanted.map((dim, axis) => (dim === 0 && !keepsZero ? (from[axis] ?? c.fail(`copies dim ${axis} of a tensor of rank ${from.length}`)) : dim));
  const open = shape.indexOf(-1);
  if (shape.lastIndexOf(-1) !== open || shape.some((dim) => dim < -1)) c.fail(`has the shape ${wanted.join(", ")}`);
  const elements = product(from);
  const known = product(shape.filter((_, i) => i !== open));
  if (open >= 0) shape[open] = known === 0 ? 0 : elements / known;
  if (product(shape) !== elements || !shape.every(Number.isSafeInteger))
    c.fail(`can't give ${from.join("x")} the shape ${wanted.join(", ")}: ${elements} elements`);
  return equalRank(x, shape) ? x : c.b.create(reshape, { x }, { shape });
}

function equalRank(x: Value, shape: readonly number[]): boolean {
  return rankOf(x) === shape.length && shapeOf(x).every((dim, i) => dim === shape[i]);
}

function importShape(c: NodeContext): Value {
  const x = c.need(0, "data");
  const { shape } = x.type;
  const place = (at: number): number => Math.min(Math.max(at < 0 ? at + shape.length : at, 0), shape.length);
  const [start, end] = [place(c.int("start", 0)), place(c.int("end", shape.length))];
  const wanted = shape.slice(start, end);
  if (wanted.every((dim) => typeof dim === "number")) return c.vector("i64", wanted);
  return sliceAxis(c.b, c.b.create(extentsOf, { x }), 0, start, Math.max(0, end - start));
}

function importSize(c: NodeContext): Value {
  const x = c.need(0, "data");
  const count = countOf(x.type.shape);
  if (typeof count === "number") return c.scalar("i64", count);
  return c.b.create(reduce, { x: c.b.create(extentsOf, { x }) }, { kind: "prod", axes: [0], keepDims: false });
}

function importSqueeze(c: NodeContext): Value {
  const x = c.need(0, "data");
  const { shape } = x.type;
  const given = c.intsOfEither("axes", 1);
  const axes = given ? c.axes(given, shape.length) : shape.flatMap((dim, i) => (dim === 1 ? [i] : []));
  for (const axis of axes) if (shape[axis] !== 1) c.fail(`squeezes axis ${axis} of ${shapeText(shape)}`);
  return reshapeTo(
    c.b,
    x,
    shape.filter((_, i) => !axes.includes(i)),
  );
}

function importUnsqueeze(c: NodeContext): Value {
  const x = c.need(0, "data");
  const given = c.intsOfEither("axes", 1) ?? c.fail("lacks its axes", { awsName: "OperatorAttributeRequired" });
  return unsqueezeAt(c.b, x, c.axes(given, rankOf(x) + given.length));
}

/** [a, b] tiled [r, s] times is [1, a, 1, b] broadcast to [r, a, s, b]. */
function importTile(c: NodeContext): Value {
  const x = c.need(0, "input");
  const { shape } = x.type;
  const repeats = openSizes(c, c.dims(1, "repeats") ?? c.fail("has no input repeats"));
  if (repeats.length !== shape.length) c.fail(`has ${repeats.length} repeats for a tensor of rank ${shape.length}`);
  const tiled = shape.map((dim, i) => dimOf("mul", dim, repeats[i]!));
  if (shape.every((dim, i) => dim === 1 || repeats[i] === 1)) return broadcastTo(c.b, x, tiled);
  const spread = reshapeTo(
    c.b,
    x,
    shape.flatMap((dim) => [1, dim]),
  );
  return reshapeTo(
    c.b,
    broadcastTo(
      c.b,
      spread,
      shape.flatMap((dim, i) => [repeats[i]!, dim]),
    ),
    tiled,
  );
}
