import { bool, float, floats, int, oneOf, texts } from "../attr.ts";
import { shapeText } from "../broadcast.ts";
import { defineOp } from "../op-def.ts";
import { tensorType, type Dim, type StaticType, type TensorType } from "../types.ts";
import { expect, expectDtype, expectFloat, expectLength, expectRank, expectShape, knownExtent } from "./expect.ts";
import { activationFor, isCellActivation, runDirections, type Cell, type CellActivation } from "./recurrent-loops.ts";

/** `moments`: how many moments of x there are; those behind are not looked at, and mean nothing in y. Forward only. */
const operands = ["x", "w", "r", "bias?", "sequenceLengths?", "initialH?", "moments?"] as const;

const cellAttrs = {
  hidden: int(),
  direction: oneOf("forward", "reverse", "bidirectional"),
  /** ONNX's names in lower case, those of the second direction behind those of the first; empty: sigmoid for gates, tanh else. */
  activations: texts([]),
  /** One an activation, also for those that have none; empty: ONNX's defaults. */
  activationAlpha: floats([]),
  activationBeta: floats([]),
  /** What goes into an activation is cut to -clip..clip; 0: it is not. */
  clip: float(0),
};

interface CellAttrs {
  readonly hidden: number;
  readonly direction: "forward" | "reverse" | "bidirectional";
  readonly activations: readonly string[];
  readonly activationAlpha: readonly number[];
  readonly activationBeta: readonly number[];
  readonly clip: number;
}

type CellTypes = Readonly<Record<"x" | "w" | "r", TensorType>> &
  Readonly<Partial<Record<"bias" | "sequenceLengths" | "initialH" | "moments" | "initialC" | "peephole", TensorType | undefined>>>;

const cellSamples = (gates: number): readonly Record<string, unknown>[] => [
  { x: "4x2x3xf32", w: `1x${gates * 5}x3xf32`, r: `1x${gates * 5}x5xf32`, attrs: { hidden: 5 } },
  {
    x: "3x2x4xf32",
    w: `2x${gates * 3}x4xf32`,
    r: `2x${gates * 3}x3xf32`,
    bias: `2x${gates * 6}xf32`,
    sequenceLengths: "2xi32 in 1..3",
    initialH: "2x2x3xf32",
    attrs: { hidden: 3, direction: "bidirectional" },
  },
  { x: "5x2x2xf32", w: `1x${gates * 3}x2xf32`, r: `1x${gates * 3}x3xf32`, moments: "i32 in 5..5", attrs: { hidden: 3 } },
  { x: "5x1x2xf32", w: `1x${gates * 2}x2xf32`, r: `1x${gates * 2}x2xf32`, bias: `1x${gates * 4}xf32`, attrs: { hidden: 2, direction: "reverse", clip: 0.5 } },
];

