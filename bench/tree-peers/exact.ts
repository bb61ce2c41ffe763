/**
 * Exactness at large: a million rows a model with missing values, thresholds and their neighbours, infinities and numbers near zero,
 * on every form of code that this machine runs; every executor's bytes are those of the first, and of the interpreter of graphs on as
 * many rows as told.
 *
 *   npx tsx bench/tree-peers/exact.ts [--models a,b,c] [--rows 1048576] [--oracle 65536]
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { lower } from "../../src/backends/lower.ts";
import { printC } from "../../src/backends/c/print.ts";
import { emitWasm, wasmMemoryPlan } from "../../src/backends/wasm/emit.ts";
import { WeightPool } from "../../src/backends/weight-pool.ts";
import { interpret } from "../../src/ir/interpret.ts";
import { encodeData } from "../../src/ir/tensor.ts";
import { openSharedObject } from "../../src/session/node/shared-object.ts";
import { compileC } from "../../src/support/node/toolchain.ts";
import type { TargetProfile } from "../../src/target/profile.ts";
import { runWasm } from "../../test/executors/wasm.ts";
import { target } from "../../test/executors/targets.ts";
import { hardRows } from "../../test/fixtures/random-trees.ts";
import { ensembleIn, graphOf, type TreeModel } from "./compiled.ts";

const folder = join(fileURLToPath(new URL(".", import.meta.url)), "../.cache/trees");
const { values } = parseArgs({ options: { models: { type: "string" }, rows: { type: "string" }, oracle: { type: "string" } } });
const models = values.models?.split(",") ?? readdirSync(folder).flatMap((file) => /^(\w+)\.margins$/.exec(file)?.[1] ?? []);
const CHUNK = 16_384;
const chunks = Math.ceil(Number(values.rows ?? 1_048_576) / CHUNK);
const oracleChunks = Math.ceil(Number(values.oracle ?? 65_536) / CHUNK);

type Rows = Float32Array | Float64Array;
interface Executor {
  readonly name: string;
  close(): void;
  run(input: Uint8Array): Promise<Uint8Array>;
}

/** Vectors of 64 bytes in plain C: compilers make of them what this machine has. */
const wide: TargetProfile = { ...target("x86-64-v3"), name: "64-byte vectors", arch: "riscv64", vectorBytes: 64 };

for (const name of models) {
  const file = [`${name}.json`, `${name}.txt`].find((candidate) => existsSync(join(folder, candidate)))!;
  const model: TreeModel = { name, file, bytes: readFileSync(join(folder, file)) };
  const dtype = file.endsWith(".txt") ? "f64" : "f32";
  const ensemble = ensembleIn(graphOf(model, 1));
  // Two sizes: one row a call is walked, many go through blocks.
  const executors = [
    ...(await Promise.all([target("x86-64-v3"), target("x86-64-v2"), wide].map((profile) => native(model, profile, CHUNK)))),
    await native(model, target("x86-64-v3"), 7),
    await native(model, target("x86-64-v2"), 7),
    await inWasm(model, CHUNK),
  ];
  const differing = new Map([...executors.slice(1).map((executor) => executor.name), "interpreter"].map((of) => [of, 0]));
  for (let chunk = 0; chunk < chunks; chunk++) {
    const rows = hardRows(ensemble, dtype, CHUNK, 50, 100 + chunk);
    const [first, ...others] = executors;
    const wanted = await first!.run(bytesOf(rows));
    for (const other of others) differing.set(other.name, differing.get(other.name)! + differences(await other.run(bytesOf(rows)), wanted));
    if (chunk < oracleChunks) differing.set("interpreter", differing.get("interpreter")! + differences(oracle(model, rows), wanted));
  }
  executors.forEach((executor) => executor.close());
  console.log(
    `${name}: ${chunks * CHUNK} rows on ${executors[0]!.name}, differing bytes: ${[...differing].map(([of, count]) => `${of} ${count}`).join(", ")} (interpreter: ${oracleChunks * CHUNK} rows)`,
  );
}

function differences(a: Uint8Array, b: Uint8Array): number {
  if (Buffer.compare(a, b) === 0) return 0;
  return a.reduce((sum, byte, i) => sum + Number(byte !== b[i]), Math.abs(a.length - b.length));
}

function bytesOf(data: Rows): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

function oracle(model: TreeModel, rows: Rows): Uint8Array {
  const graph = graphOf(model, CHUNK);
  const [y] = interpret(graph, [{ type: graph.params[0]!.type as never, data: rows }]);
  return encodeData(y!.type.dtype, y!.data);
}

/** Runs a chunk by so many rows a call; what is left of it with the last call. */
async function native(model: TreeModel, profile: TargetProfile, rows: number): Promise<Executor> {
  const pool = new WeightPool();
  const { program } = lower(graphOf(model, rows), profile, pool);
  const { sources, headers } = printC(program, profile);
  const { bytes: object } = await compileC(sources, profile, { headers });
  const { engine, runnable } = await openSharedObject(object, program, pool.bytes(), []);
  return {
    name: `${profile.name}, ${rows} rows a call`,
    close: () => engine.close(),
    run: (input) => {
      const [inBytes, outBytes] = [runnable.inputs[0]!.length, runnable.outputs[0]!.length];
      const out = new Uint8Array(Math.ceil(input.length / inBytes) * outBytes + outBytes);
      const count = (CHUNK / rows) | 0;
      const each = outBytes / rows;
      for (let call = 0; call <= count; call++) {
        const first = Math.min(call * rows, CHUNK - rows);
        runnable.inputs[0]!.set(input.subarray((first * inBytes) / rows, ((first + rows) * inBytes) / rows));
        runnable.run();
        out.set(runnable.outputs[0]!, first * each);
      }
      return Promise.resolve(out.subarray(0, CHUNK * each));
    },
  };
}

async function inWasm(model: TreeModel, rows: number): Promise<Executor> {
  const pool = new WeightPool();
  const profile = target("wasm");
  const { program } = lower(graphOf(model, rows), profile, pool);
  const module = await emitWasm(program, profile);
  return { name: "wasm", close: () => {}, run: async (input) => (await runWasm(module, wasmMemoryPlan(program), program, pool.bytes(), [input]))[0]! };
}
