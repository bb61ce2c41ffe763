import { NeoError, type Note } from "../support/errors.ts";
import { shapeText } from "./broadcast.ts";
import { Op, type Graph, type Value } from "./graph.ts";
import { returnOp } from "./ops/control.ts";
import { readState, writeState } from "./ops/state.ts";
import { elementCount, equalTypes, isStatic, type TensorType } from "./types.ts";

/** An output whose value the next run finds in an input; zeros before the first run. */
export interface StatePair {
  readonly input: string;
  readonly output: string;
}

/** These inputs and outputs leave the border of the graph: their tensors stay inside from run to run. */
export function keepState(graph: Graph, pairs: readonly StatePair[]): void {
  const notes = pairs.flatMap((pair, i) => problemsOf(graph, pair, pairs.slice(0, i)));
  if (notes.length > 0)
    throw new NeoError({
      code: "NEO2014",
      message: `${notes.length} ${notes.length === 1 ? "pair of an input and an output" : "pairs of inputs and outputs"} can't be kept as state`,
      notes,
      hint: "`neo inspect MODEL` lists inputs and outputs; those of a pair have one dtype and one shape",
    });
  const writes: Op[] = [];
  for (const { input, output } of pairs) {
    const param = graph.params.find(({ name }) => name === input)!;
    const { dtype, shape } = param.type;
    const read = new Op(readState, [], { name: input, dtype, shape: shape as readonly number[] }, [param.type], [input]);
    read.result.name = param.name;
    graph.replaceUses(param, read.result);
    graph.params.splice(graph.params.indexOf(param), 1);
    graph.ops.unshift(read);
    writes.push(new Op(writeState, [outputOf(graph, output)], { name: input }, [], [output]));
  }
  const { terminator } = graph;
  const names = namesOf(graph);
  const kept = names.map((name) => !pairs.some(({ output }) => output === name));
  const values = terminator.operands.filter((_, i) => kept[i] ?? true);
  const returned = new Op(returnOp, values, { ...terminator.attrs, names: names.filter((_, i) => kept[i]) }, [], terminator.loc);
  graph.erase(new Set([terminator]));
  graph.ops.push(...writes, returned);
}

function* problems(graph: Graph, { input, output }: StatePair, others: readonly StatePair[]): Generator<string> {
  const param = graph.params.find(({ name }) => name === input);
  const value = outputOf(graph, output);
  if (others.some((other) => other.input === input)) yield `input ${input} is in two pairs`;
  else if (!param) yield `there is no input ${input}; inputs are ${graph.params.map(({ name }) => name).join(", ") || "none"}`;
  if (others.some((other) => other.output === output)) yield `output ${output} is in two pairs`;
  else if (!value) yield `there is no output ${output}; outputs are ${namesOf(graph).join(", ")}`;
  if (param && value && !equalTypes(param.type, value.type)) yield `${input} is ${typeText(param.type)}, ${output} is ${typeText(value.type)}`;
  else if (param && !isKeepable(param.type)) yield `${input} is ${typeText(param.type)}, which can't be kept`;
}

function problemsOf(graph: Graph, pair: StatePair, others: readonly StatePair[]): Note[] {
  return [...problems(graph, pair, others)].map((text) => ({ where: `${pair.input}=${pair.output}`, text }));
}

function isKeepable(type: TensorType): boolean {
  return type.dtype !== "string" && !type.quant && isStatic(type) && elementCount(type.shape) > 0;
}

function typeText(type: TensorType): string {
  return `${shapeText(type.shape)} ${type.dtype}`.trim();
}

function namesOf(graph: Graph): readonly string[] {
  const names = graph.terminator.attrs["names"] as readonly string[];
  return graph.outputs.map((value, i) => names[i] || value.name || `output${i}`);
}

function outputOf(graph: Graph, name: string): Value | undefined {
  return graph.outputs[namesOf(graph).indexOf(name)];
}

/** Graphs of one bundle share their state: each name is of one type in all of them, and all have all. */
export function checkSharedState(graphs: readonly Graph[]): void {
  const states = graphs.map((graph) => new Map(graph.ops.filter((op) => op.def === readState).map((op) => [op.attrs["name"] as string, op.result.type])));
  const [first] = states;
  const notes = states.flatMap((state) =>
    [...first!.entries()].flatMap(([name, type]) => {
      const other = state.get(name);
      return other && equalTypes(type, other) ? [] : [{ where: name, text: `is ${typeText(type)}, in another program ${other ? typeText(other) : "missing"}` }];
    }),
  );
  if (notes.length === 0) return;
  throw new NeoError({
    code: "NEO2014",
    message: "the programs of the bundle can't share their state",
    notes,
    hint: "keep only what has one shape under every --shape, or compile a bundle for each",
  });
}

/**
 * The pairs that names tell: `past_key_values.0.key` and `present.0.key`, `h` and `hn`, `state` and `state_out`. Both have one type, and
 * neither could be of another pair.
 */
export function namedStates(graph: Graph): readonly StatePair[] {
  const outputs = namesOf(graph);
  const found = graph.params.flatMap(({ name, type }) => {
    const fitting = [...new Set(successorsOf(name))].filter((output) => {
      const value = outputOf(graph, output);
      return output !== name && value && equalTypes(type, value.type) && isKeepable(type);
    });
    return fitting.length === 1 && outputs.includes(fitting[0]!) ? [{ input: name, output: fitting[0]! }] : [];
  });
  return found.filter(({ output }) => found.filter((other) => other.output === output).length === 1);
}

/** What exporters call the new value of an input. */
function successorsOf(input: string): readonly string[] {
  const renamed = RENAMED.flatMap(([from, to]) => (from.test(input) ? [input.replace(from, to)] : []));
  return [...renamed, ...ENDINGS.map((ending) => input + ending)];
}

const RENAMED: readonly (readonly [RegExp, string])[] = [
  [/^past_key_values/, "present"],
  [/^past_key_values/, "present_key_values"],
  [/^past/, "present"],
  [/_in$/, "_out"],
  [/^in_/, "out_"],
  [/_prev$/, "_next"],
  [/^prev_/, "next_"],
  [/^old_/, "new_"],
  [/0$/, "n"],
];

const ENDINGS: readonly string[] = ["n", "N", "_n", "_out", "_new", "_next", "Out", ".out"];
