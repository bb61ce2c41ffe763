import { outputName } from "../backends/lower.ts";
import { boundsOf, symbolsOf } from "../ir/dims.ts";
import type { Graph, Op } from "../ir/graph.ts";
import type { Dim } from "../ir/types.ts";
import type { ModelDescription } from "../frontends/index.ts";
import { table } from "../support/table.ts";
import { clean } from "./reporter.ts";
import { nodeName } from "./compare-layers.ts";

/** What one dim of a value is, and why. */
export interface SizeFact {
  readonly where: "input" | "output" | "inside";
  readonly value: string;
  readonly axis: number;
  /** The dim's own name in the file. */
  readonly name?: string;
  /** fixed: the file says it. bound: a flag does, or it follows from dims that are. open: only a run tells. missing: nobody does. */
  readonly state: "fixed" | "bound" | "open" | "missing";
  readonly size?: number;
  readonly low?: number;
  /** Absent: nothing bounds it. */
  readonly high?: number;
  /** The flag, or the nodes that find the length. */
  readonly from?: string;
}

/** Facts about every dim of the inputs and outputs, and of the values inside where lengths are found. `graph` is as imported; without one, as the file says. */
export function sizeFacts({ inputs, outputs }: ModelDescription, graph: Graph | undefined, sizes: Readonly<Record<string, unknown>>): SizeFact[] {
  const finders = graph ? findersOf(graph) : new Map<string, Finder>();
  const typeOf = (dim: Dim, name: string | number | undefined, flag: string): Omit<SizeFact, "where" | "value" | "axis"> => {
    const named = typeof name === "string" ? { name } : {};
    if (typeof dim === "number") return typeof name === "string" ? { ...named, state: "bound", size: dim, from: flag } : { state: "fixed", size: dim };
    return { ...named, state: "open", ...boundsAs(dim), from: nodesOf(dim, finders) || flag };
  };
  const ports = (where: "input" | "output", specs: ModelDescription["inputs"], shapeOf: (name: string, i: number) => readonly Dim[] | undefined): SizeFact[] =>
    specs.flatMap(({ name, dims }, i) => {
      const shape = shapeOf(name, i);
      if (shape) return shape.map((dim, axis) => ({ where, value: name, axis, ...typeOf(dim, dims?.[axis], where === "input" ? "--shape" : "the inputs") }));
      return (dims ?? []).map((dim, axis): SizeFact => {
        const place = { where, value: name, axis };
        if (typeof dim === "number") return { ...place, state: "fixed", size: dim };
        const given = Object.hasOwn(sizes, dim) ? sizes[dim] : undefined;
        return typeof given === "number" ? { ...place, name: dim, state: "bound", size: given, from: "--shape" } : { ...place, name: dim, state: "missing" };
      });
    });
  const names = graph?.outputs.map((_, i) => outputName(graph, i)) ?? [];
  return [
    ...ports("input", inputs, (name) => graph?.params.find((param) => param.name === name)?.type.shape),
    ...ports("output", outputs, (name) => graph?.outputs[names.indexOf(name)]?.type.shape),
    ...[...finders.values()].map(({ value, axis, dim, op }) => ({ where: "inside" as const, value, axis, ...typeOf(dim, undefined, nodeName(op)) })),
  ];
}

/** Where a length is found: the first op whose result has its symbol. */
interface Finder {
  readonly value: string;
  readonly axis: number;
  readonly dim: Dim;
  readonly op: Op;
}

function findersOf(graph: Graph): ReadonlyMap<string, Finder> {
  const finders = new Map<string, Finder>();
  const known = new Set(graph.params.flatMap(({ type }) => type.shape.flatMap(symbolsOf)).map(({ name }) => name));
  for (const op of graph.ops)
    for (const { name, type } of op.results)
      type.shape.forEach((dim, axis) => {
        for (const symbol of symbolsOf(dim))
          if (!known.has(symbol.name) && !finders.has(symbol.name)) finders.set(symbol.name, { value: name || nodeName(op), axis, dim, op });
      });
  return finders;
}

function nodesOf(dim: Dim, finders: ReadonlyMap<string, Finder>): string {
  const ops = symbolsOf(dim).flatMap(({ name }) => finders.get(name)?.op ?? []);
  return [...new Set(ops.map(nodeName))].join(", ");
}

function boundsAs(dim: Dim): { readonly low: number; readonly high?: number } {
  const [low, high] = boundsOf(dim);
  return Number.isFinite(high) ? { low, high } : { low };
}

/** One row a value; dims that the file fixes are only in its shape. */
export function sizeTable(facts: readonly SizeFact[]): string {
  const rows: [string, string, string, string][] = [];
  const values = new Map<string, SizeFact[]>();
  for (const fact of facts) {
    const key = JSON.stringify([fact.where, fact.value]);
    values.set(key, [...(values.get(key) ?? []), fact]);
  }
  for (const of of values.values()) {
    const { where, value } = of[0]!;
    const shape = of.map(({ state, size, name }) => (state === "fixed" || state === "bound" ? String(size) : (name ?? "?"))).join("x");
    rows.push([where, clean(value), clean(shape), of.flatMap(sentence).join("; ") || "fixed"]);
  }
  return table([{ title: "size of" }, { title: "value", max: 32 }, { title: "shape" }, { title: "because" }], rows);
}

function sentence({ state, axis, name, size, low, high, from }: SizeFact): string[] {
  const subject = name ?? `dim ${axis}`;
  switch (state) {
    case "fixed":
      return [];
    case "bound":
      return [`${subject} = ${size} by ${from}`];
    case "open":
      return [
        `${subject} is ${high === undefined ? `${low} or more` : `${low} to ${high}`}, as ${from} ${from === "--shape" ? "allows" : from === "the inputs" ? "say" : "finds"}`,
      ];
    case "missing":
      return [`${subject} has no size`];
  }
}
