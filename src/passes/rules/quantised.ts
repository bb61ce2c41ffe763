/**
 * Dequantise, compute, quantise becomes integer arithmetic where both are one function of real numbers: products of stored integers
 * with exact accumulators, and data that only moves.
 */
import type { AttrSchema } from "../../ir/attr.ts";
import type { Builder } from "../../ir/builder.ts";
import type { Op, Value } from "../../ir/graph.ts";
import type { OpDef } from "../../ir/op-def.ts";
import { clip, relu } from "../../ir/ops/activation.ts";
import { cast, dequantise, quantise, storageCast } from "../../ir/ops/conversion.ts";
import { conv, convTranspose } from "../../ir/ops/convolution.ts";
import { linear, matmul } from "../../ir/ops/linear.ts";
import { reshape, slice, transpose } from "../../ir/ops/movement.ts";
import { add, div, mul, round, sub } from "../../ir/ops/arithmetic.ts";
import { BITS, elementCount, equalTypes, integerRange, type DType } from "../../ir/types.ts";
import { constantTensor, folded, makeConstant, numbersOf } from "../constants.ts";
import { onlyUse, op, rule, value, type Match, type OpPattern, type Rule } from "../pattern.ts";

/** Constant scales and zero points, one of each or one an index of `axis`. */
export interface Parameters {
  readonly scale: readonly number[];
  readonly zeroPoint: readonly number[];
  readonly axis: number;
}

const x = value();
const innerCast = op(storageCast, { x });
const outerCast = op(storageCast, { x: innerCast });
const anyCast = op(storageCast, { x });
const anyDequantise = op(dequantise, { x });
const anyQuantise = op(quantise, { x });
const again = op(quantise, { x: anyDequantise });
const turned = op(transpose, { x: anyDequantise });
const reshaped = op(reshape, { x: anyDequantise });
const cut = op(slice, { x: anyDequantise });

/** Of `dequantise` and `quantise` with constant parameters; undefined where they are computed at run time, or by blocks. */
export function parametersOf(at: Op): Parameters | undefined {
  const [scale, zeroPoint] = [folded(at.operand("scale")), folded(at.operand("zeroPoint"))];
  if (!scale || (at.operand("zeroPoint") && !zeroPoint) || at.attrs["block"] !== 0) return undefined;
  const rank = at.operands[0]!.type.shape.length;
  const axis = at.attrs["axis"] as number;
  const zeros = zeroPoint ? Array.from(zeroPoint.data, Number) : new Array<number>(scale.data.length).fill(0);
  return { scale: Array.from(scale.data, Number), zeroPoint: zeros, axis: scale.data.length === 1 ? 0 : axis < 0 ? axis + rank : axis };
}

export function equalParameters(a: Parameters, b: Parameters): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** Stored integers behind a real value. */
export interface Stored extends Parameters {
  readonly value: Value;
}

export function storedBehind(real: Value | undefined): Stored | undefined {
  const producer = real?.producer;
  if (producer?.def !== dequantise || producer.attrs["to"] !== "f32") return undefined;
  const parameters = parametersOf(producer);
  return parameters && { ...parameters, value: producer.operands[0]! };
}

/** Such integers times each other, summed, stay inside an accumulator of 32 bits for reductions of ordinary length. */
function isByte(stored: Stored): boolean {
  return BITS[stored.value.type.dtype] <= 8;
}

/** The longest reduction of bytes whose sum surely fits. */
const LONGEST = 2 ** 31 / (255 * 255) - 1;

/** A bias in units of both scales: the i32 behind it, or none where it is zero; undefined where it isn't such a bias. */
function storedBias(bias: Value | undefined, x: Stored, w: Stored): { readonly value: Value | undefined } | undefined {
  if (!bias) return { value: undefined };
  const constant = constantTensor(bias);
  if (constant && Array.from(numbersOf(constant)).every((element) => element === 0)) return { value: undefined };
  const stored = storedBehind(bias);
  if (stored?.value.type.dtype !== "i32" || stored.zeroPoint.some((zero) => zero !== 0)) return undefined;
  const units = w.scale.map((scale) => Math.fround(x.scale[0]! * scale));
  const alike = stored.scale.every((scale, i) => Math.abs(scale - units[i % units.length]!) <= 1e-6 * scale);
  return alike && (stored.scale.length === units.length || units.length === 1) ? { value: stored.value } : undefined;
}

