import { dtype, ints, text } from "../attr.ts";
import { defineOp } from "../op-def.ts";
import { notEvaluated } from "../region-types.ts";
import { allocate, type Tensor } from "../tensor.ts";
import { elementCount, tensorType } from "../types.ts";

export const readState = defineOp({
  name: "readState",
  summary: "The state called `name`, which outlives a run; zeros before the first `writeState`.",
  operands: [],
  attrs: { name: text(), dtype: dtype(), shape: ints() },
  samples: [],
  pure: false,
  infer: (_operands, attrs) => tensorType(attrs.dtype, attrs.shape),
  evaluate: notEvaluated,
  execute(_operands, attrs, _regions, { state }) {
    const type = { dtype: attrs["dtype"] as Tensor["type"]["dtype"], shape: attrs["shape"] as readonly number[] };
    return [state.get(attrs["name"] as string) ?? { type, data: allocate(type.dtype, elementCount(type.shape)) }];
  },
});

export const writeState = defineOp({
  name: "writeState",
  summary: "Sets the state called `name` for the reads that follow, in this run and in later ones.",
  operands: ["x"],
  results: [],
  attrs: { name: text() },
  samples: [],
  pure: false,
  infer: () => [],
  evaluate: notEvaluated,
  execute([x], attrs, _regions, { state }) {
    state.set(attrs["name"] as string, x!);
    return [];
  },
});