export const lstm = defineOp({
  name: "lstm",
  summary: "Long short-term memory, ONNX LSTM-22 of layout 0, gates in the order input, output, forget, cell: y[T,D,B,H], and the last h and c.",
  operands: [...operands, "initialC?", "peephole?"],
  results: ["y", "yH", "yC"],
  attrs: { ...cellAttrs, inputForget: bool(false) },
  samples: [
    ...cellSamples(4),
    {
      x: "3x2x2xf32",
      w: "1x12x2xf32",
      r: "1x12x3xf32",
      initialC: "1x2x3xf32",
      peephole: "1x9xf32",
      attrs: { hidden: 3, inputForget: true, activations: ["hardsigmoid", "softsign", "relu"] },
    },
  ],
  infer(types, attrs) {
    const [y, state] = inferCell("lstm", types, attrs, 4, 3);
    const directions = state.shape[0]!;
    if (types.initialC) expectPart("lstm", "initialC", types.initialC, types.x, state.shape);
    if (types.peephole) expectPart("lstm", "peephole", types.peephole, types.x, [directions, 3 * attrs.hidden]);
    return [y, state, state];
  },
  evaluate({ initialC, peephole, ...given }, attrs, _result, types) {
    const H = attrs.hidden;
    const ran = runDirections(given, { ...shapeOfCell(types, attrs), gates: 4, initialC, peephole }, (direction) => {
      const [f, g, h] = activationsOf(attrs, ["sigmoid", "tanh", "tanh"], direction) as [CellActivation, CellActivation, CellActivation];
      return ({ input, recurrent, h: held, c, peephole: p }) => {
        for (let i = 0; i < H; i++) {
          const sum = (gate: number): number => input[gate * H + i]! + recurrent[gate * H + i]!;
          const forget = f(sum(2) + (p ? p[2 * H + i]! * c[i]! : 0));
          const open = attrs.inputForget ? 1 - forget : f(sum(0) + (p ? p[i]! * c[i]! : 0));
          c[i] = forget * c[i]! + open * g(sum(3));
          held[i] = f(sum(1) + (p ? p[H + i]! * c[i]! : 0)) * h(c[i]!);
        }
      };
    });
    return { results: [ran.y, ran.h, ran.c] };
  },
  macs: (types) => cellMacs(types),
});

export const gru = defineOp({
  name: "gru",
  summary: "Gated recurrent unit, ONNX GRU-22 of layout 0, gates in the order update, reset, hidden: y[T,D,B,H], and the last h.",
  operands: [...operands],
  results: ["y", "yH"],
  attrs: { ...cellAttrs, linearBeforeReset: bool(false) },
  samples: [...cellSamples(3), { x: "3x2x2xf32", w: "1x9x2xf32", r: "1x9x3xf32", bias: "1x18xf32", attrs: { hidden: 3, linearBeforeReset: true } }],
  infer: (types, attrs) => inferCell("gru", types, attrs, 3, 2),
  evaluate(given, attrs, _result, types) {
    const H = attrs.hidden;
    const ran = runDirections(given, { ...shapeOfCell(types, attrs), gates: 3 }, (direction): Cell => {
      const [f, g] = activationsOf(attrs, ["sigmoid", "tanh"], direction) as [CellActivation, CellActivation];
      const reset = new Float64Array(H);
      return ({ input, recurrent, bias, h, multiply }) => {
        for (let i = 0; i < H; i++) reset[i] = f(input[H + i]! + recurrent[H + i]!);
        // recurrent = r * h + its bias; without linearBeforeReset h is reset before the product.
        const hidden = attrs.linearBeforeReset
          ? recurrent.slice(2 * H).map((value, i) => reset[i]! * value)
          : multiply(
              h.map((value, i) => reset[i]! * value),
              2,
            ).map((value, i) => value + bias[2 * H + i]!);
        for (let i = 0; i < H; i++) {
          const update = f(input[i]! + recurrent[i]!);
          h[i] = (1 - update) * g(input[2 * H + i]! + hidden[i]!) + update * h[i]!;
        }
      };
    });
    return { results: [ran.y, ran.h] };
  },
  macs: (types) => cellMacs(types),
});

export const rnn = defineOp({
  name: "rnn",
  summary: "Plain recurrent cell, ONNX RNN-22 of layout 0: h = f(w * x + r * h + bias), y[T,D,B,H], and the last h.",
  operands: [...operands],
  results: ["y", "yH"],
  attrs: { ...cellAttrs },
  samples: [
    ...cellSamples(1),
    { x: "2x1x2xf32", w: "1x3x2xf32", r: "1x3x3xf32", attrs: { hidden: 3, activations: ["affine"], activationAlpha: [0.5], activationBeta: [0.1] } },
  ],
  infer: (types, attrs) => inferCell("rnn", types, attrs, 1, 1),
  evaluate(given, attrs, _result, types) {
    const ran = runDirections(given, { ...shapeOfCell(types, attrs), gates: 1 }, (direction) => {
      const [f] = activationsOf(attrs, ["tanh"], direction) as [CellActivation];
      return ({ input, recurrent, h }) => {
        for (let i = 0; i < h.length; i++) h[i] = f(input[i]! + recurrent[i]!);
      };
    });
    return { results: [ran.y, ran.h] };
  },
  macs: (types) => cellMacs(types),
});

