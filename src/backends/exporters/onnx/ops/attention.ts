import type { Op, Value } from "../../../../ir/graph.ts";
import { tensor, type Tensor } from "../../../../ir/tensor.ts";
import type { TensorType } from "../../../../ir/types.ts";
import { constantOf } from "../../constant-of.ts";
import type { OnnxEmitter } from "../emitter.ts";
import { flagOf, intOf } from "./attributes.ts";
import type { Writer, WriterTable } from "./table.ts";

/** Where a query sees a key: `through` by name, and whether every query is known to see one. */
interface Mask {
  readonly name: string;
  readonly seesAll: boolean;
}

/** softmax(scale * q * transpose(k) + mask) * v of opset 17's own operators. */
const attention: Writer = (to, op) => {
  const [q, k, v] = ["q", "k", "v"].map((name) => op.operand(name)!) as [Value, Value, Value];
  const [batch, heads, queries, width] = q.type.shape as [number, number, number, number];
  const keys = k.type.shape[2] as number;
  const { dtype } = q.type;
  const type: TensorType = { dtype, shape: [batch, heads, queries, keys] };
  const turned = to.node("Transpose", [spread(to, k, heads)], { dtype, shape: [batch, heads, width, keys] }, { perm: [0, 1, 3, 2] });
  const scale = intOf(op, "scale") || 1 / Math.sqrt(width);
  const scaled = to.node("Mul", [to.node("MatMul", [to.name(q), turned], type), to.scalar(dtype, scale)], type);
  const capped = softcapped(to, scaled, type, intOf(op, "softcap"));
  const added = addend(to, op, capped, type);
  const masks = [...given(to, op, dtype), ...causal(to, op, queries, keys)];
  const masked = masks.reduce((logits, mask) => to.node("Where", [mask.name, logits, to.scalar(dtype, -Infinity)], type), added);
  const weights = to.node("Softmax", [masked], type, { axis: 3 });
  // A query that sees no key would be NaN; it is 0.
  const isWhole = masks.every((mask) => mask.seesAll);
  const safe = isWhole ? weights : masks.reduce((seen, mask) => to.node("Where", [mask.name, seen, to.scalar(dtype, 0)], type), weights);
  to.result(op, "MatMul", [safe, spread(to, v, heads)]);
};

function softcapped(to: OnnxEmitter, logits: string, type: TensorType, cap: number): string {
  if (cap === 0) return logits;
  const bent = to.node("Tanh", [to.node("Div", [logits, to.scalar(type.dtype, cap)], type)], type);
  return to.node("Mul", [bent, to.scalar(type.dtype, cap)], type);
}

/** Logits plus a mask of numbers. */
function addend(to: OnnxEmitter, op: Op, logits: string, type: TensorType): string {
  const mask = op.operand("mask");
  return mask && mask.type.dtype !== "bool" ? to.node("Add", [logits, to.name(mask)], type) : logits;
}

/** What the mask operand lets through, where it may hide all keys of a query. */
function given(to: OnnxEmitter, op: Op, dtype: TensorType["dtype"]): readonly Mask[] {
  const mask = op.operand("mask");
  if (!mask) return [];
  const type: TensorType = { dtype: "bool", shape: mask.type.shape };
  if (mask.type.dtype === "bool") return [{ name: to.name(mask), seesAll: false }];
  const known = constantOf(mask);
  if (known && !Array.from(known.data as ArrayLike<number>).includes(-Infinity)) return [];
  const hidden = to.node("Equal", [to.name(mask), to.scalar(dtype, -Infinity)], type);
  return [{ name: to.node("Not", [hidden], type), seesAll: false }];
}

/** Query i sees keys up to i + offset. */
function causal(to: OnnxEmitter, op: Op, queries: number, keys: number): readonly Mask[] {
  if (!flagOf(op, "causal")) return [];
  const offset = intOf(op, "offset");
  const flags = Array.from({ length: queries * keys }, (_, i) => Number(i % keys <= Math.floor(i / keys) + offset));
  const through: Tensor = tensor("bool", [queries, keys], flags);
  return [{ name: to.constant(through), seesAll: offset >= 0 && op.operand("mask") === undefined }];
}

/** Keys or values of shared heads, each repeated for the heads that share it. */
function spread(to: OnnxEmitter, value: Value, heads: number): string {
  const [batch, shared, rows, width] = value.type.shape as [number, number, number, number];
  const name = to.name(value);
  if (shared === heads) return name;
  const { dtype } = value.type;
  const apart = [batch, shared, 1, rows, width];
  const repeated = [batch, shared, heads / shared, rows, width];
  const open = to.node("Reshape", [name, to.integers(apart)], { dtype, shape: apart });
  const copies = to.node("Expand", [open, to.integers(repeated)], { dtype, shape: repeated });
  const whole = [batch, heads, rows, width];
  return to.node("Reshape", [copies, to.integers(whole)], { dtype, shape: whole });
}

export const ATTENTION: WriterTable = { attention };
