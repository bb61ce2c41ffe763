import { cpus } from "node:os";
import { findCompilers } from "../../src/support/node/compilers.ts";
import type { Outcome, Timed } from "./job.ts";

const ms = (x: number): string => (x < 1 ? x.toFixed(4) : x.toFixed(2));
const pair = (t: Timed | undefined): string => (t ? `${ms(t.min)} / ${ms(t.p10)}` : "–");
const PEERS = ["ONNX Runtime", "OpenVINO", "LiteRT", "ncnn", "MNN"];
/** Results further from the interpreter's are marked. */
const ALLOWED = 1e-5;

const [compiler] = await findCompilers();
const machine = `${new Date().toISOString().slice(0, 10)}, ${cpus()[0]!.model.trim()}, Node ${process.versions.node}, ${compiler ? `${compiler.family} ${compiler.version}` : "no C compiler"}`;

/** One row a model: all times, and ours against the fastest peer of that row. */
export function peerTable(outcomes: readonly Outcome[]): string {
  const versions = Object.assign({}, ...outcomes.map((o) => o.versions)) as Record<string, string>;
  return [
    "## Networks against all CPU peers",
    "",
    `${machine}; ONNX Runtime 1.30.0 (C API, all optimizations), ${Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(", ")}.`,
    "",
    "One thread, one pinned core, batch 1, one process. Contenders take turns of 2 ms, one run at least, in an order that turns round, so each is timed with warm caches. Milliseconds are min / p10. The ratio is the fastest peer's time over ours, of minima and of tenth percentiles; above 1 neo is faster. The share is multiply-accumulates of the direct algorithm over the multiply-accumulate peak measured in the same rounds (Winograd may exceed 100 %; int8 is given as share of the f32 peak).",
    "OpenVINO is held to f32, ncnn and MNN to 32-bit storage. Every result is compared with the interpreter's on the same ONNX file, relative to max(1, largest); neo and peers beyond 1e-5 are marked with their difference (of integers: sums that saturate or round differently).",
    "",
    "```",
    "npm ci --prefix bench --ignore-scripts && bench/peers/install.sh && npx tsx bench/peers/run.ts --write",
    "```",
    "",
    `| model | neo | ${PEERS.join(" | ")} | fastest peer | ratio min | ratio p10 | share of peak |`,
    `|---|---|${PEERS.map(() => "---|").join("")}---|---|---|---|`,
    ...outcomes.map(peerRow),
  ].join("\n");
}

function peerRow({ model, macs, probeMacs, times }: Outcome): string {
  const neo = times["neo"]!;
  const peers = PEERS.filter((name) => times[name]);
  const best = (by: "min" | "p10"): string | undefined => [...peers].sort((a, b) => times[a]![by] - times[b]![by])[0];
  const ratio = (by: "min" | "p10"): string => (best(by) ? (times[best(by)!]![by] / neo[by]).toFixed(2) : "–");
  const cell = (t: Timed | undefined): string => pair(t) + (t && (t.error ?? 0) > ALLOWED ? ` (±${t.error!.toExponential(0)})` : "");
  const share = ((100 * macs) / neo.min / (probeMacs / times["peak"]!.min)).toFixed(0);
  return `| ${[model, cell(neo), ...PEERS.map((name) => cell(times[name])), best("min") ?? "–", ratio("min"), ratio("p10"), `${share} %`].join(" | ")} |`;
}

export function corpusTable(outcomes: readonly Outcome[]): string {
  const both = outcomes.filter((o) => o.times["neo"] && o.times["ONNX Runtime"]);
  const ratio = ({ times }: Outcome, by: "min" | "p10"): number => times["ONNX Runtime"]![by] / times["neo"]![by];
  const mean = (by: "min" | "p10"): string => Math.exp(both.reduce((sum, o) => sum + Math.log(ratio(o, by)), 0) / both.length).toFixed(2);
  return [
    "## Real networks against ONNX Runtime",
    "",
    `${machine}; ONNX Runtime 1.30.0 (C API, all optimizations). Method as above. Difference: neo's from the interpreter, relative to max(1, largest). Below 1.0: ${both.filter((o) => ratio(o, "min") < 1).length} of ${both.length}; geometric mean ${mean("min")} (p10: ${mean("p10")}).`,
    "",
    "```",
    "npx tsx bench/peers/run.ts --corpus ../shared/corpus --write",
    "```",
    "",
    "| network | neo ms | ONNX Runtime ms | ratio min | ratio p10 | difference |",
    "|---|---|---|---|---|---|",
    ...both.map(
      (o) =>
        `| ${[o.model, pair(o.times["neo"]), pair(o.times["ONNX Runtime"]), ratio(o, "min").toFixed(2), ratio(o, "p10").toFixed(2), o.times["neo"]!.error!.toExponential(0)].join(" | ")} |`,
    ),
  ].join("\n");
}
