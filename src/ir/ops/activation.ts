import { float, oneOf } from "../attr.ts";
import { broadcastShapes, forEachRow } from "../broadcast.ts";
import { loopData, resultData, TRANSCENDENTAL, unary, wantSame } from "../elementwise.ts";
import { defineOp } from "../op-def.ts";
import { tensorType } from "../types.ts";
import { errorFunction } from "./arithmetic.ts";

export const relu = unary({ name: "relu", summary: "max(x, 0)", on: "number", compute: (x) => (x < 0 ? 0 : x), wide: (x) => (x < 0n ? 0n : x) });
export const sigmoid = unary({ name: "sigmoid", summary: "1 / (1 + exp(-x))", on: "float", tolerance: TRANSCENDENTAL, compute: logistic });
export const silu = unary({ name: "silu", summary: "x * sigmoid(x)", on: "float", tolerance: TRANSCENDENTAL, compute: (x) => x * logistic(x) });
export const hardSwish = unary({
  name: "hardSwish",
  summary: "x * clip(x / 6 + 0.5, 0, 1)",
  on: "float",
  samples: [{ x: "2x3x5xf32 in -5..5" }],
  compute: (x) => x * limit(x / 6 + 0.5, 0, 1),
});
export const softplus = unary({ name: "softplus", summary: "log(1 + exp(x))", on: "float", tolerance: TRANSCENDENTAL, compute: logOfOnePlusExp });
export const softsign = unary({ name: "softsign", summary: "x / (1 + |x|)", on: "float", compute: (x) => x / (1 + Math.abs(x)) });
export const mish = unary({
  name: "mish",
  summary: "x * tanh(softplus(x))",
  on: "float",
  tolerance: TRANSCENDENTAL,
  compute: (x) => x * Math.tanh(logOfOnePlusExp(x)),
});
export const gelu = unary({
  name: "gelu",
  summary: "x * P(X <= x) for a normal X; or its approximation by tanh.",
  on: "float",
  attrs: { approximate: oneOf("none", "tanh") },
  samples: [{ x: "2x3x5xf32 in -4..4" }, { x: "2x3x5xf32 in -4..4", attrs: { approximate: "tanh" } }],
  tolerance: TRANSCENDENTAL,
  compute: (x, { approximate }) =>
    0.5 * x * (1 + (approximate === "tanh" ? Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)) : errorFunction(x * Math.SQRT1_2))),
});
export const leakyRelu = unary({
  name: "leakyRelu",
  summary: "x where it is positive, else alpha * x",
  on: "float",
  attrs: { alpha: float(0.01) },
  compute: (x, { alpha }) => (x < 0 ? alpha * x : x),
});
export const elu = unary({
  name: "elu",
  summary: "x where it is positive, else alpha * (exp(x) - 1)",
  on: "float",
  attrs: { alpha: float(1) },
  tolerance: TRANSCENDENTAL,
  compute: (x, { alpha }) => (x < 0 ? alpha * Math.expm1(x) : x),
});
export const hardSigmoid = unary({
  name: "hardSigmoid",
  summary: "clip(alpha * x + beta, 0, 1)",
  on: "float",
  attrs: { alpha: float(0.2), beta: float(0.5) },
  samples: [{ x: "2x3x5xf32 in -5..5" }, { x: "7xf32 in -5..5", attrs: { alpha: 1 / 6, beta: 0.5 } }],
  compute: (x, { alpha, beta }) => limit(alpha * x + beta, 0, 1),
});
export const clip = unary({
  name: "clip",
  summary: "min(max(x, low), high); NaN stays. On integers the bounds are rounded inwards.",
  on: "number",
  attrs: { low: float(-Infinity), high: float(Infinity) },
  samples: [
    { x: "2x3x5xf32", attrs: { low: -1, high: 1.5 } },
    { x: "7xf32", attrs: { low: 0 } },
    { x: "5xi32", attrs: { low: -2.5, high: 2 } },
    { x: "4xi64", attrs: { high: 1 } },
  ],
  compute: (x, { low, high }) => limit(x, low, high),
  wide: (x, { low, high }) => (x > high ? BigInt(Math.floor(high)) : x < low ? BigInt(Math.ceil(low)) : x),
});
export const prelu = defineOp({
  name: "prelu",
  summary: "x where it is positive, else slope * x; slope broadcasts to x.",
  operands: ["x", "slope"],
  samples: [
    { x: "2x3x5xf32", slope: "3x1xf32" },
    { x: "2x3xf32", slope: "f32" },
  ],
  elementwise: true,
  tolerance: { abs: 0, rel: 1e-6 },
  infer: ({ x, slope }) => tensorType(wantSame("x", x, "slope", slope, "float"), broadcastShapes(x.shape, slope.shape)),
  evaluate({ x, slope }, _attrs, result, types) {
    const y = resultData(result);
    const [data, slopes] = [loopData(x), loopData(slope)];
    forEachRow(result.shape, [types.x.shape, types.slope.shape], (start, count, [atX, atSlope], [stepX, stepSlope]) => {
      for (let i = 0; i < count; i++) {
        const value = data[atX! + i * stepX!]!;
        y[start + i] = value < 0 ? value * slopes[atSlope! + i * stepSlope!]! : value;
      }
    });
    return y;
  },
});

function logistic(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

/** log(1 + exp(x)) without overflow. */
function logOfOnePlusExp(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}

/** ONNX Clip: high wins where low > high. */
function limit(x: number, low: number, high: number): number {
  const raised = x < low ? low : x;
  return raised > high ? high : raised;
}
