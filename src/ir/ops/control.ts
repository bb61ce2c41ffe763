import { ints, oneOf, tensorAttr, text, texts } from "../attr.ts";
import { defineOp } from "../op-def.ts";
import { called, notEvaluated, wantFlag, wantTypes } from "../region-types.ts";
import { tensor, type Tensor } from "../tensor.ts";
import { tensorType } from "../types.ts";

export const constant = defineOp({
  name: "constant",
  summary: "A tensor known at compile time.",
  operands: [],
  attrs: { value: tensorAttr() },
  samples: [{ attrs: { value: tensor("f32", [2, 2], [1, -2, 0.5, 3]) } }],
  tolerance: { abs: 0, rel: 0 },
  infer: (_operands, { value }) => value.type,
  evaluate: (_operands, { value }) => value.data,
});

export const returnOp = defineOp({
  name: "return",
  summary:
    "Ends a graph; its operands are the results, `names` what people call them. `extents` are triples: axis b of result a is as long as operand c says, one of those behind the results. `inputExtents` are five each: axis b of parameter a is as long as parameter c says, d at least, in steps of e.",
  operands: ["values*"],
  results: [],
  attrs: { names: texts([]), extents: ints([]), inputExtents: ints([]) },
  samples: [],
  pure: false,
  infer: () => [],
  evaluate: () => ({ results: [] }),
});

export const fused = defineOp({
  name: "fused",
  summary: "A chain of elementwise ops that is lowered to one loop.",
  operands: ["xs*"],
  regions: ["body"],
  samples: [],
  infer: ({ xs }, _attrs, [body]) => called("body", body, xs),
  evaluate: notEvaluated,
  execute: (operands, _attrs, [body]) => body!(operands as Tensor[]),
});

export const callOp = defineOp({
  name: "call",
  summary: "Runs its body: a function of the source model that stays whole, called `callee`.",
  operands: ["xs*"],
  results: ["ys*"],
  attrs: { callee: text() },
  regions: ["body"],
  samples: [],
  infer: ({ xs }, _attrs, [body]) => called("body", body, xs),
  evaluate: notEvaluated,
  execute: (operands, _attrs, [body]) => body!(operands as Tensor[]),
});

export const regionOp = defineOp({
  name: "region",
  summary:
    "Ops that an accelerator runs: its body is what they compute, `region` its name in reports, `exchange` the format of the file that the body becomes for `engine`, `options` what that engine is told, as key=value.",
  operands: ["xs*"],
  results: ["ys*"],
  attrs: { region: text(), accelerator: text(), engine: text(), exchange: oneOf("onnx", "tflite"), options: texts([]) },
  regions: ["body"],
  samples: [],
  infer: ({ xs }, _attrs, [body]) => called("body", body, xs),
  evaluate: notEvaluated,
  execute: (operands, _attrs, [body]) => body!(operands as Tensor[]),
});

export const ifOp = defineOp({
  name: "if",
  summary: "Runs one of two regions on the captures.",
  operands: ["condition", "captures*"],
  results: ["ys*"],
  regions: ["then", "else"],
  samples: [],
  infer({ condition, captures }, _attrs, [then, otherwise]) {
    wantFlag("condition", condition);
    const results = called("then", then, captures);
    wantTypes("results of else", called("else", otherwise, captures), results);
    return results;
  },
  evaluate: notEvaluated,
  execute: ([condition, ...captures], _attrs, [then, otherwise]) => (condition!.data[0] ? then! : otherwise!)(captures as Tensor[]),
});

export const shapeOf = defineOp({
  name: "shapeOf",
  summary: "The extents of x.",
  operands: ["x"],
  samples: [{ x: "2x3x5xf32" }, { x: "f32" }],
  tolerance: { abs: 0, rel: 0 },
  infer: ({ x }) => tensorType("i64", [x.shape.length]),
  evaluate: (_operands, _attrs, _result, types) => types.x.shape.map(BigInt),
});
