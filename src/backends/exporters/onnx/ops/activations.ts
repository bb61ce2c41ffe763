import type { ActivationName } from "../../../../ir/attr.ts";
import { isFloat, type TensorType } from "../../../../ir/types.ts";
import { float, type OnnxEmitter } from "../emitter.ts";
import { ALPHA, BETA } from "./attributes.ts";
import type { Writer, WriterTable } from "./table.ts";

/** One element in, one out: the name of the result of type `type`. */
type Form = (to: OnnxEmitter, x: string, type: TensorType, alpha: number, beta: number) => string;

const plain =
  (operator: string): Form =>
  (to, x, type) =>
    to.node(operator, [x], type);

/** Opset 17 has no Gelu: 0.5 x (1 + erf(x / sqrt(2))), which engines know. */
const gelu: Form = (to, x, type) => {
  const tail = to.node("Erf", [to.node("Div", [x, to.scalar(type.dtype, Math.SQRT2)], type)], type);
  return half(to, x, tail, type);
};

const geluTanh: Form = (to, x, type) => {
  const cube = to.node("Mul", [to.node("Mul", [x, x], type), x], type);
  const bent = to.node("Add", [x, to.node("Mul", [cube, to.scalar(type.dtype, 0.044715)], type)], type);
  return half(to, x, to.node("Tanh", [to.node("Mul", [bent, to.scalar(type.dtype, Math.sqrt(2 / Math.PI))], type)], type), type);
};

/** 0.5 x (1 + tail) */
function half(to: OnnxEmitter, x: string, tail: string, type: TensorType): string {
  const raised = to.node("Add", [tail, to.scalar(type.dtype, 1)], type);
  return to.node("Mul", [to.node("Mul", [x, raised], type), to.scalar(type.dtype, 0.5)], type);
}

const clip: Form = (to, x, type, low, high) => {
  const bound = (value: number): string => (Number.isFinite(value) ? to.scalar(type.dtype, value) : "");
  return to.node("Clip", [x, bound(low), bound(high)], type);
};

const FORMS: Readonly<Record<Exclude<ActivationName, "none">, Form>> = {
  relu: plain("Relu"),
  clip,
  leakyRelu: (to, x, type, alpha) => to.node("LeakyRelu", [x], type, { alpha: float(alpha) }),
  gelu,
  geluTanh,
  silu: (to, x, type) => to.node("Mul", [x, to.node("Sigmoid", [x], type)], type),
  hardSwish: plain("HardSwish"),
  hardSigmoid: (to, x, type, alpha, beta) => to.node("HardSigmoid", [x], type, { alpha: float(alpha), beta: float(beta) }),
  sigmoid: plain("Sigmoid"),
  tanh: plain("Tanh"),
  elu: (to, x, type, alpha) => to.node("Elu", [x], type, { alpha: float(alpha) }),
  exp: plain("Exp"),
  softplus: plain("Softplus"),
};

/** `x` behind the activation that the attributes of a product say. */
export function activated(to: OnnxEmitter, x: string, type: TensorType, activation: string, alpha: number, beta: number): string {
  return activation === "none" ? x : FORMS[activation as keyof typeof FORMS](to, x, type, alpha, beta);
}

const writes =
  (form: Form, bounds: (attrs: Readonly<Record<string, unknown>>) => readonly [number, number] = () => [0, 0]): Writer =>
  (to, op) =>
    to.bind(op.result, form(to, to.operand(op, "x"), op.result.type, ...bounds(op.attrs)));

/** Bounds of integers are rounded inwards. */
function clipBounds(attrs: Readonly<Record<string, unknown>>, whole: boolean): readonly [number, number] {
  const [low, high] = [attrs["low"] as number, attrs["high"] as number];
  return whole ? [Math.ceil(low), Math.floor(high)] : [low, high];
}

export const ACTIVATIONS: WriterTable = {
  relu: writes(FORMS.relu),
  sigmoid: writes(FORMS.sigmoid),
  tanh: writes(FORMS.tanh),
  silu: writes(FORMS.silu),
  hardSwish: writes(FORMS.hardSwish),
  softplus: writes(FORMS.softplus),
  softsign: writes(plain("Softsign")),
  mish: writes((to, x, type) => to.node("Mul", [x, to.node("Tanh", [to.node("Softplus", [x], type)], type)], type)),
  gelu: (to, op) => writes(op.attrs["approximate"] === "tanh" ? geluTanh : gelu)(to, op),
  leakyRelu: writes(FORMS.leakyRelu, (attrs) => [ALPHA(attrs), 0]),
  elu: writes(FORMS.elu, (attrs) => [ALPHA(attrs), 0]),
  hardSigmoid: writes(FORMS.hardSigmoid, (attrs) => [ALPHA(attrs), BETA(attrs)]),
  clip: (to, op) => writes(clip, (attrs) => clipBounds(attrs, !isFloat(op.result.type.dtype)))(to, op),
};
