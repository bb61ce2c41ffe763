import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { lower } from "../../src/backends/lower.ts";
import { printC } from "../../src/backends/c/print.ts";
import { arithmeticProbe } from "../../src/backends/probes.ts";
import { WeightPool } from "../../src/backends/weight-pool.ts";
import { macsOf, optimize } from "../../src/compile.ts";
import { importModel } from "../../src/frontends/index.ts";
import { interpret } from "../../src/ir/interpret.ts";
import { allocate, type Tensor } from "../../src/ir/tensor.ts";
import { elementCount } from "../../src/ir/types.ts";
import type { Program } from "../../src/kernel/program.ts";
import { compileC } from "../../src/support/node/toolchain.ts";
import { targetByName } from "../../src/target-by-name.ts";
import { runtimeLibrary } from "../native.ts";

const here = fileURLToPath(new URL(".", import.meta.url));
export const cache = join(here, "../.cache");
/** The environment of requirements.txt, or whatever Python there is: peers that it lacks are left out. */
const python = ((own) => (existsSync(own) ? own : "python3"))(join(cache, "peers/bin/python"));

export interface Timed {
  readonly min: number;
  readonly p10: number;
  readonly median: number;
  readonly runs: number;
  /** The largest difference from the interpreter over max(1, largest value). */
  readonly error: number | null;
}

export interface Outcome {
  readonly model: string;
  readonly macs: number;
  readonly probeMacs: number;
  readonly times: Readonly<Record<string, Timed>>;
  readonly versions: Readonly<Record<string, string>>;
}

export interface JobOptions {
  readonly contenders: readonly string[];
  readonly seconds: number;
  /** `cpu` counts what the process computed: for a machine where others take the core in the middle of every run. */
  readonly clock: string;
}

export const folderOf = (name: string): string => {
  const folder = join(cache, "networks", name);
  mkdirSync(folder, { recursive: true });
  return folder;
};

/** Files of converters belong to the bytes they were made of: other bytes, a new folder. */
export function keepModel(name: string, bytes: Uint8Array): string {
  const folder = folderOf(`${name}.${createHash("sha256").update(bytes).digest("hex").slice(0, 8)}`);
  writeFileSync(join(folder, "model.onnx"), bytes);
  return folder;
}

export function convert(folder: string, ...more: string[]): void {
  execFileSync(python, [join(here, "convert.py"), ...more, folder], { stdio: ["ignore", "ignore", "inherit"] });
}

/** Compiles FOLDER/model.onnx, makes inputs and the interpreter's results, and times all contenders on core 1. */
export async function timeFolder(model: string, folder: string, options: JobOptions): Promise<Outcome> {
  const file = (name: string): string => join(folder, name);
  const target = await targetByName("host");
  const read = (): ReturnType<typeof importModel> => importModel(readFileSync(file("model.onnx")), { fileName: `${model}.onnx` });
  const source = read();
  const inputs = source.params.map(({ type }, i) => inputTensor(type as Tensor["type"], i));
  inputs.forEach(({ data }, i) => writeFileSync(file(`input${i}.bin`), new Uint8Array((data as Float32Array).buffer)));
  if (!existsSync(file("reference0.bin")))
    interpret(source, inputs).forEach(({ data }, i) =>
      writeFileSync(file(`reference${i}.bin`), new Uint8Array(Float64Array.from(data as ArrayLike<number>, Number).buffer)),
    );
  const graph = read();
  optimize(graph);
  const macs = macsOf(graph);
  const pool = new WeightPool();
  const { program } = lower(graph, target, pool);
  const write = async (name: string, program: Program, weights: Uint8Array): Promise<object> => {
    const { sources, headers } = printC(program, target);
    writeFileSync(file(`${name}.so`), (await compileC(sources, target, { headers })).bytes);
    writeFileSync(file(`${name}.weights`), weights);
    const ports = (list: Program["inputs"]): object[] => list.map(({ name, shape, dtype }) => ({ name, shape, dtype }));
    return { object: file(`${name}.so`), weights: file(`${name}.weights`), inputs: ports(program.inputs), outputs: ports(program.outputs) };
  };
  const probe = arithmeticProbe(target);
  const peak = await write("peak", probe.program, new Uint8Array(0));
  writeFileSync(file("peak0.bin"), new Uint8Array(new Float32Array(probe.program.inputs[0]!.bytes / 4).fill(0.5).buffer));
  execFileSync("gcc", ["-O2", "-shared", "-fPIC", join(here, "turns.c"), "-o", file("turns.so"), "-ldl"]);
  const job = {
    ...(await write("model", program, pool.bytes())),
    peak,
    folder,
    runtime: runtimeLibrary(),
    contenders: options.contenders,
    seconds: options.seconds,
    clock: options.clock,
    turn: 2,
  };
  writeFileSync(file("job.json"), JSON.stringify(job));
  const text = execFileSync("taskset", ["-c", "1", python, join(here, "take-turns.py"), file("job.json")], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  const line = text.trim().split("\n").at(-1)!;
  return { model, macs, probeMacs: probe.amount, ...(JSON.parse(line) as Pick<Outcome, "times" | "versions">) };
}

/** Seeded: between -1 and 1, or small whole numbers. */
function inputTensor(type: Tensor["type"], seed: number): Tensor {
  const data = allocate(type.dtype, elementCount(type.shape)) as Float32Array;
  let state = 12345 + seed;
  for (let i = 0; i < data.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const x = type.dtype === "f32" ? (2 * state) / 2 ** 32 - 1 : state >>> 31;
    data[i] = (typeof data[0] === "bigint" ? BigInt(x) : x) as number;
  }
  return { type, data };
}
