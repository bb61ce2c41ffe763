import { silu } from "../../../ir/ops/activation.ts";
import { conv } from "../../../ir/ops/convolution.ts";
import { concat, pad } from "../../../ir/ops/movement.ts";
import type { Value } from "../../../ir/graph.ts";
import type { NodeContext } from "../context.ts";
import { sliceAxis } from "../rearrange.ts";
import { rankOf, shapeOf } from "../static-shape.ts";
import { since, type OperatorTable } from "./table.ts";

export const CAUSAL_CONV: OperatorTable = {
  CausalConvWithState: since(27, importCausalConvWithState),
};

/** A depthwise conv over what came before (or zeros) and the input; the second result is what the next run needs of both. */
function importCausalConvWithState(c: NodeContext): readonly Value[] {
  const [x, w] = [c.need(0, "input"), c.need(1, "weight")];
  if (rankOf(x) !== 3 || rankOf(w) !== 3) c.fail(`has an input of rank ${rankOf(x)} and a weight of rank ${rankOf(w)}, wanted 3 and 3`);
  const past = c.operand(3);
  const history = shapeOf(w)[2]! - 1;
  const all = past ? behind(c, past, x) : history > 0 ? c.b.create(pad, { x }, { low: [0, 0, history], high: [0, 0, 0] }) : x;
  const groups = shapeOf(x)[1]!;
  const y = c.b.create(conv, { x: all, w, bias: c.operand(2) }, { strides: [1], pads: [0, 0], dilations: [1], groups });
  const activation = c.word("activation", ["none", "silu", "swish"]);
  return [activation === "none" ? y : c.b.create(silu, { x: y }), sliceAxis(c.b, all, 2, shapeOf(all)[2]! - history, history)];
}

function behind(c: NodeContext, past: Value, x: Value): Value {
  return shapeOf(past)[2] === 0 ? x : c.b.create(concat, { xs: [past, x] }, { axis: 2 });
}
