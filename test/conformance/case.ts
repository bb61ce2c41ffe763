import { macsOf } from "../../src/compile.ts";
import { describeModel, importModel } from "../../src/frontends/index.ts";
import type { TypeProto } from "../../src/frontends/onnx/schema.ts";
import { readModel } from "../../src/frontends/onnx/structure.ts";
import type { Graph } from "../../src/ir/graph.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { isFloat, isInteger, type StaticType } from "../../src/ir/types.ts";
import { NeoError } from "../../src/support/errors.ts";
import { DEFAULT_LIMITS } from "../../src/support/limits.ts";
import { reasonOf } from "../corpus/reason.ts";
import { compareElements, type Rule } from "../corpus/tolerance.ts";
import { asPlaces } from "../corpus/words.ts";
import { Executors, type Executor } from "../executors/executors.ts";
import { NotGuarded } from "../executors/guarded.ts";
import { rampInput, readTensorFile, type DataSet } from "./suite.ts";
import { readValueFile, type StoredValue } from "./values.ts";

export interface SetRun {
  readonly executor: Executor;
  readonly ok: boolean;
  readonly reason?: string;
  readonly ms: number;
}

export interface SetResult {
  readonly name: string;
  readonly runs: readonly SetRun[];
  /** Inputs that were constants of the compile, as shapes hang on them. */
  readonly bound: readonly string[];
  readonly inputs: number;
}

/** The rule of the baseline: |got - want| <= atol + rtol * |want|; what is not a float is exact. */
const RULE: Rule = { name: "backend tests", rel: 1e-3, abs: 1e-5, floor: 0, ofMax: false, minCosine: -1 };

/** Above this many multiply-accumulates the interpreter is not asked: it would take minutes. */
const INTERPRETER_MACS = 1e9;

export async function runSet(set: DataSet, executors: readonly Executor[]): Promise<SetResult> {
  const start = performance.now();
  let made: Made;
  let wanted: Tensor[];
  try {
    made = makeCase(set);
    wanted = wantedOf(set, made.graph);
  } catch (error) {
    const ms = performance.now() - start;
    return { name: set.name, bound: [], inputs: 0, runs: executors.map((executor) => ({ executor, ok: false, reason: reasonOf(error), ms })) };
  }
  const all = new Executors(made.graph, { flags: ["-O1"] });
  const runs: SetRun[] = [];
  for (const executor of executors) {
    const begin = performance.now();
    let reason: string | undefined;
    try {
      if (executor === "interpreter" && macsOf(made.graph) > INTERPRETER_MACS) reason = "too large for the interpreter";
      else reason = difference(await all.run(executor, made.inputs), wanted);
    } catch (error) {
      if (error instanceof NotGuarded) continue;
      reason = reasonOf(error);
    }
    runs.push({ executor, ok: reason === undefined, ms: performance.now() - begin, ...(reason === undefined ? {} : { reason }) });
  }
  return { name: set.name, bound: made.bound, inputs: made.count, runs };
}

/** Outputs in the order of the graph: the tensors of a sequence one after another. */
function wantedOf(set: DataSet, { labels, terminator }: Graph): Tensor[] {
  const bytes = set.model();
  const types = typesOf(bytes);
  const { outputs } = describeModel(bytes, "model.onnx");
  const all = set.outputs.flatMap((read, i): readonly Tensor[] => {
    const value = readValueFile(read(), types.get(outputs[i]!.name), `output_${i}.pb`);
    return value === undefined ? [] : "data" in value ? [value] : value;
  });
  const names = terminator.attrs["names"] as readonly string[];
  return all.map((tensor, i) => asPlaces(tensor, labels.get(names[i] ?? "")));
}

interface Made {
  readonly graph: Graph;
  readonly inputs: readonly Tensor[];
  readonly bound: readonly string[];
  readonly count: number;
}