export const typed = (b: Builder, { value, scale, zeroPoint, axis }: Stored): Value => b.create(storageCast, { x: value }, { scale, zeroPoint, axis });

/** The integers of a real product's operands, where they are bytes and the sums surely exact. */
function integerOperands(at: Op): { readonly x: Stored; readonly w: Stored; readonly bias: Value | undefined } | undefined {
  const [x, w] = [storedBehind(at.operands[0]), storedBehind(at.operands[1])];
  if (!x || !w || x.scale.length > 1 || !isByte(x) || !isByte(w) || at.operands[3]) return undefined;
  const isMatmul = at.def === matmul;
  const shape = w.value.type.shape as readonly number[];
  const length = isMatmul ? (at.operands[0]!.type.shape.at(-1) as number) : elementCount(shape) / shape[at.def === convTranspose ? 1 : 0]!;
  const along = isMatmul ? shape.length - 1 : at.def === convTranspose ? 1 : 0;
  const apart = (isMatmul && shape.length === 1) || (at.def === convTranspose && at.attrs["groups"] !== 1);
  if (length > LONGEST || (w.scale.length > 1 && (w.axis !== along || apart))) return undefined;
  const bias = storedBias(isMatmul ? undefined : at.operand("bias"), x, w);
  return bias && { x, w, bias: bias.value };
}

type Product = OpDef<readonly ["x", "w", "bias?"], AttrSchema>;

/** quantise(activation(product(dequantise(x), dequantise(w)) + bias)) == the product over integers. */
function integerProduct(name: string, def: Product | typeof matmul): Rule[] {
  const real = op(def as Product);
  const activated = { relu: op(relu, { x: onlyUse(real) }), clip: op(clip, { x: onlyUse(real) }) } as const;
  const make = (m: Match, b: Builder, root: OpPattern, activation: { activation?: string; alpha?: number; beta?: number }): Value | undefined => {
    const [at, store] = [m.get(real), m.get(root)];
    const [operands, result] = [integerOperands(at), parametersOf(store)];
    const to = store.attrs["to"] as DType;
    if (!operands || result?.scale.length !== 1 || BITS[to] > 16) return undefined;
    const attrs = { ...at.attrs, ...activation, outDtype: to, outScale: result.scale, outZeroPoint: result.zeroPoint, rounding: "onnx" as const };
    const [first, second] = [typed(b, operands.x), typed(b, operands.w)];
    const made =
      def === matmul ? b.create(matmul, { a: first, b: second }, attrs) : b.create(def as Product, { x: first, w: second, bias: operands.bias }, attrs);
    return b.create(storageCast, { x: made });
  };
  const plain = (m: Match): boolean => (m.get(real).attrs["activation"] ?? "none") === "none";
  const roots = {
    none: op(quantise, { x: onlyUse(real) }),
    relu: op(quantise, { x: onlyUse(activated.relu) }),
    clip: op(quantise, { x: onlyUse(activated.clip) }),
  };
  const rules = [
    rule(`integer-${name}`, roots.none, (m, b) =>
      plain(m) || ["relu", "clip"].includes(m.get(real).attrs["activation"] as string) ? make(m, b, roots.none, {}) : undefined,
    ),
  ];
  if (!("activation" in def.attrs)) return rules;
  return [
    ...rules,
    rule(`integer-${name}-relu`, roots.relu, (m, b) => (plain(m) ? make(m, b, roots.relu, { activation: "relu" }) : undefined)),
    rule(`integer-${name}-clip`, roots.clip, (m, b) => {
      const { low, high } = m.get(activated.clip).attrs;
      return plain(m) ? make(m, b, roots.clip, { activation: "clip", alpha: low, beta: high }) : undefined;
    }),
  ];
}

/** Dequantise `moved` as `at` did, along `axis`. */
function dequantiseLike(b: Builder, at: Op, moved: Value, axis: number): Value {
  return b.create(dequantise, { x: moved, scale: at.operand("scale")!, zeroPoint: at.operand("zeroPoint") }, { ...at.attrs, axis });
}

function isOneScale(at: Op): boolean {
  return at.attrs["block"] === 0 && elementCount(at.operand("scale")!.type.shape as readonly number[]) === 1;
}

