import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { COMMANDS } from "../../src/cli/commands.ts";
import { goodModel } from "./models.ts";
import { preparedFolder, WRONG_MATHS } from "./prepared-folder.ts";
import { neo, testFolder, type NeoOptions } from "./run-neo.ts";

/** Every command into every exit code that its help promises. */
interface Case {
  readonly run: string;
  readonly code: number;
  /** In stderr's first line, where there is one. */
  readonly error?: string;
  readonly input?: string;
  readonly preload?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Files that may have come into being. */
  readonly makes?: readonly string[];
}

const NO_SIMD = "WebAssembly.validate = () => false;";

const usage = (command: string, more = ""): Case => ({ run: `${command} ${more}`.trim() + " --no-such-flag", code: 2, error: "NEO1001" });
const missing = (command: string, more = ""): Case => ({ run: `${command} none.neo ${more}`.trim(), code: 6, error: "NEO6000" });
const limited = (command: string): Case => ({ run: `${command} good.onnx -t wasm --limit-nodes 1`, code: 7, error: "NEO7001" });
const strange = (command: string): Case => ({ run: `${command} strange.onnx -t wasm`, code: 3, error: "NEO2004" });

const CASES: readonly Case[] = [
  { run: "compile good.onnx -t wasm -o out.neo", code: 0, makes: ["out.neo"] },
  { run: "compile good.onnx -t wasm --no-sign", code: 0, makes: ["good.wasm.neo"] },
  { run: "compile good.onnx -t wasm --emit wasm -o src", code: 0, makes: ["src"] },
  { run: "compile good.onnx -t wasm --no-sign -o dumped.neo --dump-ir after-each:ir", code: 0, makes: ["dumped.neo", "ir"] },
  { run: "compile good.onnx -t wasm --stop-after import -o import.nir", code: 0, makes: ["import.nir"] },
  { run: "compile good.onnx -t wasm --dump-ir ir", code: 2, error: "NEO1023" },
  { run: "compile good.onnx -t wasm --state x=y --no-sign -o kept.neo", code: 0, makes: ["kept.neo"] },
  { run: "compile good.onnx -t wasm --bound y", code: 2, error: "NEO1025" },
  { run: "compile good.onnx -t wasm --bound y=9", code: 3, error: "NEO2010" },
  { run: "compile good.onnx -t wasm --state x", code: 2, error: "NEO1024" },
  { run: "compile good.onnx -t wasm --state x=z", code: 3, error: "NEO2014" },
  { run: "compile good.onnx -t wasm --print-ir-after nothing", code: 2, error: "NEO1015" },
  { run: "compile good.onnx -t wasm --dump-ir after-each:good.onnx", code: 6, error: "NEO6003" },
  { run: "compile good.onnx -t wasm --emit wasm -o good.onnx", code: 6, error: "NEO6003" },
  usage("compile", "good.onnx"),
  { run: "compile", code: 2, error: "NEO1001" },
  { run: "compile good.onnx --emit wasm,exe", code: 2, error: "NEO1014" },
  { run: "compile good.onnx -t wasm --stop-after nothing", code: 2, error: "NEO1015" },
  { run: "compile open.onnx -t wasm --shape N=many", code: 2, error: "NEO1010" },
  { run: "compile good.onnx -t wasm --set z=1", code: 2, error: "NEO1011" },
  { run: "compile good.onnx -t wasm --limit-nodes few", code: 2, error: "NEO1012" },
  { run: "compile good.onnx -t wasm --preprocess rgb", code: 2, error: "NEO1013" },
  { run: "compile good.onnx -t wasm -o - --json", code: 2, error: "NEO1008" },
  { run: "compile garbage.onnx -t wasm", code: 3, error: "NEO2000" },
  { run: "compile cut.onnx -t wasm", code: 3, error: "NEO2001" },
  { run: "compile empty.onnx -t wasm", code: 3, error: "NEO2000" },
  { run: "compile open.onnx -t wasm", code: 3 },
  { run: "compile good.onnx -t wsam", code: 3, error: "NEO3000" },
  strange("compile"),
  { run: "compile good.onnx -t arm64", code: 3, error: "NEO3010", env: { PATH: "/none" } },
  { run: "compile good.onnx -t wasm --sign other.onnx", code: 5, error: "NEO5005" },
  missing("compile", "-t wasm"),
  { run: "compile good.onnx -t wasm -o nowhere/out.neo", code: 6, error: "NEO6000" },
  { run: "compile good.onnx -t wasm -o folder", code: 6, error: "NEO6003" },
  limited("compile"),

  { run: "run signed.neo --trust key.pub --input 1,2,3,4", code: 0 },
  { run: "run good.neo --allow-unsigned --output out.npz", code: 0, makes: ["out.npz"] },
  { run: "run good.onnx --executor wasm --input random:7 --output out", code: 0, makes: ["out"] },
  { run: "run good.onnx --executor interpreter --input 1,2,3,4", code: 0 },
  { run: "run good.neo --executor interpreter", code: 2, error: "NEO1022" },
  { run: "run good.onnx --executor interpreter,wasm", code: 2, error: "NEO1019" },
  { run: "run good.onnx --executor interpreter --input z=1", code: 2, error: "NEO1050" },
  { run: "run good.onnx --executor interpreter --input x=1,2", code: 2, error: "NEO1052" },
  { run: "run strange.onnx --executor interpreter", code: 3, error: "NEO2004" },
  usage("run", "good.neo"),
  { run: "run good.neo --allow-unsigned --input z=1", code: 2, error: "NEO1050" },
  { run: "run good.neo --allow-unsigned --input x=1,2", code: 2, error: "NEO1052" },
  { run: "run good.neo --allow-unsigned --input x=one", code: 2, error: "NEO1020" },
  { run: "run good.neo --allow-unsigned --executor quick", code: 2, error: "NEO1019" },
  { run: "run -", code: 2, error: "NEO1018", input: "good.onnx" },
  { run: "run good.neo --allow-unsigned --input x=@cut.npy", code: 3, error: "NEO2012" },
  { run: "run good.neo --allow-unsigned --input x=@cut.npz", code: 3, error: "NEO2013" },
  { run: "run foreign.neo --allow-unsigned", code: 3, error: "NEO3050" },
  { run: "run good.neo", code: 5, error: "NEO5004" },
  { run: "run good.neo --trust key.pub", code: 5 },
  { run: "run signed.neo --trust other.pub", code: 5 },
  { run: "run tampered.neo --trust key.pub", code: 5 },
  { run: "run tampered.neo --allow-unsigned", code: 5 },
  { run: "run cut.neo --allow-unsigned", code: 5, error: "NEO5000" },
  missing("run"),
  { run: "run good.neo --allow-unsigned --input x=@none.npy", code: 6, error: "NEO6000" },
  limited("run"),

  { run: "check good.onnx -t wasm --assert-op-only Mul,Add,Tanh", code: 0 },
  usage("check", "good.onnx"),
  { run: "check good.onnx -t wasm --assert-size 64", code: 2, error: "NEO1017" },
  strange("check"),
  { run: "check good.onnx -t wasm --assert-latency p99<5", code: 2, error: "NEO1017" },
  { run: "check good.onnx -t wasm --assert-latency p101<5ms", code: 2, error: "NEO1017" },
  { run: "check good.onnx -t wasm --assert-latency min<0.00001us", code: 4, error: "NEO4002" },
  { run: "check good.onnx -t wasm --assert-op-count Conv=9", code: 4, error: "NEO4002" },
  missing("check", "-t wasm"),
  limited("check"),

  { run: "inspect good.onnx", code: 0 },
  { run: "inspect good.onnx --cost --memory --data -t wasm", code: 0 },
  { run: "inspect signed.neo", code: 0 },
  { run: "inspect good.onnx --html g.html --svg g.svg --dot g.dot", code: 0, makes: ["g.html", "g.svg", "g.dot"] },
  { run: "inspect good.neo --html n.html", code: 2, error: "NEO1022" },
  usage("inspect", "good.onnx"),
  { run: "inspect cut.onnx", code: 3, error: "NEO2001" },
  { run: "inspect tampered.neo", code: 5 },
  missing("inspect"),
  limited("inspect"),

  { run: "verify signed.neo --trust key.pub --self-test", code: 0 },
  { run: "verify -", code: 5, input: "good.neo" },
  usage("verify", "good.neo"),
  { run: "verify foreign.neo --allow-unsigned --self-test", code: 3, error: "NEO3050" },
  { run: "verify wrong.neo --allow-unsigned --self-test", code: 4, error: "NEO4001" },
  { run: "verify tampered.neo --trust key.pub", code: 5 },
  missing("verify", "--allow-unsigned"),

  { run: "sign good.neo --key key.key -o out.neo", code: 0, makes: ["out.neo"] },
  usage("sign", "good.neo"),
  { run: "sign good.neo", code: 2, error: "NEO1007" },
  { run: "sign tampered.neo --key key.key -o out.neo", code: 5 },
  { run: "sign good.neo --key good.onnx -o out.neo", code: 5, error: "NEO5005" },
  missing("sign", "--key key.key"),
  { run: "sign good.neo --key none.key", code: 6, error: "NEO6000" },

  { run: "keygen -o fresh", code: 0, makes: ["fresh.key", "fresh.pub"] },
  usage("keygen"),
  { run: "keygen -o key", code: 2, error: "NEO1006" },
  { run: "keygen -o good.onnx/key", code: 6 },

  { run: "bench good.onnx --executor wasm --warmup-ms 1 --min-runs 5 --max-secs 0.01 --export out.json", code: 0, makes: ["out.json"] },
  usage("bench", "good.neo"),
  { run: "bench good.onnx --executor wasm --max-secs long", code: 2, error: "NEO1012" },
  { run: "bench good.onnx --executor wasm --percentiles 50,101", code: 2, error: "NEO1012" },
  { run: "bench good.neo --allow-unsigned --concurrency 1:2 --warmup-ms 1 --min-runs 3 --max-secs 0.01", code: 0 },
  ...["0", "4:1", "1:2:0", "1:300", "two"].map((levels) => ({ run: `bench good.neo --allow-unsigned --concurrency ${levels}`, code: 2, error: "NEO1012" })),
  { run: "bench good.neo --allow-unsigned --export nowhere/samples.json --warmup-ms 1 --min-runs 3 --max-secs 0.01", code: 6, error: "NEO6000" },
  { run: "bench foreign.neo --allow-unsigned", code: 3, error: "NEO3050" },
  { run: "bench tampered.neo --allow-unsigned", code: 5 },
  missing("bench"),
  limited("bench"),
  { run: "bench good.neo --allow-unsigned", code: 1, error: "NEO9000", preload: "process.memoryUsage = () => { throw new TypeError('planted') };" },

  { run: "compare good.onnx good.neo --allow-unsigned --max-abs 1e-4", code: 0 },
  { run: "compare good.onnx --executor wasm --mode passes", code: 0 },
  { run: "compare good.onnx --executor wasm --mode isolated --bisect good.part.nir", code: 0 },
  { run: "compare good.nir --executor wasm --mode cumulative", code: 0 },
  { run: "compare good.onnx --executor wasm --save-heatmap heat.png", code: 0, makes: ["heat.png"] },
  { run: "compare two.onnx --executor wasm --save-heatmap two.png", code: 2, error: "NEO1026" },
  { run: "compare good.onnx --executor wasm --save-heatmap nowhere/heat.png", code: 6, error: "NEO6000" },
  { run: "compare good.neo good.neo --allow-unsigned --mode isolated", code: 2, error: "NEO1022" },
  { run: "compare good.onnx --executor wasm --per-output z:max-abs=1", code: 2, error: "NEO1021" },
  { run: "compare good.onnx --executor wasm --mode isolated", code: 4, error: "NEO4006", preload: WRONG_MATHS },
  { run: "compare good.onnx --executor wasm --bisect nowhere/part.nir", code: 6, preload: WRONG_MATHS },
  usage("compare", "good.onnx"),
  { run: "compare strange.onnx good.neo --allow-unsigned", code: 3, error: "NEO2004" },
  { run: "compare good.onnx good.neo --allow-unsigned --max-abs 1e-4", code: 4, error: "NEO4003", preload: WRONG_MATHS },
  { run: "compare other.onnx good.neo --allow-unsigned", code: 4, error: "NEO4004" },
  { run: "compare good.onnx tampered.neo --allow-unsigned", code: 5 },
  missing("compare"),
  limited("compare"),

  { run: "opt good.nir --passes canonicalize", code: 0 },
  usage("opt", "good.nir"),
  { run: "opt good.nir --passes nothing", code: 2, error: "NEO1015" },
  { run: "opt bad.nir", code: 3, error: "NEO2050" },
  missing("opt"),

  { run: "selftest --random-graphs 3 --executors passes", code: 0 },
  usage("selftest"),
  { run: "selftest --executors abacus", code: 2, error: "NEO1019" },
  { run: "selftest --random-graphs 12 --executors wasm", code: 4, error: "NEO4005", preload: WRONG_MATHS },

  { run: "targets", code: 0 },
  usage("targets"),
  { run: "ops --frontend onnx", code: 0 },
  { run: "ops --frontend caffe", code: 2, error: "NEO1016" },
  { run: "explain NEO2004", code: 0 },
  { run: "explain 2", code: 0 },
  { run: "explain", code: 0 },
  { run: "explain NEO2994", code: 2, error: "NEO1004" },
  { run: "doctor", code: 0 },
  usage("doctor"),
  { run: "doctor", code: 3, preload: NO_SIMD },
  { run: "config", code: 0 },
  { run: "config bench --resolved", code: 0 },
  { run: "config compil", code: 2, error: "NEO1001" },
  { run: "config", code: 2, error: "NEO1003", env: { NEO_PROGRESS: "loud" } },
  { run: "config --config none.json", code: 6, error: "NEO6001" },
  { run: "completion bash", code: 0 },
  { run: "completion tcsh", code: 2, error: "NEO1005" },
];

