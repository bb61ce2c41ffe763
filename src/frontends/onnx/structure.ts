import { decodeMessage } from "../formats/protobuf.ts";
import type { Limits } from "../../support/limits.ts";
import { limitError } from "../../support/limits.ts";
import { domainOf, Library, nodeName, operatorName, opsetsOf, type Opsets } from "./library.ts";
import { valueSpec } from "./inputs.ts";
import { orderNodes, type NodeList } from "./order.ts";
import type { Problems } from "./problems.ts";
import { MODEL, type FunctionProto, type GraphProto, type ModelProto, type NodeProto } from "./schema.ts";

/** A model whose structure holds: what its nodes read exists, in order, and each operator has somebody who knows it. */
export interface CheckedModel {
  readonly graph: GraphProto;
  readonly opsets: Opsets;
  readonly library: Library;
  /** The nodes that are needed of a list, in an order in which they can run. */
  ordered(nodes: readonly NodeProto[]): readonly NodeProto[];
}

/** Who knows operators. */
export interface KnownOperators {
  /** Whether it has an importer. */
  readonly has: (domain: string, operator: string) => boolean;
  /** One that was perhaps meant. */
  readonly nearest: (domain: string, operator: string) => string | undefined;
}

const EMPTY_GRAPH: GraphProto = { node: [], name: "", initializer: [], sparseInitializer: [], input: [], output: [], valueInfo: [] };

/** Reads the container of a model. Throws NEO2001, or a limit. */
export function readModel(bytes: Uint8Array, file: string, limits: Limits): ModelProto {
  return decodeMessage(MODEL, bytes, file, limits);
}

/** Checks a model as far as it goes without sizes. Findings go to `problems`. */
export function checkModel(model: ModelProto, file: string, limits: Limits, problems: Problems, operators: KnownOperators): CheckedModel {
  const opsets = opsetsOf(model.opsetImport, file, problems);
  const library = new Library(model, problems);
  const checker = new Checker(library, file, limits, problems, operators);
  problems.opset = opsets.has("") ? `opset ${opsets.get("")}` : "no default opset";
  if (!model.graph) problems.add("structure", file, "has no graph");
  else {
    if (!model.graph.name) problems.remarks.warn(file, "its graph has no name");
    checker.graph(model.graph, opsets, () => false, 0);
  }
  checker.functions();
  return { graph: model.graph ?? EMPTY_GRAPH, opsets, library, ordered: (nodes) => checker.orders.get(nodes) ?? [] };
}

class Checker {
  readonly orders = new Map<readonly NodeProto[], readonly NodeProto[]>();
  private readonly library: Library;
  private readonly file: string;
  private readonly limits: Limits;
  private readonly problems: Problems;
  private readonly operators: KnownOperators;
  private readonly called = new Map<FunctionProto, Opsets>();
  private nodes = 0;

  constructor(library: Library, file: string, limits: Limits, problems: Problems, operators: KnownOperators) {
    this.library = library;
    this.file = file;
    this.limits = limits;
    this.problems = problems;
    this.operators = operators;
  }

  graph(graph: GraphProto, opsets: Opsets, outer: (name: string) => boolean, depth: number): void {
    const own = new Set<string>();
    const inputs = new Map<string, string>();
    for (const input of graph.input) {
      const [name, type] = [input.name ?? "", JSON.stringify(valueSpec(input))];
      const before = inputs.get(name);
      if (name === "") this.problems.add("structure", "an input", "has no name");
      else if (before === type) this.problems.remarks.warn(name, "is listed twice as an input, both times alike");
      else if (before !== undefined) this.problems.add("structure", name, "is an input twice, with two types");
      inputs.set(name, type);
      own.add(name);
    }
    const initializers = new Set<string>();
    for (const tensor of [...graph.initializer, ...graph.sparseInitializer.map((sparse) => sparse.values)]) {
      const name = tensor?.name ?? "";
      if (name === "") this.problems.add("structure", "an initializer", "has no name");
      else if (initializers.has(name)) this.problems.add("structure", name, "is an initializer twice");
      initializers.add(name);
      own.add(name);
    }
    const outputs = graph.output.map((output) => output.name ?? "");
    if (outputs.length === 0) this.problems.add("structure", graph.name || this.file, "has no outputs");
    this.list({ nodes: graph.node, outputs, own, outer }, opsets, depth);
  }

  /** Bodies of the functions that nodes call, and of those that these call. */
  functions(): void {
    for (const [definition, opsets] of this.called) {
      const own = opsetsOf(definition.opsetImport, definition.name ?? "", this.problems);
      this.list({ nodes: definition.node, outputs: definition.output, own: new Set(definition.input), outer: () => false }, own.size > 0 ? own : opsets, 0);
    }
  }

  /** Operators in branches are judged when it is known that the branch runs. */
  private list(list: NodeList, opsets: Opsets, depth: number): void {
    if (depth > this.limits.depth) throw limitError("depth", this.limits, this.file, "nesting of subgraphs:", depth);
    this.nodes += list.nodes.length;
    if (this.nodes > this.limits.nodes) throw limitError("nodes", this.limits, this.file, "nodes:", this.nodes);
    this.warnOfNames(list.nodes);
    const ordered = orderNodes(list, this.problems);
    this.orders.set(list.nodes, ordered);
    let given: ReadonlySet<string> | undefined;
    for (const node of ordered) {
      this.operator(node, opsets, depth > 0);
      for (const attribute of node.attribute) {
        if (!attribute.g) continue;
        const names = (given ??= new Set(list.nodes.flatMap((n) => n.output)));
        this.graph(attribute.g, opsets, (name) => names.has(name) || list.own.has(name) || list.outer(name), depth + 1);
      }
    }
  }

  /** Names of nodes say nothing to the computation; two of one name make messages about them ambiguous. */
  private warnOfNames(nodes: readonly NodeProto[]): void {
    const counts = new Map<string, number>();
    for (const { name } of nodes) if (name) counts.set(name, (counts.get(name) ?? 0) + 1);
    for (const [name, count] of counts) if (count > 1) this.problems.remarks.warn(name, `is the name of ${count} nodes`);
  }

  private operator(node: NodeProto, opsets: Opsets, isInBranch: boolean): void {
    const domain = domainOf(node.domain);
    if (!node.opType) return this.problems.add("structure", nodeName(node), "names no operator");
    const definition = this.library.find(node);
    if (definition) this.called.set(definition, this.called.get(definition) ?? opsets);
    else if (isInBranch) return;
    else if (!this.operators.has(domain, node.opType))
      this.problems.add("operator", nodeName(node), operatorName(node), {
        op: operatorName(node),
        opset: opsets.get(domain),
        nearest: this.operators.nearest(domain, node.opType),
      });
    else if (!opsets.has(domain))
      this.problems.add("structure", nodeName(node), `uses ${operatorName(node)}, and no opset of its domain is imported`, { op: operatorName(node) });
  }
}
