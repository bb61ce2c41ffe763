import { positions } from "./positions.ts";
import { add, div, max, min, mul, sub } from "../../../ir/ops/arithmetic.ts";
import { clip, elu, gelu, hardSigmoid, hardSwish, leakyRelu, mish, prelu, relu, sigmoid, silu, softplus, softsign } from "../../../ir/ops/activation.ts";
import { equal, greater, less } from "../../../ir/ops/comparison.ts";
import { select } from "../../../ir/ops/logic.ts";
import { logSoftmax, softmax } from "../../../ir/ops/normalisation.ts";
import { argReduce } from "../../../ir/ops/reduction.ts";
import { countOf } from "../../../ir/dims.ts";
import type { Value } from "../../../ir/graph.ts";
import { isWide } from "../../../ir/types.ts";
import type { NodeContext } from "../context.ts";
import { castTo, range, reshapeTo } from "../rearrange.ts";
import { rankOf, shapeOf } from "../static-shape.ts";
import { since, type OperatorTable } from "./table.ts";

export const ACTIVATION: OperatorTable = {
  Celu: since(12, importCelu),
  Clip: importClip,
  Elu: (c) => c.b.create(elu, { x: x(c) }, { alpha: c.float("alpha", 1) }),
  Gelu: since(20, (c) => c.b.create(gelu, { x: x(c) }, { approximate: c.word("approximate", ["none", "tanh"]) })),
  HardSigmoid: (c) => c.b.create(hardSigmoid, { x: x(c) }, { alpha: c.float("alpha", 0.2), beta: c.float("beta", 0.5) }),
  HardSwish: since(14, (c) => c.b.create(hardSwish, { x: x(c) })),
  Hardmax: (c) => alongAxis(c, (value, axis) => hardmax(c, value, axis)),
  LeakyRelu: (c) => c.b.create(leakyRelu, { x: x(c) }, { alpha: c.float("alpha", 0.01) }),
  LogSoftmax: (c) => alongAxis(c, (value, axis) => c.b.create(logSoftmax, { x: value }, { axis })),
  Mish: since(18, (c) => c.b.create(mish, { x: x(c) })),
  PRelu: importPrelu,
  Relu: (c) => c.b.create(relu, { x: x(c) }),
  Selu: importSelu,
  Shrink: since(9, importShrink),
  Sigmoid: (c) => c.b.create(sigmoid, { x: x(c) }),
  Softmax: (c) => alongAxis(c, (value, axis) => c.b.create(softmax, { x: value }, { axis })),
  Softplus: (c) => c.b.create(softplus, { x: x(c) }),
  Softsign: (c) => c.b.create(softsign, { x: x(c) }),
  SwiGLU: since(28, (c) => c.b.create(mul, { a: swish(c, 1), b: c.need(1, "B") })),
  Swish: since(24, (c) => swish(c, 1)),
  ThresholdedRelu: since(10, importThresholdedRelu),
};

export const MICROSOFT_ACTIVATION: OperatorTable = {
  BiasGelu: since(1, (c) => c.b.create(gelu, { x: c.b.create(add, { a: x(c), b: c.need(1, "B") }) })),
  FastGelu: since(1, importFastGelu),
  Gelu: since(1, (c) => c.b.create(gelu, { x: x(c) })),
  QuickGelu: since(1, (c) => swish(c, 1.702)),
};

function x(c: NodeContext): Value {
  return c.need(0, "X");
}

/** Bounds are attributes before opset 11 and operands from then on. */
function importClip(c: NodeContext): Value {
  const value = x(c);
  const { dtype } = value.type;
  if (c.opset < 11) return c.b.create(clip, { x: value }, { low: c.float("min", -Infinity), high: c.float("max", Infinity) });
  const [low, high] = [c.operand(1), c.operand(2)];
  const [lowest, highest] = [low ? number(c, low) : -Infinity, high ? number(c, high) : Infinity];
  if (!low && !high) return value;
  // Bounds of 64-bit integers need not be exact as floats.
  if (lowest !== undefined && highest !== undefined && !isWide(dtype)) return c.b.create(clip, { x: value }, { low: lowest, high: highest });
  const raised = low ? c.b.create(max, { a: value, b: low }) : value;
  return high ? c.b.create(min, { a: raised, b: high }) : raised;
}

function number(c: NodeContext, value: Value): number | undefined {
  const known = c.constant(value);
  return known?.data.length === 1 ? Number(known.data[0]) : undefined;
}

