/**
 * Runs the golden cases of a corpus folder through the executors and prints a table by format.
 *
 *   npm run corpus -- --root DIR [--only PATTERN] [--executors interpreter,native,wasm,guarded,sanitized,guardedWasm] [--expect FILE] [--json FILE]
 *
 * Exit 4 if a case falls short that `--expect` (case → reason) does not list, or one that it lists passes.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { formatMs, table } from "../../src/support/table.ts";
import { EXECUTORS } from "../executors/executors.ts";
import { runCase, type CaseResult, type Executor } from "./case.ts";
import { goldenCases } from "./golden.ts";
import { upstreamCases } from "./upstream.ts";

const PROJECT = join(dirname(fileURLToPath(import.meta.url)), "../..");
const ALL: readonly Executor[] = ["interpreter", "native", "wasm"];

const { values: options } = parseArgs({
  options: {
    root: { type: "string" },
    only: { type: "string" },
    executors: { type: "string" },
    expect: { type: "string" },
    json: { type: "string" },
    verbose: { type: "boolean" },
  },
});

if (!options.root) {
  console.error(
    "usage: npm run corpus -- --root DIR [--only PATTERN] [--executors interpreter,native,wasm,guarded,sanitized,guardedWasm] [--expect FILE] [--json FILE]",
  );
  process.exit(2);
}

const executors = options.executors ? EXECUTORS.filter((name) => options.executors!.split(",").includes(name)) : ALL;
const only = options.only ? new RegExp(options.only) : undefined;
const expected = options.expect ? (JSON.parse(readFileSync(options.expect, "utf8")) as Record<string, string>) : {};
const cases = [...goldenCases(options.root), ...upstreamCases(options.root)].filter((golden) => !only || only.test(golden.name));

const results: CaseResult[] = [];
for (const golden of cases) {
  const result = await runCase(golden, options.root, PROJECT, executors);
  results.push(result);
  if (options.verbose || result.state === "short") {
    const worst = result.runs
      .map(
        (run) =>
          `${run.executor} ${run.comparison ? `max abs ${run.comparison.maxAbs.toExponential(1)} (${(100 * run.comparison.ofAllowed).toFixed(0)} % of allowed)` : run.reason}`,
      )
      .join("; ");
    console.error(`${result.state.padEnd(6)} ${golden.name}  ${result.reason ?? worst}`);
  }
}

const formats = [...new Set(results.map((r) => r.format))].sort();
const count = (format: string, state: CaseResult["state"]): number => results.filter((r) => r.format === format && r.state === state).length;
const rows = formats.map((format) => {
  const worst = executors.map((executor) => {
    const runs = results.filter((r) => r.format === format && r.state === "ok").flatMap((r) => r.runs.filter((run) => run.executor === executor));
    return runs.length === 0 ? "–" : Math.max(...runs.map((run) => run.comparison?.maxAbs ?? 0)).toExponential(1);
  });
  return [
    format,
    count(format, "ok"),
    count(format, "short"),
    count(format, "no importer"),
    count(format, "not installed"),
    ...worst,
    formatMs(results.filter((r) => r.format === format).reduce((n, r) => n + r.ms, 0)),
  ];
});
const right = (title: string): { title: string; align: "right" } => ({ title, align: "right" });
console.log(
  table(
    [
      { title: "format" },
      right("ok"),
      right("short"),
      right("no importer"),
      right("not installed"),
      ...executors.map((e) => right(`max abs ${e}`)),
      right("time"),
    ],
    rows,
  ),
);

const short = results.filter((r) => r.state === "short");
const unlisted = short.filter((r) => expected[r.name] === undefined);
const healed = results.filter((r) => r.state === "ok" && expected[r.name] !== undefined);
for (const r of unlisted) console.log(`falls short: ${r.name}: ${r.reason ?? ""}`);
for (const r of healed) console.log(`listed as falling short, but passes: ${r.name}`);
if (options.json) writeFileSync(options.json, `${JSON.stringify({ executors, cases: results }, null, 1)}\n`);
console.log(
  `${results.filter((r) => r.state === "ok").length} passed, ${unlisted.length} failed, ${short.length - unlisted.length + results.filter((r) => r.state === "no importer" || r.state === "not installed").length} skipped`,
);
process.exitCode = unlisted.length + healed.length > 0 ? 4 : 0;
