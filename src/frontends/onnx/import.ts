import { Builder } from "../../ir/builder.ts";
import { Graph, Value } from "../../ir/graph.ts";
import { constant, returnOp } from "../../ir/ops/control.ts";
import { byteLength, type Tensor } from "../../ir/tensor.ts";
import type { StaticType } from "../../ir/types.ts";
import type { Note } from "../../support/errors.ts";
import { DEFAULT_LIMITS, limitError, type Limits } from "../../support/limits.ts";
import type { Size } from "../../support/size-range.ts";
import { ExternalFiles, type ExternalReader } from "./external.ts";
import { dictionaryOf } from "./dictionary.ts";
import { Bounds } from "./bounds.ts";
import { declaredTypes } from "./declared.ts";
import { furtherProblems } from "./further.ts";
import { heldInputs, MapInput, type Holder } from "./holders.ts";
import { bindInputs, inputSpecs, type BoundInputs } from "./inputs.ts";
import { nearestOperator } from "./nearest-operator.ts";
import { hasImporter } from "./ops/index.ts";
import { NodeImporter } from "./nodes.ts";
import { Problems } from "./problems.ts";
import type { Remarks } from "./remarks.ts";
import { OpenOptional, OpenSequence, Scope, Sequence, type Given } from "./scope.ts";
import { storedTypeOf } from "./stored-types.ts";
import { checkModel, readModel, type CheckedModel } from "./structure.ts";
import { checkTensor, readSparseTensor, tensorLayout, tensorProblem, type TensorSource } from "./tensors.ts";
import { eraseUnused } from "./unused.ts";
import { someOf, WordInputs } from "./word-inputs.ts";

export interface OnnxOptions {
  /** For messages. */
  readonly fileName: string;
  /** Sizes by the name of a dim, whole shapes by the name of an input. A range keeps the size open: a run tells it. */
  readonly shapes?: Readonly<Record<string, Size | readonly Size[]>>;
  /** Values that inputs have for good, by their names. */
  readonly constants?: Readonly<Record<string, Tensor>>;
  /** The most elements of values whose length only the data tell and nothing else bounds, by their names. */
  readonly bounds?: Readonly<Record<string, number>>;
  /** Optional inputs that are not there. */
  readonly absent?: readonly string[];
  /** Reads files beside the model; links and what lies outside are for it to refuse. */
  readonly external?: ExternalReader;
  readonly limits?: Limits;
  /** Told of what the graph does not do as the file says, where it is no error. */
  readonly warn?: (warning: Note) => void;
}

/**
 * The graph of an ONNX file. Its dims are numbers, but those that `shapes` gives a range and what hangs on them or on the data; values
 * that shapes hang on are computed.
 * Throws one NeoError with everything that is wrong with the file as a whole and with its nodes.
 */
export function importOnnx(bytes: Uint8Array, options: OnnxOptions): Graph {
  const limits = options.limits ?? DEFAULT_LIMITS;
  const file = options.fileName;
  const problems = new Problems(file);
  const source: TensorSource = { file, limits, external: new ExternalFiles(options.external, limits) };
  const model = checkModel(readModel(bytes, file, limits), file, limits, problems, {
    has: hasImporter,
    nearest: nearestOperator,
  });
  checkInitializers(model, source, problems);
  const held = heldInputs(model.graph, options, options.absent ?? [], problems);
  const inputs = bindInputs(held.specs, { ...options, shapes: held.shapes }, file, limits, problems);
  if (problems.any) {
    // What nobody gives, and what hangs on itself, was told with the structure.
    const isBroken = problems.places("structure").length > 0;
    const named = new Set(held.specs.flatMap(({ dims }) => dims ?? []));
    const openDims = problems.places("dim").filter((dim) => named.has(dim));
    const found = furtherProblems(openDims, (sizes) => lookInside(model, { ...options, shapes: { ...options.shapes, ...sizes } }, source));
    if (isBroken) found.delete("structure");
    problems.takeNew(found);
    problems.throwIfAny();
  }
  const bounds = new Bounds(options.bounds);
  const graph = buildGraph(model, inputs, held.holders, source, problems, bounds, declaredTypes(model.graph, held.shapes));
  bounds.report(problems);
  problems.throwIfAny();
  eraseUnused(graph);
  const warnings = problems.remarks.wordInputs.replaceIn(graph);
  for (const warning of [...problems.remarks.warnings, ...warnings]) options.warn?.(warning);
  return graph;
}

/** What is wrong with the nodes of a model that is refused as a whole. */
function lookInside(model: CheckedModel, options: OnnxOptions, source: TensorSource): Problems {
  const { file, limits } = source;
  const [problems, known] = [new Problems(file), new Problems(file)];
  const held = heldInputs(model.graph, options, options.absent ?? [], known);
  const inputs = bindInputs(held.specs, { ...options, shapes: held.shapes }, file, limits, known);
  buildGraph(model, inputs, held.holders, source, problems, new Bounds(options.bounds), declaredTypes(model.graph, held.shapes));
  return problems;
}

