import { extract, valueName } from "../ir/extract.ts";
import type { Graph, Op, Value } from "../ir/graph.ts";
import { evaluateOp } from "../ir/interpret.ts";
import { byteLength, type Tensor } from "../ir/tensor.ts";
import { elementCount } from "../ir/types.ts";
import { NeoError, type Note } from "../support/errors.ts";
import { isBad, type DifferenceLimits } from "./compare-limits.ts";
import type { RunGraph } from "./run-graph.ts";
import { compareTensors, type TensorDifference } from "./tensor-difference.ts";

/** A value of the optimised graph, computed by compiled code, against the interpreter. */
export interface NodeDifference extends TensorDifference {
  /** Source nodes of the op, in the user's own names. */
  readonly node: string;
  readonly op: string;
  readonly bad: boolean;
}

export interface LayerOptions {
  /** isolated: every op reads what the interpreter computed. cumulative: it reads what compiled code computed, errors flow. */
  readonly mode: "isolated" | "cumulative";
  readonly limits: DifferenceLimits;
  readonly run: RunGraph;
  /** Ends behind the batch with the first bad value. */
  readonly untilBad?: boolean;
}

export interface LayerReport {
  readonly nodes: readonly NodeDifference[];
  /** Ops that can't be compiled without their neighbours. */
  readonly skipped: readonly Note[];
  /** The op of the first bad value. */
  readonly firstBad: Op | undefined;
}

/** So many ops are compiled together, unless their values are large: no more than a batch and what is still to be read is in memory. */
const BATCH_OPS = 16;
const BATCH_BYTES = 64 * 2 ** 20;

/** Walks a graph of static types batch by batch. */
export async function compareLayers(graph: Graph, inputs: readonly Tensor[], options: LayerOptions): Promise<LayerReport> {
  const walk = new Walk(graph, inputs, options);
  for (const op of graph.ops.slice(0, -1)) {
    if (walk.take(op)) await walk.flush();
    if (options.untilBad && walk.firstBad) return walk;
  }
  await walk.flush();
  return walk;
}

class Walk implements LayerReport {
  readonly nodes: NodeDifference[] = [];
  readonly skipped: Note[] = [];
  firstBad: Op | undefined;
  private readonly options: LayerOptions;
  private readonly wanted: Map<Value, Tensor>;
  private readonly found = new Map<Value, Tensor>();
  private readonly lastReader = new Map<Value, Op>();
  private readonly state = new Map<string, Tensor>();
  private batch: Op[] = [];
  private batchBytes = 0;
  private read: Op[] = [];
  /** Why the last ops could not be compiled. */
  private reason = "";

  constructor(graph: Graph, inputs: readonly Tensor[], options: LayerOptions) {
    this.options = options;
    this.wanted = new Map(graph.params.map((param, i) => [param, inputs[i]!]));
    for (const op of graph.ops) for (const value of op.operands) if (value) this.lastReader.set(value, op);
  }

  /** Computes the reference; true when the batch is full. */
  take(op: Op): boolean {
    const results = evaluateOp(
      op,
      op.operands.map((value) => value && this.wanted.get(value)),
      { state: this.state },
    );
    op.results.forEach((value, i) => this.wanted.set(value, results[i]!));
    this.read.push(op);
    if (op.name === "constant" || !op.def.pure || op.results.some(({ type }) => type.dtype === "string")) return false;
    this.batch.push(op);
    this.batchBytes += results.reduce((bytes, { type }) => bytes + byteLength(type.dtype, elementCount(type.shape)), 0);
    return this.batch.length >= BATCH_OPS || this.batchBytes >= BATCH_BYTES;
  }

  async flush(): Promise<void> {
    const { batch } = this;
    if (batch.length > 0 && !(await this.compare(batch))) for (const op of batch) if (batch.length === 1 || !(await this.compare([op]))) this.skip(op);
    for (const op of this.read) for (const value of op.operands) if (value && this.lastReader.get(value) === op) this.forget(value);
    [this.batch, this.batchBytes, this.read] = [[], 0, []];
  }

  private forget(value: Value): void {
    this.wanted.delete(value);
    this.found.delete(value);
  }

  /** false: these ops can't be compiled together. */
  private async compare(ops: readonly Op[]): Promise<boolean> {
    const isolated = this.options.mode === "isolated";
    const part = extract(ops, "part", { apart: isolated, all: true });
    const inputs = part.params.map((value) => (isolated ? undefined : this.found.get(value)) ?? this.wanted.get(value)!);
    let outputs: readonly Tensor[];
    try {
      outputs = await this.options.run(part.graph, inputs);
    } catch (error) {
      if (error instanceof NeoError && error.code !== "NEO3010") {
        this.reason = error.notes[0] ? `${error.message}: ${error.notes[0].text}` : error.message;
        return false;
      }
      throw error;
    }
    part.results.forEach((value, i) => {
      if (!isolated) this.found.set(value, outputs[i]!);
      const node = nodeDifference(value, outputs[i]!, this.wanted.get(value)!, this.options.limits);
      if (node.bad) this.firstBad ??= value.producer;
      this.nodes.push(node);
    });
    return true;
  }

  private skip(op: Op): void {
    this.skipped.push({ where: nodeName(op), text: this.reason });
  }
}

export function nodeName(op: Op): string {
  return op.loc.join("+") || (op.results[0] ? valueName(op.results[0]) : op.name);
}

function nodeDifference(value: Value, got: Tensor, want: Tensor, limits: DifferenceLimits): NodeDifference {
  const difference = compareTensors(valueName(value), elementsOf(got), elementsOf(want));
  return { ...difference, node: nodeName(value.producer!), op: value.producer!.name, bad: isBad(difference, limits) };
}

/** A tensor of numbers as `compareTensors` takes it. */
export function elementsOf({ type, data }: Tensor): { dtype: string; shape: readonly number[]; data: ArrayLike<number | bigint> } {
  return { dtype: type.dtype, shape: type.shape, data: data as ArrayLike<number | bigint> };
}
