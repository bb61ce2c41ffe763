import { Builder } from "../../ir/builder.ts";
import { Value, type Op } from "../../ir/graph.ts";
import { TypeMismatch } from "../../ir/op-def.ts";
import { constant } from "../../ir/ops/control.ts";
import { shapeText } from "../../ir/broadcast.ts";
import { longest } from "../../ir/ops/padded.ts";
import { byteLength, type Tensor } from "../../ir/tensor.ts";
import { isStatic, type StaticType } from "../../ir/types.ts";
import { limitError, safeProduct } from "../../support/limits.ts";
import { nearestWord } from "../../support/nearest.ts";
import type { Bounds } from "./bounds.ts";
import { NodeContext, NodeProblem } from "./context.ts";
import { graphOf, importIf, Unfit, Unsized, type ControlNode } from "./control.ts";
import type { Subgraphs } from "./subgraphs.ts";
import { declaredTensor } from "./declared.ts";
import { importFlexAttention } from "./flex-attention.ts";
import { Folder } from "./fold.ts";
import { withArguments } from "./functions.ts";
import { domainOf, nodeName, operatorName, opsetsOf } from "./library.ts";
import { MapInput } from "./holders.ts";
import { tightened } from "./longest.ts";
import { importLoop } from "./loop.ts";
import { nearestOperator } from "./nearest-operator.ts";
import { firstVersion, importerFor } from "./ops/index.ts";
import { dimsIn } from "./open-dims.ts";
import { OLDEST_OPSET } from "./ops/table.ts";
import type { Place } from "./place.ts";
import type { Problems } from "./problems.ts";
import { discard } from "./regions.ts";
import { importScan } from "./scan.ts";
import type { FunctionProto, GraphProto, NodeProto, TensorProto } from "./schema.ts";
import { OpenOptional, OpenSequence, Scope, Sequence, type Given, type Meaning } from "./scope.ts";
import { sequenceImporterFor } from "./sequences.ts";
import type { CheckedModel } from "./structure.ts";
import { storedTypeOf } from "./stored-types.ts";
import { StoredValues } from "./stored-values.ts";
import { TensorProblem } from "./tensor-problem.ts";
import { readSparseTensor, readTensor, type TensorSource } from "./tensors.ts";

const CONTROL: ReadonlyMap<string, (c: ControlNode, s: Subgraphs) => readonly Given[]> = new Map([
  ["If", importIf],
  ["Loop", importLoop],
  ["Scan", importScan],
  ["ai.onnx.preview::FlexAttention", importFlexAttention],
]);

/** Turns nodes into ops, one after another; functions and branches whose condition is constant are laid open in place. */
export class NodeImporter {
  private readonly model: CheckedModel;
  private b: Builder;
  private readonly source: TensorSource;
  private readonly problems: Problems;
  private readonly folder: Folder;
  private readonly bounds: Bounds;
  /** Types that the graph declares, for values of nodes that fail. */
  private readonly declared: ReadonlyMap<string, StaticType>;
  readonly stored = new StoredValues();
  private nodes = 0;

  constructor(model: CheckedModel, b: Builder, source: TensorSource, problems: Problems, bounds: Bounds, declared: ReadonlyMap<string, StaticType>) {
    this.bounds = bounds;
    this.declared = declared;
    this.model = model;
    this.b = b;
    this.source = source;
    this.problems = problems;
    this.folder = new Folder(source.limits, source.file);
  }

  /** Names the initializers of a graph; they are read when they are used. */
  initializers(graph: GraphProto, scope: Scope, prefix: string): void {
    // Where a graph inside this one is the first to read one, it is still this graph's.
    const { b } = this;
    const lazily = (tensor: TensorProto | undefined, read: () => Tensor): void => {
      const name = tensor?.name ?? "";
      scope.setLazy(name, () => this.constant(b, prefix + name, tensor, read));
    };
    for (const proto of graph.initializer) lazily(proto, () => readTensor(proto, this.source));
    for (const sparse of graph.sparseInitializer) lazily(sparse.values, () => readSparseTensor(sparse, this.source));
  }

  list(nodes: readonly NodeProto[], place: Place): void {
    const { limits, file } = this.source;
    if (place.depth > limits.depth) throw limitError("depth", limits, file, "nesting of functions and branches:", place.depth);
    for (const node of this.model.ordered(nodes)) {
      if (++this.nodes > limits.nodes) throw limitError("nodes", limits, file, "nodes, functions laid open:", this.nodes);
      this.node(node, place);
    }
  }