let shared: Awaited<ReturnType<typeof preparedFolder>>;
const inShared = (args: string, more: Partial<NeoOptions> = {}) => neo(args.split(" "), { cwd: shared.path, ...more });
afterAll(() => shared.remove());

beforeAll(async () => {
  shared = await preparedFolder();
}, 180_000);

describe("every command ends as it says", () => {
  test.concurrent.each(CASES.map((c) => [`${c.run} → ${c.code}${c.error ? ` ${c.error}` : ""}`, c] as const))(
    "%s",
    async (_, { run, code, error, input, preload, env, makes = [] }) => {
      const before = shared.list().filter((name) => !name.endsWith(".tmp")); // of runs beside this one
      const result = await inShared(run, {
        ...(input ? { input: readFileSync(join(shared.path, input)) } : {}),
        ...(preload ? { preload } : {}),
        ...(env ? { env } : {}),
      });
      expect(result.code, result.stderr).toBe(code);
      for (const name of makes) expect(existsSync(join(shared.path, name)), name).toBe(true);
      if (code === 0) {
        expect(result.stderr).not.toMatch(/error/);
        expect(result.stdout).not.toBe("");
        return;
      }
      if (run === "doctor") return;
      expect(result.stderr).toMatch(new RegExp(`^error ${error ?? `NEO${({ 2: 1, 3: "[23]" } as Record<number, unknown>)[code] ?? code}\\d{3}`}: \\S`, "m"));
      expect(result.stderr).toMatch(/^hint: \S/m);
      expect(result.stdout).not.toMatch(/error NEO/);
      if (code !== 1) expect(result.stderr).not.toMatch(/^\s+at .*:\d+/m);
      expect(before.filter((name) => !existsSync(join(shared.path, name)))).toEqual([]);
    },
  );

  test("and leaves nothing half-written", () => {
    expect(shared.list().filter((name) => name.endsWith(".tmp"))).toEqual([]);
    const made = CASES.filter((c) => c.code !== 0).flatMap((c) => /-o (\S+)/.exec(c.run)?.[1] ?? []);
    const allowed = new Set(CASES.flatMap((c) => c.makes ?? []));
    expect(made.filter((name) => !["folder", "good.onnx"].includes(name) && !allowed.has(name) && existsSync(join(shared.path, name)))).toEqual([]);
  });

  test("the table above has all of them", async () => {
    for (const { name, load } of COMMANDS) {
      const promised = Object.keys((await load()).exits).map(Number);
      const covered = new Set(CASES.filter((c) => c.run.split(" ")[0] === name).map((c) => c.code));
      expect([name, ...promised.filter((code) => !covered.has(code))]).toEqual([name]);
      expect([name, ...[...covered].filter((code) => code !== 1 && !promised.includes(code))]).toEqual([name]);
    }
  });
});

test("an interrupt ends with 130 and leaves nothing behind", async () => {
  const folder = testFolder({ "good.onnx": goodModel() });
  const args = ["bench", "good.onnx", "--executor", "wasm", "--warmup-ms", "60000", "--export", "out.json", "--progress", "json"];
  const result = await neo(args, { cwd: folder.path, interruptAfter: /timing/ });
  expect(result.code).toBe(130);
  expect(result.stdout).toBe("");
  expect(folder.list()).toEqual(["good.onnx"]);
});

test.skipIf(!existsSync("/dev/full"))("a full disk behind stdout is exit 6", async () => {
  const full = openSync("/dev/full", "w");
  const result = await inShared("targets", { stdout: full });
  closeSync(full);
  expect(result.code).toBe(6);
  expect(result.stderr).toMatch(/^error NEO6002: /);
});
