import { extract, type Extract } from "../ir/extract.ts";
import type { Graph, Op, Value } from "../ir/graph.ts";
import { interpret } from "../ir/interpret.ts";
import type { Tensor } from "../ir/tensor.ts";
import { compareLayers, elementsOf, nodeName } from "./compare-layers.ts";
import { isBad, type DifferenceLimits } from "./compare-limits.ts";
import type { RunGraph } from "./run-graph.ts";
import { compareTensors } from "./tensor-difference.ts";

/** The smallest part that was found to fail, and the inputs it fails on. */
export interface FailingPart {
  readonly graph: Graph;
  readonly inputs: readonly Tensor[];
  readonly nodes: readonly string[];
}

/**
 * The first single op whose compiled code fails on what the interpreter computed before it; where none does alone, the shortest
 * beginning of the graph that fails, cut from the front as far as it still fails. undefined: nothing fails.
 */
export async function bisect(graph: Graph, inputs: readonly Tensor[], run: RunGraph, limits: DifferenceLimits): Promise<FailingPart | undefined> {
  const ops = graph.ops.slice(0, -1).filter((op) => op.name !== "constant");
  const search = new Search(graph, inputs, run, limits);
  const { firstBad } = await compareLayers(graph, inputs, { mode: "isolated", limits, run, untilBad: true });
  if (firstBad && (await search.fails([firstBad]))) return search.part([firstBad]);
  if (!(await search.fails(ops))) return undefined;
  const end = await smallest(1, ops.length, (n) => search.fails(ops.slice(0, n)));
  const length = await smallest(1, end, (n) => search.fails(ops.slice(end - n, end)));
  return search.part(ops.slice(end - length, end));
}

/** The smallest n of low..high with `holds(n)`, which holds for high, by halving; where it goes up and down, one of them. */
async function smallest(low: number, high: number, holds: (n: number) => Promise<boolean>): Promise<number> {
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (await holds(middle)) high = middle;
    else low = middle + 1;
  }
  return high;
}

class Search {
  private readonly graph: Graph;
  private readonly inputs: readonly Tensor[];
  private readonly run: RunGraph;
  private readonly limits: DifferenceLimits;

  constructor(graph: Graph, inputs: readonly Tensor[], run: RunGraph, limits: DifferenceLimits) {
    [this.graph, this.inputs, this.run, this.limits] = [graph, inputs, run, limits];
  }

  async fails(ops: readonly Op[]): Promise<boolean> {
    const part = extract(ops, "part");
    if (part.results.length === 0) return false;
    const inputs = this.inputsOf(part);
    const wanted = interpret(part.graph, inputs);
    const found = await this.run(part.graph, inputs);
    return wanted.some((want, i) => want.type.dtype !== "string" && isBad(compareTensors("", elementsOf(found[i]!), elementsOf(want)), this.limits));
  }

  part(ops: readonly Op[]): FailingPart {
    const part = extract(ops, this.graph.name);
    return { graph: part.graph, inputs: this.inputsOf(part), nodes: [...new Set(ops.map(nodeName))] };
  }

  /** What the interpreter computes for the parameters of a part. */
  private inputsOf({ params }: Extract): Tensor[] {
    const known = new Map<Value, Tensor>(this.graph.params.map((param, i) => [param, this.inputs[i]!]));
    if (params.some((value) => !known.has(value))) {
      const wanted = new Set(params);
      interpret(this.graph, this.inputs, { onValue: (value, tensor) => void (wanted.has(value) && known.set(value, tensor)) });
    }
    return params.map((value) => known.get(value)!);
  }
}
