import { clip, elu, leakyRelu, relu } from "../../ir/ops/activation.ts";
import { add, div, max, min, mul, neg, pow, reciprocal, sqrt, sub } from "../../ir/ops/arithmetic.ts";
import { cast } from "../../ir/ops/conversion.ts";
import { broadcast } from "../../ir/ops/movement.ts";
import { reduce } from "../../ir/ops/reduction.ts";
import type { Value } from "../../ir/graph.ts";
import { equalTypes, isFloat } from "../../ir/types.ts";
import { computed, constantTensor, isUniform, numbersOf, uniform } from "../constants.ts";
import { constantOf, onlyUse, op, rule, value, type Rule } from "../pattern.ts";

const x = value();
const c = constantOf();
const added = op(add, { a: x, b: c });
const subtracted = op(sub, { a: x, b: c });
const multiplied = op(mul, { a: x, b: c });
const divided = op(div, { a: x, b: c });
const inverted = op(div, { a: c, b: x });
const raised = op(pow, { a: x, b: c });

/** `x`, where the neutral operand did not broadcast it. */
function same(given: Value, root: Value): Value | undefined {
  return equalTypes(given.type, root.type) ? given : undefined;
}

const y = value();
const d = constantOf();
const outerMul = op(mul, { a: onlyUse(multiplied), b: d });
const outerAdd = op(add, { a: onlyUse(added), b: d });
const sumOfSquares = op(reduce, { x: onlyUse(op(mul, { a: x, b: x })) });
const squares = onlyUse(op(reduce, { x }));

/** 1 / n has no rounding and is no subnormal, in f16 too. */
function isPowerOfTwo(n: number): boolean {
  return Number.isInteger(Math.log2(Math.abs(n))) && Math.abs(Math.log2(Math.abs(n))) <= 14;
}

const innerClip = op(clip, { x });
const outerClip = op(clip, { x: onlyUse(innerClip) });
const innerRelu = op(relu, { x });
const clipOfRelu = op(clip, { x: onlyUse(innerRelu) });
const innerNeg = op(neg, { x });
const atLeast = op(max, { a: x, b: c });
const atMost = op(min, { a: x, b: c });
const leaky = op(leakyRelu, { x });
const exponential = op(elu, { x });
const innerCast = op(cast, { x });
const outerCast = op(cast, { x: innerCast });
const anyClip = op(clip, { x });
const anyCast = op(cast, { x });

