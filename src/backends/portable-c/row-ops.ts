import type { Op, Value } from "../../ir/graph.ts";
import type { Tensor } from "../../ir/tensor.ts";
import { elementCount } from "../../ir/types.ts";
import { floatText } from "./c-table.ts";

export const VALUE_TYPES: Readonly<Record<string, string>> = { f32: "float", f64: "double", i32: "int32_t", i64: "int64_t", bool: "int" };

/** Elementwise ops as C of their operands; those of one dtype are computed in it, which rounds once. */
const ELEMENTWISE: Readonly<Record<string, (operands: readonly string[], dtype: string) => string>> = {
  add: ([a, b]) => `${a} + ${b}`,
  sub: ([a, b]) => `${a} - ${b}`,
  mul: ([a, b]) => `${a} * ${b}`,
  div: ([a, b]) => `${a} / ${b}`,
  neg: ([x]) => `-${x}`,
  abs: ([x]) => `${x} < 0 ? -${x} : ${x} == 0 ? 0 : ${x}`,
  min: ([a, b]) => `${a} < ${b} || ${a} != ${a} ? ${a} : ${b}`,
  max: ([a, b]) => `${a} > ${b} || ${a} != ${a} ? ${a} : ${b}`,
  exp: ([x]) => `exp((double)${x})`,
  log: ([x]) => `log((double)${x})`,
  sqrt: ([x]) => `sqrt((double)${x})`,
  greater: ([a, b]) => `${a} > ${b}`,
  equal: ([a, b]) => `${a} == ${b}`,
  select: ([condition, a, b]) => `${condition} ? ${a} : ${b}`,
  cast: ([x], dtype) => (dtype === "bool" ? `${x} != 0` : x!),
};

const MATHS = new Set(["exp", "log", "sqrt"]);

/** Lines that compute the result of an op of one row into the array called `to`; undefined where this op is none that is known here. */
export function rowOpLines(
  op: Op,
  to: string,
  nameOf: (value: Value) => string,
): { readonly lines: readonly string[]; readonly needsMath: boolean } | undefined {
  const { dtype, shape } = op.result.type;
  const type = VALUE_TYPES[dtype];
  const count = elementCount(shape as number[]);
  const operands = op.operands.filter((value) => value !== undefined);
  if (!type || operands.some((value) => !VALUE_TYPES[value.type.dtype])) return undefined;
  const sizeOf = (value: Value): number => elementCount(value.type.shape as number[]);
  const element = (value: Value): string => {
    const fixed = constantOf(value);
    if (fixed !== undefined && sizeOf(value) === 1) return literal(value.type.dtype, fixed[0]!);
    return `${nameOf(value)}[${sizeOf(value) === 1 ? "0" : "i"}]`;
  };
  const each = (text: string): readonly string[] => [`  for (i = 0; i < ${count}; i++) ${to}[i] = (${type})(${text});`];
  if (op.name === "reshape") return { lines: each(`${nameOf(operands[0]!)}[i]`), needsMath: false };
  const write = ELEMENTWISE[op.name];
  if (write) {
    // Lists of constants have no name, and other shapes want other places.
    if (operands.some((value) => sizeOf(value) !== 1 && (sizeOf(value) !== count || constantOf(value) !== undefined))) return undefined;
    return { lines: each(write(operands.map(element), dtype)), needsMath: MATHS.has(op.name) };
  }
  const x = operands[0];
  if (!x || count !== 1 || constantOf(x) !== undefined) return undefined;
  const [from, size] = [nameOf(x), sizeOf(x)];
  if (op.name === "argReduce" && op.attrs["kind"] === "max" && op.attrs["lastIndex"] !== true)
    return { lines: [`  ${to}[0] = 0;`, `  for (i = 1; i < ${size}; i++)`, `    if (${from}[i] > ${from}[${to}[0]]) ${to}[0] = i;`], needsMath: false };
  if (op.name !== "reduce" || (op.attrs["kind"] !== "sum" && op.attrs["kind"] !== "max")) return undefined;
  const step = op.attrs["kind"] === "sum" ? `${to}[0] = (${type})(${to}[0] + ${from}[i]);` : `if (${from}[i] > ${to}[0]) ${to}[0] = ${from}[i];`;
  return { lines: [`  ${to}[0] = ${from}[0];`, `  for (i = 1; i < ${size}; i++) ${step}`], needsMath: false };
}

/** The elements of a constant. */
export function constantOf(value: Value): ArrayLike<number> | undefined {
  return value.producer?.name === "constant" ? ((value.producer.attrs["value"] as Tensor).data as ArrayLike<number>) : undefined;
}

function literal(dtype: string, value: number | bigint): string {
  const text = dtype === "f32" || dtype === "f64" ? floatText(VALUE_TYPES[dtype] as "float", Number(value)) : String(value);
  return text.startsWith("-") ? `(${text})` : text;
}
