import { scatterElements } from "../../../ir/ops/scatter.ts";
import type { Value } from "../../../ir/graph.ts";
import { tensor } from "../../../ir/tensor.ts";
import type { NodeContext } from "../context.ts";
import { broadcastTo, product, range, reshapeTo, sliceAxis } from "../rearrange.ts";
import { rankOf, shapeOf } from "../static-shape.ts";
import { since, type OperatorTable } from "./table.ts";

export const COL2IM: OperatorTable = { Col2Im: since(18, importCol2Im) };

/** Columns of blocks added up at the places of a picture that the blocks were cut from; the places are known here. */
function importCol2Im(c: NodeContext): Value {
  const x = c.need(0, "input");
  const image = c.sizes(c.constantInts(1, "image_shape") ?? c.fail("has no input image_shape"));
  const block = c.sizes(c.constantInts(2, "block_shape") ?? c.fail("has no input block_shape"));
  const axes = image.length;
  const dilations = c.ints("dilations") ?? range(axes).map(() => 1);
  const strides = c.ints("strides") ?? range(axes).map(() => 1);
  const pads = c.ints("pads") ?? range(2 * axes).map(() => 0);
  if (
    axes < 1 ||
    block.length !== axes ||
    dilations.length !== axes ||
    strides.length !== axes ||
    pads.length !== 2 * axes ||
    [...dilations, ...strides].some((n) => n < 1) ||
    pads.some((n) => n < 0)
  )
    c.fail(`has strides ${strides.join(", ")}, dilations ${dilations.join(", ")} and pads ${pads.join(", ")} for ${axes} axes`);
  const padded = image.map((size, i) => size + pads[i]! + pads[axes + i]!);
  const steps = padded.map((size, i) => Math.floor((size - (block[i]! - 1) * dilations[i]! - 1) / strides[i]!) + 1);
  const [batch, rows, columns] = shapeOf(x) as [number, number, number];
  if (rankOf(x) !== 3 || rows % product(block) !== 0 || columns !== product(steps))
    c.fail(`has an input of ${shapeOf(x).join("x")}, wanted blocks of ${block.join("x")} at ${steps.join("x")} places`);
  // A place is some divisions for each axis.
  c.budget(4 * axes * product(block) * columns);
  const channels = rows / product(block);
  const places = range(product(block)).flatMap((k) =>
    range(columns).map((at) => placeOf(indexOf(k, block), indexOf(at, steps), { strides, dilations, padded })),
  );
  const lines = batch * channels;
  const indices = broadcastTo(c.b, c.value(tensor("i64", [1, places.length], places)), [lines, places.length]);
  const empty = broadcastTo(c.b, c.scalar(x.type.dtype, 0), [lines, product(padded)]);
  const sums = c.b.create(scatterElements, { x: empty, indices, updates: reshapeTo(c.b, x, [lines, places.length]) }, { axis: 1, reduction: "add" });
  const whole = reshapeTo(c.b, sums, [batch, channels, ...padded]);
  return image.reduce((value, size, i) => sliceAxis(c.b, value, i + 2, pads[i]!, size), whole);
}

/** Index along each axis of the element at flat place `at`. */
function indexOf(at: number, shape: readonly number[]): readonly number[] {
  return shape.map((dim, i) => Math.floor(at / product(shape.slice(i + 1))) % dim);
}

function placeOf(
  inBlock: readonly number[],
  step: readonly number[],
  { strides, dilations, padded }: { readonly strides: readonly number[]; readonly dilations: readonly number[]; readonly padded: readonly number[] },
): number {
  return padded.reduce((flat, size, i) => flat * size + step[i]! * strides[i]! + inBlock[i]! * dilations[i]!, 0);
}