/** The graph at the shapes of the data. Where shapes hang on values, as few inputs as will do become constants. */
function makeCase(set: DataSet): Made {
  const bytes = set.model();
  const { inputs: specs, outputs } = describeModel(bytes, "model.onnx");
  const types = typesOf(bytes);
  const stored = specs.map((spec, i): StoredValue => {
    const read = set.inputs[i];
    return read ? readValueFile(read(), types.get(spec.name), `input_${i}.pb`) : rampInput((spec.dims ?? []).map(Number));
  });
  const shapes: Record<string, readonly number[]> = {};
  const tensors = new Map<string, Tensor>();
  const absent: string[] = [];
  specs.forEach(({ name }, i) => {
    const value = stored[i];
    if (!value) absent.push(name);
    else if ("data" in value) tensors.set(name, value);
    else {
      shapes[name] = [value.length];
      value.forEach((item, k) => tensors.set(`${name}[${k}]`, item));
    }
  });
  for (const [name, { type }] of tensors) shapes[name] = type.shape;
  const candidates = specs.flatMap(({ name }) => (tensors.has(name) ? [{ name, tensor: tensors.get(name)! }] : []));
  let choices = subsets(candidates);
  let bounds: Readonly<Record<string, number>> | undefined;
  for (;;) {
    const { value: bound } = choices.next();
    try {
      const constants = Object.fromEntries(bound.map(({ name, tensor }) => [name, tensor]));
      const graph = importModel(bytes, { fileName: "model.onnx", shapes, constants, absent, ...(bounds ? { bounds } : {}) });
      const inputs = graph.params.map(({ name }) => asPlaces(tensors.get(name)!, graph.labels.get(name)));
      return { graph, inputs, bound: bound.map(({ name }) => name), count: specs.length };
    } catch (error) {
      if (!(error instanceof NeoError) || error.code !== "NEO2006") throw error;
      const asked = bounds ? undefined : boundsAsked(error, set, outputs);
      if (asked) {
        bounds = asked;
        choices = subsets(candidates);
      } else if (bound.length === candidates.length) throw error;
    }
  }
}

/** What the file declares its inputs and outputs to be. */
function typesOf(bytes: Uint8Array): ReadonlyMap<string, TypeProto | undefined> {
  const { graph } = readModel(bytes, "model.onnx", DEFAULT_LIMITS);
  return new Map([...(graph?.input ?? []), ...(graph?.output ?? [])].map((info) => [info.name ?? "", info.type]));
}

/** Outputs whose lengths nothing bounds, where a bound would do, are as long as the data set says. */
function boundsAsked(error: NeoError, set: DataSet, outputs: readonly { readonly name: string }[]): Readonly<Record<string, number>> | undefined {
  const names = [error.hint ?? "", ...error.notes.map(({ text }) => text)].flatMap((text) =>
    Array.from(text.matchAll(/--bound (\S+)=N/g), (found) => found[1]!),
  );
  const known = names.flatMap((name) => {
    const read = set.outputs[outputs.findIndex((output) => output.name === name)];
    return read ? [[name, Math.max(0, ...readTensorFile(read(), "output.pb").type.shape)] as const] : [];
  });
  return known.length > 0 ? Object.fromEntries(known) : undefined;
}

interface Candidate {
  readonly name: string;
  readonly tensor: Tensor;
}

/** None, each one, each two, … and last all; short lists of integers first, as shapes are made of them. */
function* subsets(all: readonly Candidate[]): Generator<readonly Candidate[], never> {
  const cost = ({ tensor: { type } }: Candidate): number => (type.shape.length > 1 ? 4 : 0) + (isInteger(type.dtype) ? 0 : isFloat(type.dtype) ? 2 : 1);
  const ordered = [...all].sort((a, b) => cost(a) - cost(b));
  const most = ordered.length <= 5 ? ordered.length - 1 : 1;
  for (let size = 0; size <= most; size++) yield* choose(ordered, size);
  for (;;) yield ordered;
}

function* choose(from: readonly Candidate[], size: number): Generator<readonly Candidate[]> {
  if (size === 0) return yield [];
  for (let i = 0; i <= from.length - size; i++) for (const rest of choose(from.slice(i + 1), size - 1)) yield [from[i]!, ...rest];
}

/** The first output that is not as wanted, in words. */
function difference(got: readonly Tensor[], wanted: readonly Tensor[]): string | undefined {
  if (got.length !== wanted.length) return `${got.length} outputs, wanted ${wanted.length}`;
  for (const [i, want] of wanted.entries()) {
    const { type, data } = got[i]!;
    if (type.dtype !== want.type.dtype || !sameShape(type, want.type)) return `output ${i} is ${words(type)}, wanted ${words(want.type)}`;
    if (want.type.dtype === "string") {
      const at = (want.data as readonly string[]).findIndex((text, k) => text !== data[k]);
      if (at >= 0) return `output ${i} has "${String(data[at])}" at ${at}, wanted "${String(want.data[at])}"`;
      continue;
    }
    const { ok, maxAbs, maxRel } = compareElements(data as ArrayLike<number>, want.data as ArrayLike<number>, 1, RULE, !isFloat(type.dtype));
    if (!ok) return `output ${i} differs: max abs ${maxAbs.toExponential(1)}, max rel ${maxRel.toExponential(1)}`;
  }
  return undefined;
}

function sameShape(a: StaticType, b: StaticType): boolean {
  return a.shape.length === b.shape.length && a.shape.every((dim, i) => dim === b.shape[i]);
}

function words({ dtype, shape }: StaticType): string {
  return [...shape, dtype].join("x");
}