  /** The tensor behind a name that `reader` reads; notes what is wrong with it. */
  read(name: string, scope: Scope, reader: string): Value | undefined {
    const meaning = scope.get(name);
    if (meaning instanceof Value) return meaning;
    if (isSequence(meaning) || meaning instanceof MapInput)
      this.problems.add("node", reader, `reads ${name}, a ${meaning instanceof MapInput ? "map" : "sequence"}, where a tensor is wanted`);
    else if (meaning instanceof OpenOptional) this.problems.add("node", reader, `reads ${name}, an optional that may hold nothing, where a tensor is wanted`);
    else if (meaning === "unsupported") this.problems.add("node", reader, `reads ${name}, an output that neo does not compute`);
    else if (meaning === undefined || meaning === "absent") this.problems.add("structure", reader, `reads ${name}, which nothing gives`);
    return undefined;
  }

  /** What is behind a name, be it a tensor or not; notes what is wrong with it. */
  readGiven(name: string, scope: Scope, reader: string): Given | undefined {
    const meaning = scope.get(name);
    return isSequence(meaning) || meaning instanceof MapInput || meaning instanceof OpenOptional || meaning === "absent"
      ? meaning
      : this.read(name, scope, reader);
  }

  private node(written: NodeProto, place: Place): void {
    const node = place.call ? withArguments(written, place.call) : written;
    const name = place.prefix + nodeName(node);
    const given: Given[] = [];
    for (const input of node.input) {
      const value = input === "" ? "absent" : this.readGiven(input, place.scope, name);
      if (!value) return this.give(node, place, name, undefined);
      given.push(value);
    }
    const definition = this.model.library.find(node);
    if (definition) return this.call(definition, node, given, place, name);
    if (CONTROL.has(operatorName(node))) return this.control(node, given, place, name);
    this.give(node, place, name, this.imported(node, given, place, name));
  }

  private imported(node: NodeProto, given: readonly Given[], place: Place, name: string): readonly (Given | undefined)[] | undefined {
    const operands = given.map((value) => (value instanceof Value ? value : undefined));
    const start = this.b.ops.length;
    this.b.loc = [name];
    const [domain, operator] = [domainOf(node.domain), node.opType ?? ""];
    try {
      const ofSequences = sequenceImporterFor(domain, operator, given);
      const importer = ofSequences ? undefined : importerFor(domain, operator);
      if (!importer && !ofSequences)
        throw new NodeProblem("operator", operatorName(node), { awsName: "OperatorNotImplemented", nearest: nearestOperator(domain, operator) });
      checkVersion(node, place);
      const context = new NodeContext(node, operands, {
        b: this.b,
        folder: this.folder,
        source: this.source,
        opsets: place.opsets,
        remarks: this.problems.remarks,
        stored: this.stored,
        bounds: this.bounds,
        name,
      });
      if (ofSequences) return ofSequences(context, given, (graph, inputs, prefix) => this.subgraphs().open(graph, inputs, place, `${name}/${prefix}`));
      const other = given.findIndex((value) => isSequence(value) || value instanceof MapInput || value instanceof OpenOptional);
      if (other >= 0)
        context.fail(
          `takes tensors, and ${node.input[other]!} is a ${given[other] instanceof MapInput ? "map" : given[other] instanceof OpenOptional ? "optional that may hold nothing" : "sequence"}`,
          { kind: "type" },
        );
      const moved = this.stored.moved(node, operands);
      if (moved === "refused") context.fail("computes with elements of a type that neo only moves and casts", { kind: "type" });
      const results = importer!(context);
      if (context.unread.length > 0)
        context.fail(`has attribute ${context.unread.join(", ")}, which neo does not know`, {
          awsName: "OperatorAttributeNotImplemented",
          nearest: nearestWord(context.unread[0]!, context.known) ?? `without ${context.unread.join(", ")}`,
        });
      this.checkSizes(start, name);
      const list = results instanceof Value ? [results] : results;
      if (moved && moved !== "refused") for (const result of list) if (result) this.stored.mark(result, moved);
      return list;
    } catch (error) {
      this.refused(error, node, place, name);
      return undefined;
    }
  }