function importCelu(c: NodeContext): Value {
  const alpha = c.float("alpha", 1);
  // alpha * elu(x / alpha) == max(0, x) + min(0, alpha * (exp(x / alpha) - 1))
  if (alpha === 1) return c.b.create(elu, { x: x(c) });
  const scale = c.scalar(x(c).type.dtype, alpha);
  return c.b.create(mul, { a: c.b.create(elu, { x: c.b.create(div, { a: x(c), b: scale }) }), b: scale });
}

function importSelu(c: NodeContext): Value {
  const alpha = c.float("alpha", 1.6732631921768188);
  const gamma = c.float("gamma", 1.0507010221481323);
  return c.b.create(mul, { a: c.b.create(elu, { x: x(c) }, { alpha }), b: c.scalar(x(c).type.dtype, gamma) });
}

function importShrink(c: NodeContext): Value {
  const { dtype } = x(c).type;
  const lambd = c.float("lambd", 0.5);
  const bias = c.scalar(dtype, c.float("bias", 0));
  const isLow = c.b.create(less, { a: x(c), b: c.scalar(dtype, -lambd) });
  const isHigh = c.b.create(greater, { a: x(c), b: c.scalar(dtype, lambd) });
  const high = c.b.create(select, { condition: isHigh, a: c.b.create(sub, { a: x(c), b: bias }), b: c.scalar(dtype, 0) });
  return c.b.create(select, { condition: isLow, a: c.b.create(add, { a: x(c), b: bias }), b: high });
}

function importThresholdedRelu(c: NodeContext): Value {
  const { dtype } = x(c).type;
  const isAbove = c.b.create(greater, { a: x(c), b: c.scalar(dtype, c.float("alpha", 1)) });
  return c.b.create(select, { condition: isAbove, a: x(c), b: c.scalar(dtype, 0) });
}

/** Before opset 7 a vector of slopes goes along the channels. */
function importPrelu(c: NodeContext): Value {
  const slope = c.need(1, "slope");
  const isPerChannel = c.opset < 7 && rankOf(slope) === 1 && shapeOf(slope)[0]! > 1;
  const shape = isPerChannel ? [shapeOf(slope)[0]!, ...range(rankOf(x(c)) - 2).map(() => 1)] : slope.type.shape;
  return c.b.create(prelu, { x: x(c), slope: reshapeTo(c.b, slope, shape) });
}

/** x * sigmoid(factor * x) */
function swish(c: NodeContext, fallback: number): Value {
  const factor = c.float("alpha", fallback);
  if (factor === 1) return c.b.create(silu, { x: x(c) });
  const scaled = c.b.create(mul, { a: x(c), b: c.scalar(x(c).type.dtype, factor) });
  return c.b.create(mul, { a: x(c), b: c.b.create(sigmoid, { x: scaled }) });
}

function importFastGelu(c: NodeContext): Value {
  const bias = c.operand(1);
  const biased = bias ? c.b.create(add, { a: x(c), b: bias }) : x(c);
  return c.b.create(gelu, { x: biased }, { approximate: "tanh" });
}

/** From opset 13 on one axis; before, the tensor is a matrix split at `axis`, and its rows are taken whole. */
function alongAxis(c: NodeContext, make: (x: Value, axis: number) => Value): Value {
  const value = x(c);
  const rank = rankOf(value);
  if (c.opset >= 13) return make(value, c.axis(c.int("axis", -1), Math.max(rank, 1)));
  const given = c.int("axis", 1);
  const axis = given === rank ? rank : c.axis(given, rank);
  const { shape } = value.type;
  if (axis < rank && countOf(shape.slice(axis + 1)) === 1) return make(value, axis);
  const matrix = reshapeTo(c.b, value, [countOf(shape.slice(0, axis)), countOf(shape.slice(axis))]);
  return reshapeTo(c.b, make(matrix, 1), shape);
}

/** 1 at the first of the largest elements, else 0. */
function hardmax(c: NodeContext, value: Value, axis: number): Value {
  const largest = c.b.create(argReduce, { x: value }, { kind: "max", axis });
  const { shape } = value.type;
  const places = positions(
    c,
    shape.map((dim, i) => (i === axis ? dim : 1)),
    shape[axis]!,
  );
  return castTo(c.b, c.b.create(equal, { a: places, b: largest }), value.type.dtype);
}
