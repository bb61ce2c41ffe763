import { Builder } from "../../ir/builder.ts";
import { Graph, Value } from "../../ir/graph.ts";
import { constant, returnOp } from "../../ir/ops/control.ts";
import { cast } from "../../ir/ops/conversion.ts";
import { concat } from "../../ir/ops/movement.ts";
import type { TableFacts } from "../../ir/table-facts.ts";
import type { Tensor } from "../../ir/tensor.ts";
import { NeoError } from "../../support/errors.ts";
import { DEFAULT_LIMITS } from "../../support/limits.ts";
import type { OnnxOptions } from "../onnx/import.ts";
import { bindInputs, type ValueSpec } from "../onnx/inputs.ts";
import { Problems } from "../onnx/problems.ts";

/** What importers of tables take beyond what all take. */
export interface TabularOptions extends OnnxOptions {
  /** Which of its outputs the graph gives, by name; default: the first kind of the format, predictions. */
  readonly outputKinds?: readonly string[];
  /** Rounds of boosting that count: "all", "best" (up to the best one, if the file tells), or "BEGIN:END". */
  readonly iterations?: string;
}

/** A matrix of rows of features. */
export interface TabularInput {
  readonly name: string;
  readonly dtype: "f32" | "f64" | "i32";
  readonly columns: number;
  /** Names of the features; empty where the file has none. */
  readonly features: readonly string[];
  /** How files of rows are read for it. */
  readonly table?: TableFacts;
}

/** An output that a model can give; made only where it is asked for. */
export interface OutputKind {
  readonly name: string;
  readonly make: (b: Builder, x: Value) => Value;
  /** Names of its columns, or of what its numbers stand for. */
  readonly labels?: readonly string[];
}

const ELEMENT_TYPES = { f32: "float", f64: "double", i32: "int32" } as const;

/** The name of the open number of rows. */
const ROWS = "N";

/**
 * The graph of a model over a table: one input of rows, and the outputs asked for, in the order asked. Several inputs are columns of
 * one matrix beside each other, in f64.
 */
export function tabularGraph(given: TabularInput | readonly TabularInput[], kinds: readonly OutputKind[], options: TabularOptions): Graph {
  const inputs = [given].flat();
  const { fileName: file, limits = DEFAULT_LIMITS } = options;
  const chosen = chosenKinds(kinds, options);
  const problems = new Problems(file);
  const bound = bindInputs(inputs.map(specOf), options, file, limits, problems);
  problems.throwIfAny();
  const params = new Map([...bound.params].map(([name, type]) => [name, new Value(type, name)]));
  const graph = new Graph("main", [...params.values()]);
  const b = new Builder(graph.ops);
  const values = inputs.map(({ name }) => params.get(name) ?? constantOf(b, bound.constants.get(name)!));
  const x = values.length === 1 ? values[0]! : b.create(concat, { xs: values.map((value) => b.create(cast, { x: value }, { to: "f64" })) }, { axis: 1 });
  const outputs = chosen.map((kind) => {
    b.loc = [kind.name];
    const value = kind.make(b, x);
    // An output is a value of its own: two of one value have one name.
    if (!value.name) value.name = kind.name;
    return value;
  });
  b.loc = [];
  b.createAll(returnOp, { values: outputs }, { names: chosen.map(({ name }) => name) });
  for (const { name, features } of inputs) if (features.length > 0 && params.has(name)) graph.labels.set(name, features);
  for (const { name, table } of inputs) if (table && params.has(name)) graph.tables.set(name, table);
  for (const { name, labels } of chosen) if (labels) graph.labels.set(name, labels);
  return graph;
}

/** The input as descriptions list it: any number of rows. */
export function specOf({ name, dtype, columns }: TabularInput): ValueSpec {
  return { name, dtype, elementType: ELEMENT_TYPES[dtype], dims: [ROWS, columns] };
}

export function constantOf(b: Builder, value: Tensor): Value {
  return b.create(constant, {}, { value });
}

function chosenKinds(kinds: readonly OutputKind[], { outputKinds, fileName }: TabularOptions): readonly OutputKind[] {
  if (!outputKinds || outputKinds.length === 0) return [kinds[0]!];
  const found = [...new Set(outputKinds)].map((name) => ({ name, kind: kinds.find((kind) => kind.name === name) }));
  const missing = found.filter(({ kind }) => !kind);
  if (missing.length === 0) return found.map(({ kind }) => kind!);
  throw new NeoError({
    code: "NEO2033",
    message: `${fileName} does not give ${missing.map(({ name }) => name).join(", ")}`,
    hint: `--output-kind takes of this model: ${kinds.map(({ name }) => name).join(", ")}`,
    file: fileName,
  });
}

/** The same value however often it is asked for. */
export function once(make: (b: Builder, x: Value) => Value): OutputKind["make"] {
  let made: Value | undefined;
  return (b, x) => (made ??= make(b, x));
}

/** First and last round (exclusive) that `iterations` means of `rounds`; `best` is the one that the file calls so. */
export function roundsFrom(options: TabularOptions, rounds: number, best: number | undefined): readonly [begin: number, end: number] {
  const { iterations = "all", fileName } = options;
  const refuse = (text: string): never => {
    throw new NeoError({
      code: "NEO2033",
      message: `${fileName}: ${text}`,
      hint: "--iterations takes all, best, or BEGIN:END, counted from 0",
      file: fileName,
    });
  };
  if (iterations === "all") return [0, rounds];
  if (iterations === "best") return best !== undefined && best >= 0 && best < rounds ? [0, best + 1] : refuse("the file does not tell its best iteration");
  const [, begin, end] = /^(\d{1,9}):(\d{1,9})$/.exec(iterations) ?? [];
  if (begin === undefined || Number(begin) >= Number(end) || Number(end) > rounds) return refuse(`iterations ${iterations} of ${rounds}`);
  return [Number(begin), Number(end)];
}
