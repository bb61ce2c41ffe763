/**
 * Times tree kernels against all peers that are installed, interleaved in one process on one core, and writes the first part of
 * bench/RESULTS.md. Peers are optional: those whose files are not there are left out.
 *
 *   python3.11 -m venv bench/.cache/venv && bench/.cache/venv/bin/pip install -r bench/tree-peers/requirements.txt
 *   bench/.cache/venv/bin/python bench/tree-peers/prepare.py bench/.cache/trees --peers
 *   npx tsx bench/tree-peers/run.ts [--models a,b,c] [--seconds 12] [--write]
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { lower } from "../../src/backends/lower.ts";
import { emitWasm } from "../../src/backends/wasm/emit.ts";
import { WeightPool } from "../../src/backends/weight-pool.ts";
import { targetByName } from "../../src/target-by-name.ts";
import { runtimeLibrary } from "../native.ts";
import { writeResults } from "../results.ts";
import { compileTrees, ensembleIn, graphOf, type TreeModel } from "./compiled.ts";
import { onnxOf } from "./onnx.ts";
import { leadTable, sizesTable, timesTable, type Line, type Size } from "./tables.ts";

const here = fileURLToPath(new URL(".", import.meta.url));
const cache = join(here, "../.cache");
const folder = join(cache, "trees");
const { values } = parseArgs({
  options: { models: { type: "string" }, seconds: { type: "string" }, target: { type: "string" }, peers: { type: "string" }, write: { type: "boolean" } },
});
const BATCHES = [1, 100, 1000] as const;
const seconds = values.seconds ?? "12";
const target = await targetByName(values.target ?? "host");
const models = (values.models?.split(",") ?? readdirSync(folder).flatMap((file) => /^(\w+)\.margins$/.exec(file)?.[1] ?? [])).sort();

const scratch = mkdtempSync(join(tmpdir(), "neo-trees-"));
const lines: Line[] = [];
const sizes: Size[] = [];
try {
  const harness = join(scratch, "peers");
  execFileSync("gcc", ["-O2", join(here, "peers.c"), "-o", harness, "-ldl", "-lm"]);
  for (const name of models) lines.push(...(await timeModel(name, harness)));
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
const text = [
  "## Trees: the lead over the fastest peer",
  "",
  `${new Date().toISOString().slice(0, 10)}, ${cpus()[0]!.model.trim()}, target ${target.name}. One thread on one pinned core; contenders take turns in one process, calls go over 10,000 different rows, and time is that of the thread alone (the machine is shared: leads are of minima).`,
  "Per model 1 / 100 / 1,000 rows a call. Models: a 100 trees of depth 6 (XGBoost, binary), b 500 of depth 8 (regression), c 1,000 of depth 6 (ten classes), d and e 200 trees of 31 and 255 leaves (LightGBM, f64). Raw scores are compared with the trainer's own over all rows.",
  "",
  "```",
  "python3.11 -m venv bench/.cache/venv && bench/.cache/venv/bin/pip install -r bench/tree-peers/requirements.txt",
  "bench/.cache/venv/bin/python bench/tree-peers/prepare.py bench/.cache/trees --peers",
  "npx tsx bench/tree-peers/run.ts --write",
  "```",
  "",
  leadTable(lines),
  "",
  timesTable(lines),
  "",
  "What a model takes: data of a form by node of the trees, code, and the time from its file to both.",
  "",
  sizesTable(sizes),
].join("\n");
console.log(text);
if (values.write) writeResults("trees", text);

async function timeModel(name: string, harness: string): Promise<Line[]> {
  const file = [`${name}.json`, `${name}.txt`].find((candidate) => existsSync(join(folder, candidate)))!;
  const model: TreeModel = { name, file, bytes: readFileSync(join(folder, file)) };
  const isDouble = file.endsWith(".txt");
  const ensemble = ensembleIn(graphOf(model, 1));
  const ours: string[] = [];
  for (const rows of BATCHES) {
    const made = await compileTrees(model, rows, target, scratch);
    ours.push(made.weights, made.object);
    sizes.push({
      model: name,
      rows,
      nodes: ensemble.features.length + ensemble.leafNodes.length,
      data: made.weightBytes,
      object: made.objectBytes.length,
      source: made.sourceBytes,
      milliseconds: made.milliseconds,
      wasm: await wasmTime(model, rows),
      peers: existsSync(join(folder, `${name}.peers.json`)) ? (JSON.parse(readFileSync(join(folder, `${name}.peers.json`), "utf8")) as Size["peers"]) : {},
    });
  }
  const onnx = join(scratch, `${name}.onnx`);
  writeFileSync(onnx, onnxOf(ensemble, 50));
  const contender = (label: string, kind: string, ...paths: (string | undefined)[]): string[] =>
    paths.every((path) => path !== undefined && existsSync(path)) && (kind === "neo" || !values.peers || values.peers.split(",").includes(label))
      ? [`${label}=${kind}:${paths.join(",")}`]
      : [];
  const source = join(folder, file);
  const own = contender("neo", "neo", ...ours);
  const groups = [
    [
      ...own,
      ...(isDouble ? contender("lightgbm-4.7.0", "lightgbm", inVenv("lightgbm/lib/lib_lightgbm.so"), source) : []),
      ...contender("onnxruntime-1.30.0", "onnx", runtimeLibrary(), onnx),
      ...contender("lleaves-1.3.0", "lleaves", join(folder, `${name}.lleaves.so`)),
      ...contender("tl2cgen-1.0.0", "tl2cgen", join(folder, `${name}.tl2cgen0.so`)),
      ...contender("tl2cgen-1.0.0-quantize", "tl2cgen", join(folder, `${name}.tl2cgen1.so`)),
      ...(isDouble ? [] : contender("xgboost-3.4.1", "xgboost", join(cache, "xgboost-3.4.1/xgboost/lib/libxgboost.so"), source)),
    ],
    // Two versions of one library do not live in one process.
    isDouble ? [] : [...own, ...contender("xgboost-1.7.6", "xgboost", inVenv("xgboost/lib/libxgboost.so"), source)],
  ];
  return groups
    .filter((group) => group.length > (group === groups[0] ? 0 : 1))
    .flatMap((group) => {
      const args = [
        join(folder, `${name}.rows`),
        join(folder, `${name}.margins`),
        "50",
        String(ensemble.base.length),
        isDouble ? "f64" : "f32",
        seconds,
        ...group,
      ];
      const out = execFileSync("taskset", ["-c", "1", harness, ...args], { encoding: "utf8", env: { ...process.env, OMP_NUM_THREADS: "1" } });
      return out
        .trim()
        .split("\n")
        .map((line): Line => {
          const [contender, batch, min, p10, median, error, other] = line.split(" ") as [string, ...string[]];
          return {
            model: name,
            contender,
            run: groups.indexOf(group),
            batch: Number(batch),
            min: Number(min),
            p10: Number(p10),
            median: Number(median),
            error: Number(error),
            other: Number(other),
          };
        });
    });
}

/** From the file to a WebAssembly module. */
async function wasmTime(model: TreeModel, rows: number): Promise<number> {
  const start = performance.now();
  const profile = await targetByName("wasm");
  await emitWasm(lower(graphOf(model, rows), profile, new WeightPool()).program, profile);
  return performance.now() - start;
}

function inVenv(path: string): string | undefined {
  const libraries = join(cache, "venv/lib");
  const python = existsSync(libraries) ? readdirSync(libraries).find((name) => name.startsWith("python")) : undefined;
  return python && join(libraries, python, "site-packages", path);
}
