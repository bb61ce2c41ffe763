import { cast } from "../../../ir/ops/conversion.ts";
import { conv, convTranspose, deformConv } from "../../../ir/ops/convolution.ts";
import { sub } from "../../../ir/ops/arithmetic.ts";
import type { Value } from "../../../ir/graph.ts";
import type { NodeContext } from "../context.ts";
import { reshapeTo, sameFloat, range } from "../rearrange.ts";
import { extentAt, rankOf, shapeOf } from "../static-shape.ts";
import { readPads, readWindow, readWindowSize } from "../windows.ts";
import { since, type OperatorTable } from "./table.ts";

export const CONVOLUTION: OperatorTable = {
  Conv: (c) => convolution(c, c.need(0, "X"), c.need(1, "W"), c.operand(2)),
  ConvInteger: since(10, importConvInteger),
  ConvTranspose: importConvTranspose,
  DeformConv: since(19, importDeformConv),
};

/** A conv with the node's window attributes, over operands that may have been made of the node's own. */
export function convolution(c: NodeContext, x: Value, weights: Value, addend: Value | undefined): Value {
  const w = sameFloat(c.b, x, weights);
  const bias = addend && sameFloat(c.b, x, addend);
  const { strides, pads, dilations } = readWindow(c, x, shapeOf(w).slice(2));
  return c.b.create(conv, { x, w, bias }, { strides, pads, dilations, groups: c.int("group", 1) });
}

/** Over i32, exact: zero points are taken off first, so padding is zero too. */
function importConvInteger(c: NodeContext): Value {
  return convolution(c, centred(c, 0, 2), centred(c, 1, 3), undefined);
}

function centred(c: NodeContext, index: number, zeroIndex: number): Value {
  const x = c.need(index, index === 0 ? "x" : "w");
  const wide = c.b.create(cast, { x }, { to: "i32" });
  const zero = c.operand(zeroIndex);
  if (!zero) return wide;
  const perChannel =
    rankOf(zero) === 1 && shapeOf(zero)[0]! > 1 ? reshapeTo(c.b, zero, [shapeOf(zero)[0]!, ...range(rankOf(x) - 1).map(() => 1)]) : reshapeTo(c.b, zero, []);
  return c.b.create(sub, { a: wide, b: c.b.create(cast, { x: perChannel }, { to: "i32" }) });
}

/** With `output_shape` the pads follow from it; SAME without it makes the output `stride` times the input. */
function importConvTranspose(c: NodeContext): Value {
  const [x, w] = [c.need(0, "X"), c.need(1, "W")];
  const space = x.type.shape.slice(2);
  const window = readWindowSize(c, x, shapeOf(w).slice(2));
  const { kernel, strides, dilations } = window;
  const outputPads = [...(c.ints("output_padding") ?? space.map(() => 0))];
  if (outputPads.length !== space.length || outputPads.some((n) => n < 0))
    c.fail(`has output_padding ${outputPads.join(", ")} for ${space.length} spatial axes`);
  const auto = c.word("auto_pad", ["NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"]);
  const given = c.ints("output_shape")?.slice(-space.length);
  let pads = given || auto.startsWith("SAME") ? [] : [...readPads(c, space, window)];
  if (pads.length === 0) {
    c.ignore("pads");
    const totals = space.map((_, i) => {
      // SAME makes the output \`stride\` times the input, however long that is.
      const rest = given ? strides[i]! * (extentAt(x, i + 2)! - 1) - (given[i] ?? 0) : -strides[i]!;
      return rest + outputPads[i]! + (kernel[i]! - 1) * dilations[i]! + 1;
    });
    totals.forEach((total, i) => (outputPads[i]! += Math.max(0, -total)));
    const small = totals.map((total) => Math.floor(Math.max(0, total) / 2));
    const large = totals.map((total) => Math.ceil(Math.max(0, total) / 2));
    pads = auto === "SAME_UPPER" ? [...small, ...large] : [...large, ...small];
  }
  return c.b.create(convTranspose, { x, w, bias: c.operand(2) }, { strides, pads, dilations, outputPads, groups: c.int("group", 1) });
}

function importDeformConv(c: NodeContext): Value {
  const [x, w] = [c.need(0, "X"), c.need(1, "W")];
  const { strides, pads, dilations } = readWindow(c, x, shapeOf(w).slice(2));
  const attrs = { strides, pads, dilations, groups: c.int("group", 1), offsetGroups: c.int("offset_group", 1) };
  return c.b.create(deformConv, { x, w, offset: c.need(2, "offset"), bias: c.operand(3), mask: c.operand(4) }, attrs);
}
