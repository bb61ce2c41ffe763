import { isLowered, lower } from "../backends/lower.ts";
import { printC } from "../backends/c/print.ts";
import { emitWasm, wasmMemoryPlan } from "../backends/wasm/emit.ts";
import { WasmInstance } from "../backends/wasm/run.ts";
import { WeightPool } from "../backends/weight-pool.ts";
import { optimize } from "../compile.ts";
import { hostFunctionOf } from "../backends/host-steps.ts";
import type { Graph, Op } from "../ir/graph.ts";
import { interpret } from "../ir/interpret.ts";
import { randomGraph } from "../ir/random-graph.ts";
import { printGraph } from "../ir/text/print.ts";
import { decodePort, encodePort } from "../ir/port-data.ts";
import type { Tensor } from "../ir/tensor.ts";
import { elementCount, isFloat } from "../ir/types.ts";
import { interpretProgram } from "../kernel/interpret-program.ts";
import { NeoError, type Note } from "../support/errors.ts";
import { openSharedObject } from "../session/node/shared-object.ts";
import { findCompilers } from "../support/node/compilers.ts";
import { hostCompiler } from "../support/node/toolchain.ts";
import { targetByName } from "../target-by-name.ts";
import { listOption, textOption, type CommandSpec, type Invocation } from "./command.ts";

const EXECUTORS = ["passes", "kernels", "native", "wasm"] as const;
type Executor = (typeof EXECUTORS)[number];

/** Chains of ops add up their tolerances; what is larger is a defect of ours. */
const TOLERANCE = 2e-4;

export const selftest: CommandSpec = {
  name: "selftest",
  args: [],
  options: [
    { flags: "--random-graphs <n>", text: "how many", fallback: "20" },
    { flags: "--seed <s>", text: "of the first graph; the others follow", fallback: "1" },
    { flags: "--executors <list>", text: `of ${EXECUTORS.join(", ")} (default: all that this machine has)` },
  ],
  examples: ["neo selftest", "neo selftest --random-graphs 500 --seed 7 --executors passes,wasm"],
  exits: { 0: "ok", 2: "usage", 4: "executors disagree" },
  async run({ options, env, reporter, cwd }) {
    const [count, first] = [Number(textOption(options, "randomGraphs")), Number(textOption(options, "seed"))];
    if (!Number.isSafeInteger(count) || !Number.isSafeInteger(first) || count < 1)
      throw new NeoError({ code: "NEO1012", message: "--random-graphs and --seed want whole numbers", hint: "for example --random-graphs 100 --seed 1" });
    const asked = listOption(options, "executors");
    const unknown = asked.find((word) => !EXECUTORS.includes(word as Executor));
    if (unknown) throw new NeoError({ code: "NEO1019", message: `--executors ${unknown}: there is no such executor`, hint: `one of ${EXECUTORS.join(", ")}` });
    const hasCompiler = env["NEO_CC"] !== undefined || (await findCompilers(env["PATH"] ?? "")).length > 0;
    const executors = EXECUTORS.filter((e) => (asked.length > 0 ? asked.includes(e) : e !== "native" || hasCompiler));
    const notes: Note[] = [];
    await reporter.stage(`${count} random graphs`, async () => {
      for (let seed = first; seed < first + count; seed++) {
        await new Promise((resolve) => setImmediate(resolve)); // an interrupt is heard between two graphs
        const { graph, inputs } = randomGraph(seed, { accepts: isCode });
        const text = printGraph(graph);
        const wanted = interpret(graph, inputs);
        optimize(graph, { verifyEach: true });
        for (const executor of executors) {
          const worst = distance(await execute(executor, graph, inputs, { cwd, env }), wanted);
          if (!(worst <= TOLERANCE))
            notes.push({ where: `seed ${seed}, ${executor}`, text: `differs by ${worst.toExponential(2)} of the largest value\n${text}` });
        }
      }
    });
    const result = { graphs: count, seed: first, executors, mismatches: notes.map((n) => n.where) };
    if (notes.length > 0)
      return {
        text: "",
        result,
        diagnostics: [
          new NeoError({
            code: "NEO4005",
            message: `${notes.length} of ${count * executors.length} runs differ from the interpreter`,
            notes: notes.map((n) => ({ where: n.where, text: n.text.split("\n")[0]! })),
            hint: "this is a bug in neo: please report the seed",
          }),
        ],
      };
    return { text: `${count} graphs from seed ${first} on: ${executors.join(", ")} agree with the interpreter`, result };
  },
};

async function execute(executor: Executor, graph: Graph, inputs: readonly Tensor[], { cwd, env }: Pick<Invocation, "cwd" | "env">): Promise<readonly Tensor[]> {
  if (executor === "passes") return interpret(graph, inputs);
  const target = await targetByName(executor === "native" ? "host" : "wasm", cwd);
  const pool = new WeightPool();
  const { program } = lower(graph, target, pool);
  const bytes = inputs.map((t) => encodePort(t.type.dtype, t.data));
  const sizes = program.outputs.map((port) => port.bytes);
  let outputs: readonly Uint8Array[];
  if (executor === "kernels") outputs = await interpretProgram(program, pool.bytes(), bytes);
  else if (executor === "wasm") outputs = (await WasmInstance.create(await emitWasm(program, target), wasmMemoryPlan(program), pool.bytes())).run(bytes, sizes);
  else {
    const object = await hostCompiler(env)(printC(program, target), target);
    const { engine, runnable } = await openSharedObject(object, program, pool.bytes());
    bytes.forEach((input, i) => runnable.inputs[i]!.set(input));
    runnable.run();
    outputs = runnable.outputs.map((output) => output.slice());
    engine.close();
  }
  return outputs.map((out, i) => {
    const { dtype, shape } = graph.outputs[i]!.type;
    return { type: { dtype, shape: shape as number[] }, data: decodePort(dtype, out, elementCount(shape as number[])) };
  });
}

/** Whether an op becomes kernels, without steps of a session between. */
function isCode(op: Op): boolean {
  const isText = [...op.operands, ...op.results].some((value) => value?.type.dtype === "string");
  return isLowered(op) && !isText && hostFunctionOf(op) === undefined;
}

/** Largest error beside the largest value of its output; integers and bools must be equal. */
function distance(got: readonly Tensor[], wanted: readonly Tensor[]): number {
  let worst = 0;
  wanted.forEach(({ type, data }, o) => {
    const other = got[o]!.data as ArrayLike<number | bigint>;
    const all = data as ArrayLike<number | bigint>;
    let largest = 1;
    for (let i = 0; i < all.length; i++) if (Number.isFinite(Number(all[i]))) largest = Math.max(largest, Math.abs(Number(all[i])));
    for (let i = 0; i < all.length; i++) {
      const [a, b] = [Number(other[i]), Number(all[i])];
      if (a === b || (Number.isNaN(a) && Number.isNaN(b))) continue;
      const share = isFloat(type.dtype) ? Math.abs(a - b) / largest : Infinity;
      worst = Math.max(worst, Number.isNaN(share) ? Infinity : share);
    }
  });
  return worst;
}
