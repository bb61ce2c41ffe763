import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { describeModel, importModel } from "../../src/frontends/index.ts";
import type { Graph } from "../../src/ir/graph.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { readExternalFile } from "../../src/support/node/external.ts";
import { Executors, type Executor } from "../executors/executors.ts";
import { digestMatches, dtypeOf, goldenInput, goldenOutput, modelPath, type GoldenCase } from "./golden.ts";
import { reasonOf } from "./reason.ts";
import { isStream, runStream } from "./stream.ts";
import { compareElements, ruleFor, ruleForOutput, type Comparison } from "./tolerance.ts";
import { asPlaces } from "./words.ts";

export type { Executor };

export interface CaseRun {
  readonly executor: Executor;
  readonly comparison?: Comparison;
  readonly reason?: string;
}

export interface CaseResult {
  readonly name: string;
  readonly format: string;
  readonly state: "ok" | "short" | "no importer" | "not installed";
  readonly reason?: string;
  readonly rule?: string;
  readonly runs: readonly CaseRun[];
  readonly ms: number;
}

/** Formats whose files an importer reads. */
const IMPORTED = /^(?:generated\/)?(?:onnx(?:-ml)?|xgboost|lightgbm)$/;

/** Formats whose models give several kinds of outputs, those that the case names. */
const TABULAR = /xgboost|lightgbm/;

export async function runCase(golden: GoldenCase, root: string, project: string, executors: readonly Executor[]): Promise<CaseResult> {
  const start = performance.now();
  const finish = (state: CaseResult["state"], more: Partial<CaseResult> = {}): CaseResult => ({
    name: golden.name,
    format: golden.format,
    state,
    runs: [],
    ms: performance.now() - start,
    ...more,
  });
  if (!IMPORTED.test(golden.format)) return finish("no importer");
  const path = modelPath(golden, root, project);
  if (!path) return finish("not installed");
  try {
    const bytes = new Uint8Array(readFileSync(path));
    if (!digestMatches(golden, bytes)) return finish("short", { reason: "the model does not have its sha256" });
    if (isStream(golden)) {
      const runs = await runStream(golden, bytes, root, executors);
      const failed = runs.find((run) => !run.comparison?.ok);
      return finish(failed ? "short" : "ok", { rule: "stream", runs, ...(failed ? { reason: failed.reason ?? describe(failed) } : {}) });
    }
    if (golden.outputs.length === 0) return finish("short", { reason: "the protocol of this case has no runner" });
    const inputs = golden.inputs.map((input) => goldenInput(input, golden.blob));
    const shapes = Object.fromEntries(golden.inputs.map((input) => [input.name, [...input.shape]]));
    const outputKinds = TABULAR.test(golden.format) ? golden.outputs.map((output) => output.name) : [];
    const graph = importModel(bytes, { fileName: path.split("/").at(-1)!, shapes, outputKinds, external: (name) => readExternalFile(dirname(path), name) });
    const description = describeModel(bytes, path);
    const rule = ruleFor(golden, { opCounts: description.opCounts, lastScale: lastScale(graph) });
    const ordered = graph.params.map((param) => inputs[golden.inputs.findIndex((input) => input.name === param.name)]);
    if (ordered.some((tensor) => tensor === undefined)) return finish("short", { reason: `the graph wants ${graph.params.map((p) => p.name).join(", ")}` });
    const runs = await runAll(graph, ordered as Tensor[], golden, executors, rule);
    const failed = runs.find((run) => !run.comparison?.ok);
    return finish(failed ? "short" : "ok", { rule: rule.name, runs, ...(failed ? { reason: failed.reason ?? describe(failed) } : {}) });
  } catch (error) {
    return finish("short", {
      reason: reasonOf(error),
    });
  }
}

function describe(run: CaseRun): string {
  const c = run.comparison!;
  return `${run.executor}: max abs ${c.maxAbs.toExponential(2)}, max rel ${c.maxRel.toExponential(2)}, cosine ${c.cosine.toFixed(6)}, ${(100 * c.ofAllowed).toFixed(0)} % of what is allowed`;
}

async function runAll(
  graph: Graph,
  inputs: readonly Tensor[],
  golden: GoldenCase,
  executors: readonly Executor[],
  rule: ReturnType<typeof ruleFor>,
): Promise<CaseRun[]> {
  const all = new Executors(graph);
  const blob = golden.blob();
  const runs: CaseRun[] = [];
  for (const executor of executors) {
    try {
      const outputs = await all.run(executor, inputs);
      const comparisons = golden.outputs.map((want, i) => {
        const index = all.outputNames.indexOf(want.name);
        const got = outputs[index < 0 ? i : index]!;
        const { stride, ...stored } = goldenOutput(want, blob);
        const data = want.strings ? wordPlaces(want.strings, stored.data, graph.labels.get(want.name)) : stored.data;
        const exact = rule.name !== "1 quantum" && rule.name !== "2 quanta" && !["f32", "f64", "f16", "bf16"].includes(dtypeOf(want));
        return compareElements(got.data as ArrayLike<number>, data, stride, ruleForOutput(golden, want.name) ?? rule, exact);
      });
      const worst = comparisons.reduce((a, b) => (!b.ok || (a.ok && b.ofAllowed > a.ofAllowed) ? b : a));
      runs.push({ executor, comparison: worst });
    } catch (error) {
      runs.push({
        executor,
        reason: `${executor}: ${reasonOf(error)}`,
      });
    }
  }
  return runs;
}

/** Words that the golden has as places in a list of its own, as places in that of the graph. */
function wordPlaces(strings: readonly string[], places: ArrayLike<number | bigint | string>, labels: readonly string[] | undefined): ArrayLike<bigint> {
  const words = Array.from(places, (place) => strings[Number(place)]!);
  return asPlaces({ type: { dtype: "string", shape: [words.length] }, data: words }, labels).data as BigInt64Array;
}

/** Scale of the last quantise op of the graph. */
function lastScale(graph: Graph): number | undefined {
  const last = graph.ops.filter((op) => op.name === "quantise" || op.name === "dequantise").at(-1);
  const scale = last?.operands[1]?.producer?.attrs["value"] as Tensor | undefined;
  return scale ? Math.max(...Array.from(scale.data as Float32Array)) : undefined;
}
