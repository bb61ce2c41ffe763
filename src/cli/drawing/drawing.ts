import { opMacs } from "../../backends/lower.ts";
import { outputName } from "../../backends/lower.ts";
import { shapeText } from "../../ir/broadcast.ts";
import type { Graph, Op, Value } from "../../ir/graph.ts";
import type { Tensor } from "../../ir/tensor.ts";
import { BITS, elementCount, isStatic, type TensorType } from "../../ir/types.ts";
import { clean } from "../reporter.ts";

/** A graph as people look at it: constants are part of what reads them. All texts are safe for a terminal; each format escapes them for itself. */
export interface Drawing {
  readonly name: string;
  readonly nodes: readonly DrawnNode[];
  readonly edges: readonly DrawnEdge[];
}

export interface DrawnNode {
  readonly kind: "input" | "op" | "output";
  /** Source nodes, in the user's own names. */
  readonly name: string;
  readonly op: string;
  /** Types of the results. */
  readonly types: string;
  readonly attrs: string;
  readonly macs: number;
  /** Of the results. */
  readonly bytes: number;
  readonly weightBytes: number;
}

/** From node to node, by their indexes; nodes come after what they read. */
export interface DrawnEdge {
  readonly from: number;
  readonly to: number;
  /** Name and type of the value. */
  readonly label: string;
}

export const HEATS = ["macs", "memory", "none"] as const;
export type Heat = (typeof HEATS)[number];

/** What colours a node: multiply-accumulates, or bytes of results and weights. */
export function heatOf(node: DrawnNode, heat: Heat): number {
  return heat === "none" ? 0 : heat === "macs" ? node.macs : node.bytes + node.weightBytes;
}

export function drawingOf(graph: Graph): Drawing {
  const nodes: DrawnNode[] = [];
  const edges: DrawnEdge[] = [];
  const places = new Map<Value, number>();
  const plain = { attrs: "", macs: 0, weightBytes: 0 };
  graph.params.forEach((param, i) => {
    places.set(param, nodes.length);
    nodes.push({ ...plain, kind: "input", name: clean(param.name || `input ${i}`), op: "input", types: typeText(param.type), bytes: bytesOf(param.type) });
  });
  const connect = (value: Value, to: number): void => {
    const from = places.get(value);
    if (from !== undefined) edges.push({ from, to, label: clean(`${value.name ? `${value.name}: ` : ""}${typeText(value.type)}`) });
  };
  for (const op of graph.ops.slice(0, -1)) {
    if (op.name === "constant") continue;
    for (const value of op.results) places.set(value, nodes.length);
    for (const value of new Set(op.operands)) if (value) connect(value, nodes.length);
    nodes.push(nodeOf(op));
  }
  graph.outputs.forEach((value, i) => {
    connect(value, nodes.length);
    nodes.push({ ...plain, kind: "output", name: clean(outputName(graph, i)), op: "output", types: typeText(value.type), bytes: 0 });
  });
  return { name: clean(graph.name), nodes, edges };
}

function nodeOf(op: Op): DrawnNode {
  const inside = op.regions.flatMap((region) => region.ops.filter(({ name }) => name !== "return" && name !== "constant").map(({ name }) => name));
  const constants = op.operands.flatMap((value) => (value?.producer?.name === "constant" ? [value.type] : []));
  return {
    kind: "op",
    name: clean(op.loc.join("+") || op.results[0]?.name || op.name),
    op: inside.length > 0 ? `${op.name}(${inside.slice(0, 6).join(" ")}${inside.length > 6 ? " …" : ""})` : op.name,
    types: op.results.map((value) => typeText(value.type)).join(", "),
    attrs: clean(
      Object.entries(op.attrs)
        .filter(([, value]) => value !== undefined && !(Array.isArray(value) && value.length === 0))
        .map(([name, value]) => `${name}=${attrText(value)}`)
        .join(" "),
    ),
    macs: opMacs(op),
    bytes: op.results.reduce((bytes, { type }) => bytes + bytesOf(type), 0),
    weightBytes: constants.reduce((bytes, type) => bytes + bytesOf(type), 0),
  };
}

function attrText(value: Op["attrs"][string]): string {
  if (typeof value === "object" && "data" in value) return `(${typeText((value as Tensor).type)})`;
  return Array.isArray(value) ? `[${(value as readonly unknown[]).map(String).join(",")}]` : String(value);
}

function typeText(type: TensorType): string {
  return `${type.shape.length > 0 ? `${shapeText(type.shape)}x` : ""}${type.dtype}`;
}

function bytesOf(type: TensorType): number {
  return isStatic(type) ? Math.ceil((elementCount(type.shape) * BITS[type.dtype]) / 8) : 0;
}
