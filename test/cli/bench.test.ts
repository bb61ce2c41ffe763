import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { tensor } from "../../src/ir/tensor.ts";
import { findCompilers } from "../../src/support/node/compilers.ts";
import { node, value, writeOnnx } from "../fixtures/onnx-writer.ts";
import { goodModel } from "./models.ts";
import { neo, testFolder } from "./run-neo.ts";

const [compiler] = await findCompilers();

/** y = x * w, large enough for a run to be long beside the clock. */
function product(): Uint8Array {
  return writeOnnx({
    nodes: [node("MatMul", ["x", "w"], ["y"])],
    inputs: [value("x", "f32", [128, 256])],
    outputs: [value("y", "f32", [128, 256])],
    initializers: {
      w: tensor(
        "f32",
        [256, 256],
        Float32Array.from({ length: 256 * 256 }, (_, i) => Math.sin(i)),
      ),
    },
  });
}

/** z = (x * wide) * narrow: the first product is 32 times the second. */
function twoProducts(): Uint8Array {
  const weights = (columns: number): ReturnType<typeof tensor> =>
    tensor(
      "f32",
      [256, columns],
      Float32Array.from({ length: 256 * columns }, (_, i) => Math.sin(i)),
    );
  return writeOnnx({
    nodes: [node("MatMul", ["x", "v"], ["y"], {}, { name: "wide" }), node("MatMul", ["y", "w"], ["z"], {}, { name: "narrow" })],
    inputs: [value("x", "f32", [128, 256])],
    outputs: [value("z", "f32", [128, 8])],
    initializers: { v: weights(256), w: weights(8) },
  });
}

interface Level {
  readonly sessions: number;
  readonly runs: number;
  readonly throughput: number;
  readonly firstMs: number;
  readonly ms: Readonly<Record<string, number>>;
}

const SHORT = ["--warmup-ms", "20", "--min-runs", "24", "--max-secs", "0.2"];

async function levelsOf(flags: readonly string[]): Promise<{ readonly levels: readonly Level[]; readonly samples: Readonly<Record<string, number[]>> }> {
  const folder = testFolder({ "m.onnx": product() });
  const { code, stdout, stderr } = await neo(["bench", "m.onnx", ...SHORT, ...flags, "--export", "s.json", "--json"], { cwd: folder.path });
  expect(code, stderr).toBe(0);
  const { result } = JSON.parse(stdout) as { result: { levels: Level[] } };
  return { levels: result.levels, samples: JSON.parse(readFileSync(join(folder.path, "s.json"), "utf8")) as Record<string, number[]> };
}

interface Step {
  readonly op: string;
  readonly nodes: readonly string[];
  readonly macs: number;
  readonly min: number;
  readonly p50: number;
  readonly share: number;
  readonly gflops: number;
  readonly roofline: number;
}

describe("bench --profile", () => {
  test.each([["wasm", false] as const, ["native", !compiler && process.env["CI"] !== "true"] as const])(
    "tells what each node costs beside what the machine gives: %s",
    async (executor, skip) => {
      if (skip) return;
      const folder = testFolder({ "m.onnx": twoProducts() });
      const { code, stdout, stderr } = await neo(["bench", "m.onnx", ...SHORT, "--profile", "--executor", executor, "--json"], { cwd: folder.path });
      expect(code, stderr).toBe(0);
      const { result } = JSON.parse(stdout) as {
        result: { nodes: Step[]; byType: { op: string; steps: number }[]; peaks: Record<string, number>; callMs: number };
      };
      const products = result.nodes.filter(({ op }) => op === "linear");
      expect(products.map(({ nodes, macs }) => [nodes.join("+"), macs])).toEqual([
        ["wide", 128 * 256 * 256],
        ["narrow", 128 * 256 * 8],
      ]);
      // A 32nd of the work takes less, however much else the machine does.
      expect(products[0]!.min).toBeGreaterThan(products[1]!.min);
      expect(products[0]!.share).toBeGreaterThan(0.5);
      expect(result.nodes.reduce((n, { share }) => n + share, 0)).toBeCloseTo(1, 6);
      expect(result.byType[0]).toMatchObject({ op: "linear", steps: 2 });
      expect(result.peaks["macsPerMs"]).toBeGreaterThan(1e5);
      expect(products[0]!.gflops).toBeCloseTo((2 * products[0]!.macs) / products[0]!.min / 1e6, 6);
      expect(products[0]!.roofline).toBeGreaterThan(0.05);
    },
  );

  test("a bundle must have been compiled for it", async () => {
    const folder = testFolder({ "m.onnx": twoProducts() });
    for (const [flags, file] of [[["--profile"], "p.neo"] as const, [[], "m.neo"] as const])
      expect((await neo(["compile", "m.onnx", "-t", "wasm", "--no-sign", "-o", file, ...flags], { cwd: folder.path })).code).toBe(0);
    const bench = async (...args: string[]): Promise<Awaited<ReturnType<typeof neo>>> =>
      neo(["bench", ...args, ...SHORT, "--allow-unsigned"], { cwd: folder.path });
    const plain = await bench("m.neo", "--profile");
    expect([plain.code, plain.stderr]).toEqual([2, expect.stringContaining("NEO1028")]);
    const profiled = await bench("p.neo", "--profile");
    expect(profiled.code, profiled.stderr).toBe(0);
    expect(profiled.stdout).toMatch(/wide .* % mac +linear/);
  });

  test("--kernel runs one step over and over", async () => {
    const folder = testFolder({ "m.onnx": twoProducts() });
    const run = async (name: string): Promise<Awaited<ReturnType<typeof neo>>> =>
      neo(["bench", "m.onnx", ...SHORT, "--executor", "wasm", "--kernel", name, "--json"], { cwd: folder.path });
    const { code, stdout, stderr } = await run("narrow");
    expect(code, stderr).toBe(0);
    const { result } = JSON.parse(stdout) as { result: { kernels: Step[] } };
    expect(result.kernels.filter(({ op }) => op === "linear").map(({ nodes }) => nodes)).toEqual([["narrow"]]);
    const unknown = await run("nothing");
    expect([unknown.code, unknown.stdout]).toEqual([2, expect.stringContaining("NEO1027")]);
  });
});

