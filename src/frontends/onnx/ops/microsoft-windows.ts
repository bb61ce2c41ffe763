import { add, tanh } from "../../../ir/ops/arithmetic.ts";
import { clip, hardSigmoid, leakyRelu, relu, sigmoid } from "../../../ir/ops/activation.ts";
import type { Value } from "../../../ir/graph.ts";
import type { NodeContext } from "../context.ts";
import { range, transposeBy } from "../rearrange.ts";
import { rankOf } from "../static-shape.ts";
import { convolution } from "./convolution.ts";
import { pooled } from "./pooling.ts";
import { since, type OperatorTable } from "./table.ts";

export const MICROSOFT_WINDOWS: OperatorTable = {
  FusedConv: since(1, importFusedConv),
  NhwcMaxPool: since(1, (c) => channelsLast(c, c.need(0, "x"), (x) => pooled(c, "max", x))),
};

/** activation(conv(X, W) + B + Z). */
function importFusedConv(c: NodeContext): Value {
  const y = convolution(c, c.need(0, "X"), c.need(1, "W"), c.operand(2));
  const z = c.operand(3);
  return activated(c, z ? c.b.create(add, { a: y, b: z }) : y);
}

const ACTIVATIONS = ["", "Relu", "Sigmoid", "Tanh", "LeakyRelu", "Clip", "HardSigmoid"] as const;

function activated(c: NodeContext, x: Value): Value {
  const kind = c.word("activation", ACTIVATIONS);
  const [first, second] = c.floats("activation_params") ?? [];
  switch (kind) {
    case "":
      return x;
    case "Relu":
      return c.b.create(relu, { x });
    case "Sigmoid":
      return c.b.create(sigmoid, { x });
    case "Tanh":
      return c.b.create(tanh, { x });
    case "LeakyRelu":
      return c.b.create(leakyRelu, { x }, { alpha: c.required("activation_params", first) });
    case "Clip":
      return c.b.create(clip, { x }, { low: c.required("activation_params", first), high: c.required("activation_params", second) });
    case "HardSigmoid":
      return c.b.create(hardSigmoid, { x }, { alpha: c.required("activation_params", first), beta: c.required("activation_params", second) });
  }
}

/** What `make` gives of x with its channels behind the batch, put back to the end. */
export function channelsLast(c: NodeContext, x: Value, make: (x: Value) => Value): Value {
  const rank = rankOf(x);
  const y = make(transposeBy(c.b, x, [0, rank - 1, ...range(rank - 1).slice(1)]));
  return transposeBy(c.b, y, [0, ...range(rank).slice(2), 1]);
}
