/** Graphs as `.nir` text. `parse.ts` reads it back to an equal graph, value names and source locations included. */
import type { AttrKind, AttrSchema, AttrValue } from "../attr.ts";
import type { Graph, Op } from "../graph.ts";
import type { Tensor } from "../tensor.ts";
import { printWord, ValueNames } from "./names.ts";
import { printTensor } from "./tensors.ts";
import { printNumber, printType } from "./types.ts";

export interface PrintOptions {
  /** Leaves out the elements of large constants: for people; can't be parsed. */
  readonly short?: boolean;
}

export function printGraph(graph: Graph, options: PrintOptions = {}): string {
  return `graph ${printBody(graph, options, "")}\n`;
}

/** `@name(params) -> (results) { ops }`, the part that graphs and regions share. */
function printBody(graph: Graph, options: PrintOptions, indent: string): string {
  const names = new ValueNames();
  const params = graph.params.map((param) => `${names.of(param)}: ${printType(param.type)}`);
  const results = graph.ops.at(-1)?.name === "return" ? graph.outputs.map((value) => printType(value.type)) : [];
  const ops = graph.ops.map((op) => `${indent}  ${printOp(op, names, options, `${indent}  `)}\n`);
  return `@${printWord(graph.name)}(${params.join(", ")}) -> (${results.join(", ")}) {\n${ops.join("")}${indent}}`;
}

function printOp(op: Op, names: ValueNames, options: PrintOptions, indent: string): string {
  let last = op.operands.length;
  while (last > 0 && op.operands[last - 1] === undefined) last--;
  const operands = op.operands.slice(0, last).map((value) => (value ? names.of(value) : "_"));
  const attrs = Object.entries(op.def.attrs as AttrSchema)
    .filter(([name, kind]) => op.attrs[name] !== undefined && !isDefault(op.attrs[name], kind.fallback as AttrValue))
    .map(([name, kind]) => `${name} = ${isWord(kind) ? String(op.attrs[name]) : printAttr(op.attrs[name], options)}`);
  const regions = op.regions.map((region, i) => `${(op.def.regions as readonly string[])[i]} ${printBody(region, options, indent)}`);
  const results = op.results.map((value) => names.of(value));
  return [
    ...(results.length > 0 ? [`${results.join(", ")} =`] : []),
    op.name,
    ...(operands.length > 0 ? [operands.join(", ")] : []),
    ...(attrs.length > 0 ? [`{${attrs.join(", ")}}`] : []),
    ...regions,
    ...(results.length > 0 ? [`: ${op.results.map((value) => printType(value.type)).join(", ")}`] : []),
    ...(op.loc.length > 0 ? [`loc(${op.loc.map((name) => JSON.stringify(name)).join(", ")})`] : []),
  ].join(" ");
}

function isDefault(value: AttrValue, fallback: AttrValue): boolean {
  return Object.is(value, fallback) || (Array.isArray(value) && Array.isArray(fallback) && value.length === 0 && fallback.length === 0);
}

/** Words of closed sets stand without quotes. */
function isWord({ kind }: AttrKind<unknown>): boolean {
  return kind === "dtype" || kind.startsWith("one of ");
}

function printAttr(value: AttrValue, options: PrintOptions): string {
  if (typeof value === "number") return printNumber(value);
  if (typeof value === "boolean" || typeof value === "bigint") return String(value);
  if (typeof value === "string") return JSON.stringify(value);
  if (Array.isArray(value)) return `[${(value as readonly (number | string)[]).map((item) => printAttr(item, options)).join(", ")}]`;
  return printTensor(value as Tensor, options.short);
}
