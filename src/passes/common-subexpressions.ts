import type { Op, Value } from "../ir/graph.ts";
import { encodeData, type Tensor } from "../ir/tensor.ts";
import type { Pass } from "./pass.ts";
import { eraseDead } from "./rewrite.ts";

/** Constants larger than this are compared by identity only. */
const COMPARE_BYTES = 1 << 16;

/** Pure ops of one kind with equal operands and attributes become one. */
export const commonSubexpressions: Pass = {
  name: "common-subexpressions",
  summary: "computes equal things once",
  run(graph) {
    const numbers = new Map<Value | Tensor, number>();
    const numberOf = (value: Value | Tensor): number => numbers.get(value) ?? (numbers.set(value, numbers.size), numbers.size - 1);
    const known = new Map<string, Op>();
    for (const op of graph.ops) {
      if (!op.def.pure || op.regions.length > 0) continue;
      const key = `${op.name} ${op.operands.map((value) => (value ? numberOf(value) : "_")).join()} ${attrKey(op, numberOf)}`;
      const same = known.get(key);
      if (!same) known.set(key, op);
      else op.results.forEach((result, i) => graph.replaceUses(result, same.results[i]!));
    }
    return eraseDead(graph);
  },
};

function attrKey(op: Op, numberOf: (tensor: Tensor) => number): string {
  return Object.entries(op.attrs)
    .map(([name, value]) => `${name}=${isTensor(value) ? tensorKey(value, numberOf) : encode(value)}`)
    .join();
}

function isTensor(value: unknown): value is Tensor {
  return typeof value === "object" && value !== null && "data" in value;
}

/** JSON has no NaN, -0 and infinities. */
function encode(value: unknown): string {
  return Array.isArray(value)
    ? `[${value.map(encode).join()}]`
    : typeof value === "number"
      ? Object.is(value, -0)
        ? "-0"
        : String(value)
      : `${typeof value}:${String(value)}`;
}

function tensorKey(tensor: Tensor, numberOf: (tensor: Tensor) => number): string {
  const type = JSON.stringify(tensor.type);
  if (tensor.type.dtype === "string") return `${type}${JSON.stringify(tensor.data)}`;
  const bytes = encodeData(tensor.type.dtype, tensor.data);
  return bytes.length > COMPARE_BYTES
    ? `#${numberOf(tensor)}`
    : `${type}${String.fromCharCode(...bytes.subarray(0, 4096))}${bytes.length > 4096 ? bytes.join() : ""}`;
}