  /** Notes why a node can't be imported; what is no finding about it is thrown on. */
  private refused(error: unknown, node: NodeProto, place: Place, name: string): void {
    const of = { op: operatorName(node), opset: place.opsets.get(domainOf(node.domain)) };
    if (error instanceof NodeProblem) this.problems.add(error.kind, name, error.message, { ...of, ...error.detail });
    else if (error instanceof TensorProblem) this.problems.add(error.kind, name, error.message, of);
    else if (error instanceof TypeMismatch)
      this.problems.add("node", name, `${operatorName(node)}: ${error.message}`, { ...of, reason: error.reason, nearest: error.nearest });
    else throw error;
  }

  /** A shape rule that went below zero, or beyond what memory may hold, says so here and not in a later stage. */
  private checkSizes(start: number, name: string): void {
    const { limits, file } = this.source;
    for (const op of this.b.ops.slice(start)) {
      for (const { type } of op.results) {
        const { shape } = longest(type) as StaticType;
        if (shape.includes(Infinity))
          throw new NodeProblem("dataDependent", `gives ${shapeText(type.shape)}, and nothing says how long that can get`, {
            hint: "make the input that decides it a constant with `--set`",
          });
        if (shape.some((dim) => !Number.isInteger(dim) || dim < 0)) throw new NodeProblem("node", `gives the shape ${shape.join("x")}`);
        const elements = safeProduct(shape);
        if (elements === undefined || byteLength(type.dtype, elements) > limits.tensorBytes)
          throw limitError("tensorBytes", limits, file, `bytes of what node ${name} gives:`, `${shape.join("x")} ${type.dtype}`);
        if (shape.length > limits.rank) throw limitError("rank", limits, file, `rank of what node ${name} gives:`, shape.length);
      }
    }
  }

  private give(node: NodeProto, place: Place, name: string, results: readonly (Given | undefined)[] | undefined): void {
    node.output.forEach((output, i) => {
      if (output === "") return;
      const result = this.bounded(output, results ? results[i] : this.standIn(output, place));
      if (result instanceof Value && !result.name) result.name = place.prefix === "" ? output : `${name}/${output}`;
      place.scope.set(output, result ?? (results ? "unsupported" : "failed"));
    });
  }

  /** A value no longer than the caller says that it gets. */
  private bounded<G extends Given | undefined>(output: string, result: G): G | Value {
    if (!(result instanceof Value) || isStatic(result.type)) return result;
    const most = this.bounds.of(output);
    return most === undefined ? result : this.stored.mark(tightened(this.b, result, output, most), this.stored.of(result));
  }

  /** A value like the one that a failed node would have given, where the graph declares it. */
  private standIn(output: string, place: Place): Value | undefined {
    const type = place.prefix === "" && place.depth === 0 ? this.declared.get(output) : undefined;
    return type && new Value(type, output);
  }

  private call(definition: FunctionProto, node: NodeProto, given: readonly Given[], place: Place, name: string): void {
    const scope = new Scope();
    definition.input.forEach((input, i) => scope.set(input, given[i] ?? "absent"));
    const own = opsetsOf(definition.opsetImport, definition.name ?? "", this.problems);
    this.list(definition.node, { scope, opsets: own.size > 0 ? own : place.opsets, prefix: `${name}/`, depth: place.depth + 1, call: { node, definition } });
    this.giveFrom(scope, definition.output, node, place);
  }

  /** An If whose condition is known is the branch that runs; what else has nodes inside becomes an op with regions. */
  private control(node: NodeProto, given: readonly Given[], place: Place, name: string): void {
    const operands = given.map((value) => (value instanceof Value ? value : undefined));
    const known = node.opType === "If" && operands[0] ? dimsIn(operands[0], (value) => this.folder.constant(value)) : undefined;
    this.b.loc = [name];
    const start = this.b.ops.length;
    try {
      if (known?.length === 1 && typeof known[0] === "number") return this.branch(node, known[0] ? "then_branch" : "else_branch", place, name);
      const results = CONTROL.get(operatorName(node))!({ node, name, operands, given, place, opset: place.opsets.get("") ?? 1 }, this.subgraphs());
      this.checkSizes(start, name);
      this.give(node, place, name, results);
    } catch (error) {
      if (error instanceof Unfit) {
        if (error.message !== "") this.unfit(error, node, place, name);
      } else if (error instanceof NodeProblem) {
        const { kind, message, detail } = error;
        this.refused(new NodeProblem(kind, `${node.opType} ${message}`, detail), node, place, name);
      } else this.refused(error, node, place, name);
      this.give(node, place, name, undefined);
    }
  }