describe("bench --concurrency", () => {
  test.each([["wasm", false] as const, ["native", !compiler && process.env["CI"] !== "true"] as const])(
    "runs so many sessions at the same time: %s",
    async (executor, skip) => {
      if (skip) return;
      const { levels, samples } = await levelsOf(["--executor", executor, "--concurrency", "1:3"]);
      expect(levels.map(({ sessions }) => sessions)).toEqual([1, 2, 3]);
      for (const { sessions, runs, throughput, ms } of levels) {
        expect(runs).toBeGreaterThanOrEqual(24);
        expect(samples[sessions]).toHaveLength(runs);
        expect([ms["min"], ms["p50"], ms["p90"], ms["p95"], ms["p99"], ms["max"]]).toEqual(
          [ms["min"], ms["p50"], ms["p90"], ms["p95"], ms["p99"], ms["max"]].toSorted((a, b) => a! - b!),
        );
        // Little's law: rate times time is the number of runs under way.
        expect((throughput * ms["mean"]!) / 1000).toBeGreaterThan(0.6 * sessions);
        expect((throughput * ms["mean"]!) / 1000).toBeLessThan(1.05 * sessions);
      }
    },
  );

  test("takes lists and ranges with a step, each level once, in the order given", async () => {
    const { levels } = await levelsOf(["--executor", "wasm", "--concurrency", "2,1:3:2", "--percentiles", "10,50"]);
    expect(levels.map(({ sessions }) => sessions)).toEqual([2, 1, 3]);
    expect(Object.keys(levels[0]!.ms)).toEqual(["min", "mean", "p10", "p50", "max", "ci95"]);
  });

  test("shows a row a level", async () => {
    const folder = testFolder({ "m.onnx": product() });
    const { stdout } = await neo(["bench", "m.onnx", "--executor", "wasm", ...SHORT, "--concurrency", "1,2", "--memory"], { cwd: folder.path });
    expect(stdout).toMatch(/^sessions +runs +runs\/s +mean +p50 +p90 +p95 +p99 +max/m);
    expect(stdout).toMatch(/^ +1 +\d+ +\d/m);
    expect(stdout).toMatch(/^ +2 +\d+ +\d/m);
    expect(stdout).toMatch(/^most: \d\S* runs a second with \d sessions?/m);
    expect(stdout).toContain("in each of 2 sessions");
  });

  test("ends with the error of the thread it happened in", async () => {
    const folder = testFolder({ "m.onnx": goodModel() });
    const inThreads = (code: string) => `import { isMainThread } from "node:worker_threads"; if (!isMainThread) ${code}`;
    const run = (code: string) =>
      neo(["bench", "m.onnx", "--executor", "wasm", ...SHORT, "--concurrency", "2"], { cwd: folder.path, preload: inThreads(code) });
    const refused = await run(`WebAssembly.instantiate = async () => { throw new RangeError("no room"); };`);
    expect([refused.code, refused.stdout]).toEqual([3, ""]);
    expect(refused.stderr).toMatch(/^error NEO3056: .*\n.*no room\nhint: /);
    const bug = await run(`WebAssembly.instantiate = async () => { throw null; };`);
    expect([bug.code, bug.stderr]).toEqual([1, expect.stringMatching(/^error NEO9000: /)]);
    const gone = await run("process.exit(7);");
    expect([gone.code, gone.stderr]).toEqual([1, expect.stringMatching(/^error NEO9001: .*ended by itself, with 7/)]);
  });

  test("works from the sources too", () => {
    const folder = testFolder({ "m.onnx": goodModel() });
    const main = new URL("../../src/cli/main.ts", import.meta.url).href;
    const tsx = fileURLToPath(new URL("../../node_modules/tsx/dist/cli.mjs", import.meta.url));
    const words = ["bench", "m.onnx", "--executor", "wasm", ...SHORT, "--concurrency", "2", "--json"];
    const { stdout, stderr } = spawnSync(process.execPath, [tsx, "-e", `import("${main}").then(({ start }) => start())`, "--", "neo", ...words], {
      cwd: folder.path,
    });
    expect(JSON.parse(stdout.toString() || stderr.toString())).toMatchObject({ ok: true, result: { levels: [{ sessions: 2 }] } });
  }, 180_000);
});
