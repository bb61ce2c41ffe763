import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { COMMANDS } from "../../src/cli/commands.ts";
import { ENVELOPES, schemaFiles } from "../../src/cli/schemas.ts";
import { preparedFolder, WRONG_MATHS } from "./prepared-folder.ts";
import { neo } from "./run-neo.ts";

const SCHEMAS = fileURLToPath(new URL("../../schemas/", import.meta.url));

/** Runs whose documents must fit the schemas: each command at least once well and once badly. */
const RUNS: [run: string, code: number, preload?: string][] = [
  ["compile good.onnx -t wasm -o out.neo", 0],
  ["compile good.onnx -t wasm --sign key.key -o out2.neo", 0],
  ["compile good.onnx -t wasm --emit wasm -o src", 0],
  ["compile good.onnx -t wasm --stop-after import", 0],
  ["compile good.onnx -t wasm --stop-after dead-code -o part.nir --dump-ir after-each:ir", 0],
  ["compile strange.onnx -t wasm", 3],
  ["compile good.onnx -t wasm -o -", 2],
  ["compile --no-such-flag", 2],
  ["run good.neo --allow-unsigned --output results", 0],
  ["run good.neo --allow-unsigned --check", 0],
  ["run good.onnx --executor interpreter", 0],
  ["run good.onnx --executor interpreter --check", 0],
  ["run tampered.neo --allow-unsigned", 5],
  ["run good.neo --allow-unsigned --input x=1", 2],
  ["check good.onnx -t wasm", 0],
  ["check strange.onnx -t wasm", 3],
  ["check good.onnx -t wasm --assert-latency p50<100s", 0],
  ["check good.onnx -t wasm --assert-op-count Mul=7", 4],
  ["inspect good.onnx --cost --memory --data -t wasm", 0],
  ["inspect good.onnx --html g.html --heat memory", 0],
  ["inspect open.onnx", 0],
  ["inspect good.neo", 0],
  ["inspect cut.onnx", 3],
  ["verify signed.neo --trust key.pub --self-test", 0],
  ["verify signed.neo --trust other.pub", 5],
  ["verify tampered.neo --allow-unsigned", 5],
  ["verify wrong.neo --allow-unsigned --self-test", 4],
  ["sign good.neo --key key.key -o again.neo", 0],
  ["sign none.neo --key key.key", 6],
  ["keygen -o fresh", 0],
  ["keygen -o key", 2],
  ["bench good.neo --allow-unsigned --warmup-ms 1 --min-runs 3 --max-secs 0.01 --memory --percentiles 50,99.9 --export samples.json", 0],
  ["bench good.neo --allow-unsigned --concurrency 2,1 --warmup-ms 1 --min-runs 3 --max-secs 0.01 --percentiles 50 --export levels.json", 0],
  ["bench foreign.neo --allow-unsigned", 3],
  ["compare good.onnx good.neo --allow-unsigned --mode passes --topk 2 --save-heatmap heat", 0],
  ["compare good.onnx good.neo --allow-unsigned --mode isolated --bisect part.nir", 0],
  ["compare good.onnx good.neo --allow-unsigned --mode cumulative --bisect part.nir", 4, WRONG_MATHS],
  ["compare good.onnx good.neo --allow-unsigned --max-abs 1e-9", 4, WRONG_MATHS],
  ["opt good.nir --passes canonicalize", 0],
  ["opt bad.nir", 3],
  ["selftest --random-graphs 2 --executors passes", 0],
  ["selftest --executors abacus", 2],
  ["targets", 0],
  ["targets surplus", 2],
  ["ops", 0],
  ["ops --frontend onnx", 0],
  ["ops --frontend caffe", 2],
  ["explain NEO2004", 0],
  ["explain", 0],
  ["explain NEO1", 0],
  ["explain NEO0000", 2],
  ["doctor", 0],
  ["doctor --no-such-flag", 2],
  ["config --resolved", 0],
  ["config compil", 2],
  ["completion fish", 0],
  ["completion tcsh", 2],
];

let folder: Awaited<ReturnType<typeof preparedFolder>>;
beforeAll(async () => {
  folder = await preparedFolder();
}, 180_000);
afterAll(() => folder.remove());

describe("--json prints one document that fits the schema of its command", () => {
  test.concurrent.each(RUNS)("%s → %d", async (run, code, preload) => {
    const words = run.split(" ");
    const result = await neo([...words, "--json"], { cwd: folder.path, ...(preload ? { preload } : {}) });
    expect(result.code, result.stderr).toBe(code);
    expect(result.stdout.endsWith("}\n")).toBe(true);
    const document = JSON.parse(result.stdout) as { exitCode: number; ok: boolean; diagnostics: readonly unknown[] };
    expect(document.exitCode).toBe(code);
    expect(document.diagnostics.length > 0).toBe(code !== 0);
    expect(ENVELOPES.get(words[0]!)!.safeParse(document).error?.issues ?? []).toEqual([]);
    const shipped = z.fromJSONSchema(JSON.parse(readFileSync(join(SCHEMAS, `${words[0]}.schema.json`), "utf8")) as Parameters<typeof z.fromJSONSchema>[0]);
    expect(shipped.safeParse(document).error?.issues ?? []).toEqual([]);
  });

  test("and every command is among them, once well and once badly", () => {
    for (const { name } of COMMANDS) {
      const codes = RUNS.filter(([run]) => run.split(" ")[0] === name).map(([, code]) => code);
      expect([name, codes.includes(0), codes.some((code) => code !== 0)]).toEqual([name, true, true]);
    }
  });
});

test("the shipped schemas are those of src/cli/schemas.ts", () => {
  const files = schemaFiles();
  expect(readdirSync(SCHEMAS).sort()).toEqual([...files.keys()].sort());
  for (const [name, text] of files) expect(readFileSync(join(SCHEMAS, name), "utf8"), "npm run schemas renews it").toBe(text);
});

test("a field that the schema doesn't name is a finding here, and none for users", () => {
  const document = {
    schema: "urn:neo-edge:schema:completion:1",
    neo: "0.1.0",
    command: "completion",
    ok: true,
    exitCode: 0,
    diagnostics: [],
    result: { shell: "bash", script: "", more: 1 },
  };
  expect(ENVELOPES.get("completion")!.safeParse(document).success).toBe(false);
  expect(z.fromJSONSchema(JSON.parse(schemaFiles().get("completion.schema.json")!) as Parameters<typeof z.fromJSONSchema>[0]).safeParse(document).success).toBe(
    true,
  );
});
