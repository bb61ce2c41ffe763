/**
 * Runs the backend tests of the ONNX project and prints how many data sets pass, beside what ONNX Runtime passes.
 *
 *   npm run conformance -- --suite PATH [--only PATTERN] [--sample N] [--executors interpreter,native,wasm,guarded,sanitized,guardedWasm] [--expect FILE] [--json FILE] [--coverage FILE]
 *
 * PATH is the archive or a folder of that form. `--sample N` takes N data sets, the same ones each time.
 * `--coverage FILE` writes what the data sets show of each operator: what docs/onnx-support.md is made of.
 * Exit 4 if a data set falls short that `--expect` does not list, or, of a whole suite, if one that it lists passes or a count falls below its.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { formatMs, table } from "../../src/support/table.ts";
import { EXECUTORS, type Executor } from "../executors/executors.ts";
import { runSet, type SetResult } from "./case.ts";
import { coverageOf } from "./coverage.ts";
import { judge, type Expectation } from "./expectation.ts";
import { CLASSES, conformanceSuite, type Class, type DataSet } from "./suite.ts";

const ALL: readonly Executor[] = ["interpreter", "native", "wasm"];

const { values: options } = parseArgs({
  options: {
    suite: { type: "string" },
    only: { type: "string" },
    sample: { type: "string" },
    executors: { type: "string" },
    expect: { type: "string" },
    json: { type: "string" },
    coverage: { type: "string" },
    verbose: { type: "boolean" },
  },
});

if (!options.suite) {
  console.error(
    "usage: npm run conformance -- --suite PATH [--only PATTERN] [--sample N] [--executors interpreter,native,wasm,guarded,sanitized,guardedWasm] [--expect FILE] [--json FILE] [--coverage FILE]",
  );
  process.exit(2);
}

const executors = options.executors ? EXECUTORS.filter((name) => options.executors!.split(",").includes(name)) : ALL;
const only = options.only ? new RegExp(options.only) : undefined;
const expected = options.expect ? (JSON.parse(readFileSync(options.expect, "utf8")) as Expectation) : undefined;
const whole = conformanceSuite(options.suite);
const sets = sampled(
  whole.filter((set) => !only || only.test(set.name)),
  options.sample === undefined ? Infinity : Number(options.sample),
);
const start = performance.now();
const results = await runAll(sets);
const classOf = new Map(sets.map((set) => [set.name, set.class]));
const isIn = (name: string, of: Class): boolean => CLASSES.indexOf(classOf.get(name)!) <= CLASSES.indexOf(of);

function passed(executor: Executor, of: Class): number {
  return results.filter((result) => isIn(result.name, of) && result.runs.some((run) => run.executor === executor && run.ok)).length;
}

const TITLES: Readonly<Record<Class, string>> = { core: "core types", plain: "plain tensors", all: "all" };
const right = (title: string): { title: string; align: "right" } => ({ title, align: "right" });
console.log(
  table(
    [{ title: "data sets" }, right("number"), right("ONNX Runtime 1.30"), ...executors.map(right), right("inputs bound")],
    CLASSES.map((of) => {
      const members = sets.filter((set) => isIn(set.name, of));
      return [
        TITLES[of],
        members.length,
        of === "all" ? "–" : members.filter((set) => set.baseline === "pass").length,
        ...executors.map((executor) => passed(executor, of)),
        results.filter((result) => isIn(result.name, of) && result.bound.length > 0).length,
      ];
    }),
  ),
);
for (const executor of executors) {
  const times = results.flatMap((result) => result.runs.filter((run) => run.executor === executor).map((run) => run.ms)).sort((a, b) => a - b);
  console.log(`${executor}: median ${formatMs(times[times.length >> 1] ?? 0)}, all ${formatMs(times.reduce((a, b) => a + b, 0))}`);
}
console.log(`${results.length} data sets in ${formatMs(performance.now() - start)}`);

if (options.verbose) for (const { name, runs } of results) for (const run of runs) if (!run.ok) console.log(`${name}  ${run.executor}: ${run.reason}`);
if (options.json) {
  const counts = Object.fromEntries(executors.map((executor) => [executor, Object.fromEntries(CLASSES.map((of) => [of, passed(executor, of)]))]));
  const classed = results.map((result) => ({ ...result, class: classOf.get(result.name) }));
  writeFileSync(options.json, `${JSON.stringify({ executors, counts, sets: classed }, null, 1)}\n`);
}
if (options.coverage) writeFileSync(options.coverage, `${JSON.stringify(coverageOf(sets, results), null, 1)}\n`);
if (expected) {
  const isWhole = sets.length === whole.length;
  const findings = judge(results, expected, isWhole ? { counts: passed, executors, isComplete: ALL.every((name) => executors.includes(name)) } : undefined);
  for (const finding of findings) console.log(finding);
  process.exitCode = findings.length > 0 ? 4 : 0;
}

/** Several at a time: the C compiler is a process of its own. */
async function runAll(list: readonly DataSet[]): Promise<SetResult[]> {
  const found: SetResult[] = [];
  const queue = list.entries();
  const worker = async (): Promise<void> => {
    for (const [i, set] of queue) {
      found[i] = await runSet(set, executors);
      if (process.stderr.isTTY) process.stderr.write(`\r${i + 1} of ${list.length} `);
    }
  };
  await Promise.all(
    Array.from({ length: executors.some((name) => ["native", "guarded", "sanitized"].includes(name)) ? availableParallelism() + 1 : 1 }, worker),
  );
  if (process.stderr.isTTY) process.stderr.write("\r");
  return found;
}

/** `count` of a list, evenly spread. */
function sampled<T>(list: readonly T[], count: number): readonly T[] {
  if (count >= list.length) return list;
  return Array.from({ length: count }, (_, i) => list[Math.floor((i * list.length) / count)]!);
}
