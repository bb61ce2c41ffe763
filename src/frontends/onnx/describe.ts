import { checkLimit, DEFAULT_LIMITS, type Limits } from "../../support/limits.ts";
import { inputSpecs, valueSpec, type ValueSpec } from "./inputs.ts";
import { domainOf, nodeName, operatorName } from "./library.ts";
import type { GraphProto, ModelProto, NodeProto } from "./schema.ts";
import { readModel } from "./structure.ts";

export interface ModelDescription {
  readonly format: "onnx" | "nir" | "xgboost" | "lightgbm" | "catboost";
  readonly version: {
    readonly ir: number;
    readonly opset: Readonly<Record<string, number>>;
    readonly producer: string;
  };
  readonly inputs: readonly ValueSpec[];
  readonly outputs: readonly ValueSpec[];
  /** Nodes of the graph; those of subgraphs and functions count once. */
  readonly nodes: number;
  /** How often each operator occurs, most frequent first. */
  readonly opCounts: Readonly<Record<string, number>>;
  /** What is unusual in the file and no obstacle. */
  readonly warnings: readonly string[];
}

/** What a file says of itself, without sizes and without its weights. Throws NEO2001, or a limit. */
export function describeOnnx(bytes: Uint8Array, fileName = "model.onnx", limits: Limits = DEFAULT_LIMITS): ModelDescription {
  const model = readModel(bytes, fileName, limits);
  const nodes = allNodes(model);
  checkLimit("nodes", limits, fileName, "nodes:", nodes.length);
  return {
    format: "onnx",
    version: { ir: Number(model.irVersion ?? 0n), opset: opsetTable(model), producer: [model.producerName, model.producerVersion].filter(Boolean).join(" ") },
    inputs: model.graph ? inputSpecs(model.graph) : [],
    outputs: model.graph?.output.map(valueSpec) ?? [],
    nodes: nodes.length,
    opCounts: counted(nodes.map(operatorName)),
    warnings: model.graph ? warningsOf(model.graph) : ["the model has no graph"],
  };
}

function opsetTable(model: ModelProto): Record<string, number> {
  return Object.fromEntries(model.opsetImport.map(({ domain, version }) => [domainOf(domain) || "ai.onnx", Number(version ?? 0n)]));
}

function allNodes(model: ModelProto): readonly NodeProto[] {
  const found: NodeProto[] = [];
  const lists: (readonly NodeProto[])[] = [...(model.graph ? [model.graph.node] : []), ...model.functions.map((definition) => definition.node)];
  for (let nodes = lists.pop(); nodes; nodes = lists.pop()) {
    for (const node of nodes) {
      found.push(node);
      for (const attribute of node.attribute) if (attribute.g) lists.push(attribute.g.node);
    }
  }
  return found;
}

function counted(names: readonly string[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  const sorted = [...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1));
  return Object.assign(Object.create(null) as Record<string, number>, Object.fromEntries(sorted));
}

function warningsOf(graph: GraphProto): readonly string[] {
  const warnings: string[] = [];
  if (!graph.name) warnings.push("the graph has no name");
  for (const [what, names] of [
    ["nodes are called", graph.node.map((node) => node.name ?? "")],
    ["value_info entries are for", graph.valueInfo.map((info) => info.name ?? "")],
  ] as const) {
    for (const [name, n] of Object.entries(counted(names.filter((name) => name !== "")))) if (n > 1) warnings.push(`${n} ${what} ${name}`);
  }
  // Subgraphs read names of the graph round them.
  if (hasSubgraphs(graph)) return warnings;
  const isUsed = new Set([...graph.node.flatMap((node) => node.input), ...graph.output.map((output) => output.name)]);
  for (const node of graph.node) if (node.output.every((name) => !isUsed.has(name))) warnings.push(`nobody reads what node ${nodeName(node)} gives`);
  return warnings;
}

function hasSubgraphs(graph: GraphProto): boolean {
  return graph.node.some((node) => node.attribute.some((attribute) => attribute.g));
}