  private unfit(error: Unfit, node: NodeProto, place: Place, name: string): void {
    const isUnsized = error instanceof Unsized;
    const problem = new NodeProblem(isUnsized ? "dataDependent" : "node", `${node.opType} ${error.message}`, isUnsized ? { hint: error.hint } : {});
    this.refused(problem, node, place, name);
  }

  private branch(node: NodeProto, attribute: string, place: Place, name: string): void {
    const graph = graphOf(node, attribute);
    const scope = this.inside(graph, [], place, `${name}/`);
    this.giveFrom(
      scope,
      graph.output.map((output) => output.name ?? ""),
      node,
      place,
    );
  }

  /** The names of a subgraph whose nodes are laid open here. */
  private inside(graph: GraphProto, inputs: readonly Given[], place: Place, prefix: string): Scope {
    const scope = new Scope(place.scope);
    inputs.forEach((value, i) => {
      const name = graph.input[i]?.name ?? "";
      if (value instanceof Value) value.name ||= prefix + name;
      scope.set(name, value);
    });
    this.initializers(graph, scope, prefix);
    this.list(graph.node, { scope, opsets: place.opsets, prefix, depth: place.depth + 1, call: place.call });
    return scope;
  }

  private subgraphs(): Subgraphs {
    const { folder, problems, bounds, stored } = this;
    const builder = (): Builder => this.b;
    const nodes = (): number => this.nodes;
    return {
      folder,
      problems,
      bounds,
      stored,
      get b() {
        return builder();
      },
      get nodes() {
        return nodes();
      },
      subgraph: (graph, inputs, place, prefix) => {
        const scope = this.inside(graph, inputs, place, prefix);
        return graph.output.map((output) => this.read(output.name ?? "", scope, prefix.slice(0, -1)));
      },
      open: (graph, inputs, place, prefix) => {
        const scope = this.inside(graph, inputs, place, prefix);
        return graph.output.map((output) => this.readGiven(output.name ?? "", scope, prefix.slice(0, -1)));
      },
      apart: (build) => this.apart(build),
    };
  }

  private apart<T>(build: () => T): { readonly result: T; readonly ops: readonly Op[] } {
    const outer = this.b;
    const inner = new Builder();
    inner.loc = outer.loc;
    this.b = inner;
    try {
      return { result: build(), ops: inner.ops };
    } catch (error) {
      discard(inner.ops);
      throw error;
    } finally {
      this.b = outer;
    }
  }

  private giveFrom(scope: Scope, outputs: readonly string[], node: NodeProto, place: Place): void {
    node.output.forEach((output, i) => {
      const inner = outputs[i];
      if (output !== "") place.scope.set(output, (inner === undefined ? undefined : scope.get(inner)) ?? "unsupported");
    });
  }

  private constant(b: Builder, name: string, proto: TensorProto | undefined, read: () => Tensor): Meaning {
    const { loc } = b;
    b.loc = [name];
    try {
      const value = b.create(constant, {}, { value: read() });
      value.name = name;
      return this.stored.mark(value, storedTypeOf(proto?.dataType));
    } catch (error) {
      if (!(error instanceof TensorProblem)) throw error;
      this.problems.add(error.kind, name, error.message);
      const declared = declaredTensor(proto, this.source);
      return declared ? b.create(constant, {}, { value: declared }) : "failed";
    } finally {
      b.loc = loc;
    }
  }
}

function isSequence(meaning: Meaning | undefined): meaning is Sequence | OpenSequence {
  return meaning instanceof Sequence || meaning instanceof OpenSequence;
}

/** A node of an operator that its opset has not yet is a mistake of the writer; what it was meant to compute is not told anywhere. */
function checkVersion(node: NodeProto, place: Place): void {
  const domain = domainOf(node.domain);
  const [since, opset] = [firstVersion(domain, node.opType ?? ""), place.opsets.get(domain)];
  if (since === undefined || opset === undefined || opset >= since || since <= OLDEST_OPSET) return;
  throw new NodeProblem("operator", `${operatorName(node)} is there from opset ${since} on, the file imports ${opset}`, {
    reason: "opset",
    awsName: "OperatorNotImplemented",
    nearest: `opset ${since}`,
  });
}
