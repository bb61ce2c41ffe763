import { optimize } from "../compile.ts";
import type { Graph, Value } from "../ir/graph.ts";
import { interpret } from "../ir/interpret.ts";
import type { Tensor } from "../ir/tensor.ts";
import { printGraph } from "../ir/text/print.ts";
import { writeNpz } from "../frontends/formats/npz.ts";
import type { Session } from "../session/session.ts";
import type { Note } from "../support/errors.ts";
import { textOption, type Invocation } from "./command.ts";
import { bisect } from "./bisect.ts";
import { compareLayers, elementsOf, nodeName, type NodeDifference } from "./compare-layers.ts";
import { isBad, type DifferenceLimits } from "./compare-limits.ts";
import { importedGraph, tensorsFor, type InputValues } from "./compare-reference.ts";
import { writeOutput } from "./files.ts";
import { compiledRun, targetOf } from "./run-graph.ts";
import { compareTensors } from "./tensor-difference.ts";

export const MODES = ["isolated", "cumulative", "passes"] as const;

/** What `--mode` and `--bisect` find. */
export interface Inside {
  readonly nodes: readonly NodeDifference[];
  readonly skipped: readonly Note[];
  /** With `--bisect`: the files written, or that nothing fails. */
  readonly bisected?: { readonly path: string; readonly inputs: string; readonly nodes: readonly string[]; readonly ops: number } | "nothing fails";
}

/** Compares the values inside `file`, a model, as the flags ask. */
export async function lookInside(file: string, session: Session, inputs: InputValues, limits: DifferenceLimits, invocation: Invocation): Promise<Inside> {
  const { options, reporter } = invocation;
  const mode = textOption(options, "mode") as (typeof MODES)[number] | undefined;
  const output = textOption(options, "bisect");
  const graph = await importedGraph(file, session.inputs, invocation);
  const tensors = tensorsFor(graph, inputs);
  if (mode === "passes" && output === undefined) return { nodes: beforeAndAfter(graph, tensors, limits), skipped: [] };
  const before = mode === "passes" ? beforeAndAfter(graph, tensors, limits) : [];
  if (mode !== "passes") optimize(graph);
  const run = compiledRun(await targetOf(session, invocation), invocation);
  const { nodes, skipped } =
    mode === "isolated" || mode === "cumulative"
      ? await reporter.stage(`comparing layers, ${mode}`, () => compareLayers(graph, tensors, { mode, limits, run }))
      : { nodes: before, skipped: [] };
  if (output === undefined) return { nodes, skipped };
  const failing = await reporter.stage("bisecting", () => bisect(graph, tensors, run, limits));
  if (!failing) return { nodes, skipped, bisected: "nothing fails" };
  const inputsPath = `${output.replace(/\.nir$/, "")}.npz`;
  const named = failing.graph.params.map((param, i) => [param.name, failing.inputs[i]!] as const);
  await writeOutput(inputsPath, writeNpz(named), invocation.cwd);
  await writeOutput(output, new TextEncoder().encode(printGraph(failing.graph)), invocation.cwd);
  const ops = failing.graph.ops.filter((op) => op.name !== "constant" && op.name !== "return").length;
  return { nodes, skipped, bisected: { path: output, inputs: inputsPath, nodes: failing.nodes, ops } };
}

/** Values that keep their name through the passes, in the interpreter, after against before. `graph` is optimised behind it. */
function beforeAndAfter(graph: Graph, inputs: readonly Tensor[], limits: DifferenceLimits): NodeDifference[] {
  const before = new Map<string, Tensor>();
  const isNumbers = (value: Value, { type }: Tensor): boolean => value.name !== "" && type.dtype !== "string";
  interpret(graph, inputs, { onValue: (value, tensor) => void (isNumbers(value, tensor) && before.set(value.name, tensor)) });
  optimize(graph);
  const nodes: NodeDifference[] = [];
  interpret(graph, inputs, {
    onValue(value, after) {
      const wanted = before.get(value.name);
      if (!isNumbers(value, after) || wanted?.data.length !== after.data.length || !value.producer) return;
      const difference = compareTensors(value.name, elementsOf(after), elementsOf(wanted));
      nodes.push({ ...difference, node: nodeName(value.producer), op: value.producer.name, bad: isBad(difference, limits) });
    },
  });
  return nodes;
}