/** Every initializer has data of the size its shape wants, and together they are not too large. */
function checkInitializers(model: CheckedModel, source: TensorSource, problems: Problems): void {
  let total = 0;
  const check = (name: string, read: () => void): void => {
    const problem = tensorProblem(read);
    if (problem) problems.add(problem.kind, name, problem.message);
  };
  for (const proto of model.graph.initializer) {
    check(proto.name ?? "", () => {
      const { dtype, elements } = tensorLayout(proto, source);
      total += byteLength(dtype, elements);
      if (total > source.limits.totalBytes) throw limitError("totalBytes", source.limits, source.file, "bytes of all constants:", total);
      checkTensor(proto, source);
    });
  }
  for (const sparse of model.graph.sparseInitializer) check(sparse.values?.name ?? "", () => void readSparseTensor(sparse, source));
}

function buildGraph(
  model: CheckedModel,
  inputs: BoundInputs,
  holders: ReadonlyMap<string, Holder>,
  source: TensorSource,
  problems: Problems,
  bounds: Bounds,
  declared: ReadonlyMap<string, StaticType>,
): Graph {
  const params = [...inputs.params].map(([name, type]) => new Value(type, name));
  const graph = new Graph(model.graph.name ?? "", params);
  problems.remarks.wordInputs = new WordInputs(params);
  const b = new Builder(graph.ops);
  const scope = new Scope();
  for (const param of params) scope.set(param.name, param);
  for (const [name, value] of inputs.constants) {
    b.loc = [name];
    scope.set(name, b.create(constant, {}, { value }));
  }
  for (const [name, holder] of holders) scope.set(name, meaningOf(holder, scope) ?? "failed");
  // Where more is looked for in a file that is refused: those that have no type or no size.
  for (const { name } of inputSpecs(model.graph)) if (scope.get(name) === undefined) scope.set(name, "failed");
  const importer = new NodeImporter(model, b, source, problems, bounds, declared);
  for (const { name, type } of model.graph.input) {
    const value = scope.get(name ?? "");
    if (value instanceof Value) importer.stored.mark(value, storedTypeOf(type?.tensorType?.elemType));
  }
  importer.initializers(model.graph, scope, "");
  importer.list(model.graph.node, { scope, opsets: model.opsets, prefix: "", depth: 0 });
  b.loc = [];
  giveOutputs(graph, b, model, importer, scope, problems);
  addMaps(graph, model, holders);
  for (const [name, holder] of holders) if ("items" in holder) graph.lists.inputs.set(name, holder.items.length);
  return graph;
}

/** undefined where a tensor of a sequence has no type or no size. */
function meaningOf(holder: Holder, scope: Scope): Given | undefined {
  if (holder instanceof MapInput) return holder;
  if (holder.kind === "absent") return "absent";
  const items = holder.items.map((name) => scope.get(name));
  return items.every((item) => item instanceof Value) ? new Sequence(items, holder.dtype) : undefined;
}

/** The tensors of a sequence are outputs of their own: `y[0]`, `y[1]` … Where a run tells how many there are, they are one: its slices. */
function giveOutputs(graph: Graph, b: Builder, model: CheckedModel, importer: NodeImporter, scope: Scope, problems: Problems): void {
  const outputs = model.graph.output.flatMap((output): readonly (readonly [string, Value | undefined])[] => {
    const name = output.name ?? "";
    const value = importer.readGiven(name, scope, "the graph");
    if (value === "absent") problems.add("node", name, "is an optional that holds nothing, and there is no output without a tensor");
    if (value instanceof OpenOptional)
      problems.add("node", name, "is an optional of which a run tells whether it holds something, and there is no output without a tensor");
    if (value instanceof OpenSequence) return [[name, value.rows]];
    if (!(value instanceof Sequence)) return [[name, value instanceof Value ? value : undefined]];
    graph.lists.outputs.set(name, value.items.length);
    return value.items.map((item, i) => [`${name}[${i}]`, item]);
  });
  if (outputs.some(([, value]) => !value)) return;
  const names = outputs.map(([name]) => name);
  const given = outputs.map(([name, value]) => withoutStrings(b, value!, name, problems.remarks));
  b.create(returnOp, { values: given }, { names });
  given.forEach((value, i) => {
    const labels = problems.remarks.labelsOf(value);
    if (labels) graph.labels.set(names[i]!, labels);
  });
}

/** Rows of maps that somebody reads, where the file has the maps. */
function addMaps(graph: Graph, model: CheckedModel, holders: ReadonlyMap<string, Holder>): void {
  const order = new Map(model.graph.input.map((input, i) => [input.name ?? "", i]));
  for (const holder of holders.values()) {
    if (!(holder instanceof MapInput) || !holder.row) continue;
    const behind = graph.params.findIndex(({ name }) => order.get(name.replace(/\[\d+\]$/, ""))! > order.get(holder.name)!);
    graph.params.splice(behind < 0 ? graph.params.length : behind, 0, holder.row.value);
    graph.labels.set(holder.name, holder.row.labels);
  }
}

/** Words that the file lists leave as their places in the list. */
function withoutStrings(b: Builder, value: Value, name: string, remarks: Remarks): Value {
  const dictionary = value.type.dtype === "string" ? dictionaryOf(b, value, undefined) : undefined;
  if (!dictionary) return value;
  remarks.label(dictionary.indices, dictionary.words);
  remarks.warn(name, `gives places in a list instead of strings; the list is ${someOf(dictionary.words)}`);
  return dictionary.indices;
}