function inferCell(op: string, types: CellTypes, attrs: CellAttrs, gates: number, activations: number): [TensorType, TensorType] {
  const { x, w, r, bias, sequenceLengths, initialH, moments } = types;
  const directions = attrs.direction === "bidirectional" ? 2 : 1;
  expectFloat(op, "x", x);
  expectRank(op, "x", x, 3);
  const [time, batch, width] = x.shape as readonly [Dim, Dim, Dim];
  const features = knownExtent(op, "x", width);
  expect(attrs.hidden > 0, () => `hidden is ${attrs.hidden}, ${op} wants 1 or more`);
  expectPart(op, "w", w, x, [directions, gates * attrs.hidden, features]);
  expectPart(op, "r", r, x, [directions, gates * attrs.hidden, attrs.hidden]);
  if (bias) expectPart(op, "bias", bias, x, [directions, 2 * gates * attrs.hidden]);
  const state = tensorType(x.dtype, [directions, batch, attrs.hidden]);
  if (initialH) expectPart(op, "initialH", initialH, x, state.shape);
  if (sequenceLengths) {
    expectDtype(op, "sequenceLengths", sequenceLengths, "i32", "i64");
    expectShape(op, "sequenceLengths", sequenceLengths, [batch]);
  }
  if (moments) {
    expectDtype(op, "moments", moments, "i32");
    expectShape(op, "moments", moments, []);
    expect(attrs.direction === "forward", () => `there are moments and the direction is ${attrs.direction}, ${op} wants forward`);
  }
  const wanted = directions * activations;
  if (attrs.activations.length > 0) expectLength(op, "activations", attrs.activations, wanted);
  for (const attr of ["activationAlpha", "activationBeta"] as const) if (attrs[attr].length > 0) expectLength(op, attr, attrs[attr], wanted);
  const unknown = attrs.activations.filter((name) => !isCellActivation(name));
  expect(unknown.length === 0, () => `activations name ${unknown.join(", ")}, ${op} wants those of ONNX in lower case`);
  expect(attrs.clip >= 0, () => `clip is ${attrs.clip}, ${op} wants 0 or more`);
  return [tensorType(x.dtype, [time, directions, batch, attrs.hidden]), state];
}

function expectPart(op: string, name: string, part: TensorType, x: TensorType, shape: readonly TensorType["shape"][number][]): void {
  expect(part.dtype === x.dtype, () => `${name} is ${part.dtype} of ${shapeText(part.shape)}, ${op} wants ${x.dtype} like x`);
  expectShape(op, name, part, shape);
}

function activationsOf(attrs: CellAttrs, defaults: readonly string[], direction: number): CellActivation[] {
  const names = attrs.activations.length > 0 ? attrs.activations : [...defaults, ...defaults];
  return defaults.map((_, i) => {
    const at = direction * defaults.length + i;
    return activationFor(names[at]!, attrs.activationAlpha[at], attrs.activationBeta[at], attrs.clip);
  });
}

function shapeOfCell(
  types: { readonly x: StaticType },
  attrs: CellAttrs,
): { time: number; batch: number; features: number; hidden: number; direction: CellAttrs["direction"] } {
  const [time, batch, features] = types.x.shape as [number, number, number];
  return { time, batch, features, hidden: attrs.hidden, direction: attrs.direction };
}

function cellMacs({ x, w, r }: { readonly x: StaticType; readonly w: StaticType; readonly r: StaticType }): number {
  return x.shape[0]! * x.shape[1]! * w.shape[0]! * w.shape[1]! * (w.shape[2]! + r.shape[2]!);
}