export const algebraRules: readonly Rule[] = [
  // x + 0 == x
  rule("add-zero", added, (m) => (isUniform(m.get(c), 0) ? same(m.get(x), m.value(added)) : undefined)),
  // x - 0 == x
  rule("sub-zero", subtracted, (m) => (isUniform(m.get(c), 0) ? same(m.get(x), m.value(subtracted)) : undefined)),
  // x * 1 == x
  rule("mul-one", multiplied, (m) => (isUniform(m.get(c), 1) ? same(m.get(x), m.value(multiplied)) : undefined)),
  // x / 1 == x
  rule("div-one", divided, (m) => (isUniform(m.get(c), 1) ? same(m.get(x), m.value(divided)) : undefined)),
  // x - c == x + (-c)
  rule("sub-is-add", subtracted, (m, b) => (isFloat(m.get(x).type.dtype) ? b.create(add, { a: m.get(x), b: computed(b, neg, m.value(c)) }) : undefined)),
  // x / c == x * (1 / c), where the reciprocal is exact
  rule("div-is-mul", divided, (m, b) => {
    const divisors = m.get(c);
    const exact = isFloat(divisors.type.dtype) && Array.from(numbersOf(divisors)).every(isPowerOfTwo);
    return exact ? b.create(mul, { a: m.get(x), b: computed(b, reciprocal, m.value(c)) }) : undefined;
  }),
  // (x * c) * d == x * (c * d)
  rule("mul-of-mul", outerMul, (m, b) =>
    isFloat(m.get(x).type.dtype) && !constantTensor(m.get(x)) ? b.create(mul, { a: m.get(x), b: computed(b, mul, m.value(c), m.value(d)) }) : undefined,
  ),
  // (x + c) + d == x + (c + d)
  rule("add-of-add", outerAdd, (m, b) =>
    isFloat(m.get(x).type.dtype) && !constantTensor(m.get(x)) ? b.create(add, { a: m.get(x), b: computed(b, add, m.value(c), m.value(d)) }) : undefined,
  ),
  // f(x, broadcast(y)) == f(x, y), where x has the shape already
  ...[add, sub, mul, div, max, min].flatMap((def) =>
    (["a", "b"] as const).map((side) => {
      const spread = op(broadcast, { x: y });
      const root = op(def, side === "a" ? { a: spread, b: x } : { a: x, b: spread });
      return rule(`broadcast-into-${def.name}-${side}`, root, (m, b) => {
        const enough = equalTypes(m.get(x).type, m.value(root).type);
        return enough ? b.create(def, side === "a" ? { a: m.get(y), b: m.get(x) } : { a: m.get(x), b: m.get(y) }) : undefined;
      });
    }),
  ),
  // sum(x * x) == sumSquare(x)
  rule("sum-of-squares", sumOfSquares, (m, b) => {
    const { kind, axes, keepDims } = m.get(sumOfSquares).attrs;
    return kind === "sum" && isFloat(m.get(x).type.dtype) ? b.create(reduce, { x: m.get(x) }, { kind: "sumSquare", axes, keepDims }) : undefined;
  }),
  // sqrt(sumSquare(x)) == l2(x)
  rule("root-of-squares", op(sqrt, { x: squares }), (m, b) => {
    const { kind, axes, keepDims } = m.get(squares).attrs;
    return kind === "sumSquare" ? b.create(reduce, { x: m.get(x) }, { kind: "l2", axes, keepDims }) : undefined;
  }),
  // 1 / x == reciprocal(x)
  rule("div-of-one", inverted, (m, b) =>
    isUniform(m.get(c), 1) && isFloat(m.get(x).type.dtype) && same(m.get(x), m.value(inverted)) ? b.create(reciprocal, { x: m.get(x) }) : undefined,
  ),
  // pow(x, 1) == x
  rule("pow-one", raised, (m) => (isUniform(m.get(c), 1) ? same(m.get(x), m.value(raised)) : undefined)),
  // pow(x, 2) == x * x
  rule("pow-two", raised, (m, b) =>
    isUniform(m.get(c), 2) && isFloat(m.get(x).type.dtype) && same(m.get(x), m.value(raised)) ? b.create(mul, { a: m.get(x), b: m.get(x) }) : undefined,
  ),
  // -(-x) == x
  rule("neg-of-neg", op(neg, { x: innerNeg }), (m) => m.get(x)),
  // clip(clip(x, a, b), c, d) == clip(x, max(a, c), min(b, d)), where the ranges meet
  rule("clip-of-clip", outerClip, (m, b) => {
    const low = Math.max(m.get(innerClip).attrs.low, m.get(outerClip).attrs.low);
    const high = Math.min(m.get(innerClip).attrs.high, m.get(outerClip).attrs.high);
    return low <= high ? b.create(clip, { x: m.get(x) }, { low, high }) : undefined;
  }),
  // clip(relu(x), a, b) == clip(x, max(a, 0), b), where b >= 0
  rule("clip-of-relu", clipOfRelu, (m, b) => {
    const { low, high } = m.get(clipOfRelu).attrs;
    return high >= Math.max(low, 0) ? b.create(clip, { x: m.get(x) }, { low: Math.max(low, 0), high }) : undefined;
  }),
  // clip(x, 0, inf) == relu(x)
  rule("clip-is-relu", anyClip, (m, b) =>
    m.get(anyClip).attrs.low === 0 && m.get(anyClip).attrs.high === Infinity ? b.create(relu, { x: m.get(x) }) : undefined,
  ),
  // clip(x, -inf, inf) == x
  rule("clip-nothing", anyClip, (m) => (m.get(anyClip).attrs.low === -Infinity && m.get(anyClip).attrs.high === Infinity ? m.get(x) : undefined)),
  // max(x, a) == clip(x, a, inf) for one number a
  rule("max-is-clip", atLeast, (m, b) => {
    const low = isFloat(m.get(x).type.dtype) && same(m.get(x), m.value(atLeast)) ? uniform(m.get(c)) : undefined;
    return low === undefined || Number.isNaN(low) ? undefined : b.create(clip, { x: m.get(x) }, { low });
  }),
  // min(x, a) == clip(x, -inf, a) for one number a
  rule("min-is-clip", atMost, (m, b) => {
    const high = isFloat(m.get(x).type.dtype) && same(m.get(x), m.value(atMost)) ? uniform(m.get(c)) : undefined;
    return high === undefined || Number.isNaN(high) ? undefined : b.create(clip, { x: m.get(x) }, { high });
  }),
  // leakyRelu(x, 0) == relu(x)
  rule("leaky-is-relu", leaky, (m, b) => (m.get(leaky).attrs.alpha === 0 ? b.create(relu, { x: m.get(x) }) : undefined)),
  // elu(x, 0) == relu(x)
  rule("elu-is-relu", exponential, (m, b) => (m.get(exponential).attrs.alpha === 0 ? b.create(relu, { x: m.get(x) }) : undefined)),
  // relu(relu(x)) == relu(x)
  rule("relu-of-relu", op(relu, { x: innerRelu }), (m) => m.value(innerRelu)),
  // cast to the same dtype changes nothing
  rule("cast-nothing", anyCast, (m) => same(m.get(x), m.value(anyCast))),
  // cast(cast(x, wider), back) == x
  rule("cast-there-and-back", outerCast, (m) => {
    const [from, through] = [m.get(x).type.dtype, m.value(innerCast).type.dtype];
    return WIDER[from]?.includes(through) ? same(m.get(x), m.value(outerCast)) : undefined;
  }),
];

/** Dtypes that hold every value of the key. */
const WIDER: Readonly<Record<string, readonly string[]>> = {
  f32: ["f64"],
  f16: ["f32", "f64"],
  bf16: ["f32", "f64"],
  i32: ["i64", "f64"],
  i16: ["i32", "i64", "f32", "f64"],
  i8: ["i16", "i32", "i64", "f16", "bf16", "f32", "f64"],
  u8: ["i16", "u16", "i32", "u32", "i64", "u64", "f16", "bf16", "f32", "f64"],
  u16: ["i32", "u32", "i64", "u64", "f32", "f64"],
  u32: ["i64", "u64", "f64"],
  bool: ["i8", "u8", "i16", "u16", "i32", "u32", "i64", "u64", "f16", "bf16", "f32", "f64"],
};