export const quantisedRules: readonly Rule[] = [
  ...integerProduct("conv", conv as unknown as Product),
  ...integerProduct("conv-transpose", convTranspose as unknown as Product),
  ...integerProduct("linear", linear as unknown as Product),
  ...integerProduct("matmul", matmul),
  // storageCast(storageCast(x)) == storageCast(x)
  rule("storage-cast-of-cast", outerCast, (m, b) => b.create(storageCast, { x: m.get(x) }, m.get(outerCast).attrs)),
  // the same quantisation again changes nothing
  rule("storage-cast-nothing", anyCast, (m) => (equalTypes(m.get(x).type, m.value(anyCast).type) ? m.get(x) : undefined)),
  // quantise(dequantise(x)) == x: two roundings of f32 are far below half a step of 16 bits
  rule("quantise-of-dequantise", again, (m) => {
    const [inner, outer] = [parametersOf(m.get(anyDequantise)), parametersOf(m.get(again))];
    const same = inner && outer && equalParameters(inner, outer) && m.get(anyDequantise).attrs.to === "f32" && inner.scale.every((scale) => scale > 0);
    return same && equalTypes(m.get(x).type, m.value(again).type) && BITS[m.get(x).type.dtype] <= 16 ? m.get(x) : undefined;
  }),
  // What only moves is moved while it is small
  rule("transpose-of-dequantise", turned, (m, b) => {
    const [at, { perm }] = [m.get(anyDequantise), m.get(turned).attrs];
    if (at.attrs.block !== 0) return undefined;
    const rank = perm.length;
    const axis = isOneScale(at) ? 0 : perm.indexOf(at.attrs.axis < 0 ? at.attrs.axis + rank : at.attrs.axis);
    return dequantiseLike(b, at, b.create(transpose, { x: m.get(x) }, { perm }), axis);
  }),
  rule("reshape-of-dequantise", reshaped, (m, b) => {
    const at = m.get(anyDequantise);
    return isOneScale(at) ? dequantiseLike(b, at, b.create(reshape, { x: m.get(x) }, m.get(reshaped).attrs), 0) : undefined;
  }),
  rule("slice-of-dequantise", cut, (m, b) => {
    const at = m.get(anyDequantise);
    return isOneScale(at) ? dequantiseLike(b, at, b.create(slice, { x: m.get(x) }, m.get(cut).attrs), 0) : undefined;
  }),
];

/** Widest stored integers that f32 holds together with their difference to a zero point. */
const EXACT_BITS = 16;

/** What stays of quantise and dequantise with one constant scale, as the elementwise ops that its kernel is made of, so that it fuses with its neighbours. */
export const elementwiseRules: readonly Rule[] = [
  // dequantise(x) == (x - zeroPoint) * scale
  rule("dequantise-is-elementwise", anyDequantise, (m, b) => {
    const [at, from] = [m.get(anyDequantise), m.get(x).type.dtype];
    const parameters = parametersOf(at);
    if (parameters?.scale.length !== 1 || at.attrs.to !== "f32" || BITS[from] > EXACT_BITS || at.operand("scale")!.type.dtype !== "f32") return undefined;
    const number = numberOf(b);
    const wide = b.create(cast, { x: m.get(x) }, { to: "f32" });
    const centred = parameters.zeroPoint[0] === 0 ? wide : b.create(sub, { a: wide, b: number(parameters.zeroPoint[0]!) });
    return b.create(mul, { a: centred, b: number(parameters.scale[0]!) });
  }),
  // quantise(x) == cast(clip(round(x / scale) + zeroPoint)); NaN goes through to the cast, which gives 0
  rule("quantise-is-elementwise", anyQuantise, (m, b) => {
    const [at, to] = [m.get(anyQuantise), m.get(anyQuantise).attrs.to];
    const parameters = parametersOf(at);
    if (parameters?.scale.length !== 1 || m.get(x).type.dtype !== "f32" || BITS[to] > EXACT_BITS || at.operand("scale")!.type.dtype !== "f32") return undefined;
    const number = numberOf(b);
    const whole = b.create(round, { x: b.create(div, { a: m.get(x), b: number(parameters.scale[0]!) }) });
    const moved = parameters.zeroPoint[0] === 0 ? whole : b.create(add, { a: whole, b: number(parameters.zeroPoint[0]!) });
    const [low, high] = integerRange(to);
    return b.create(cast, { x: b.create(clip, { x: moved }, { low, high }) }, { to });
  }),
];

export function numberOf(b: Builder): (element: number) => Value {
  return (element) => makeConstant(b, { type: { dtype: "f32", shape: [] }, data: Float32Array.of(element) });
}
