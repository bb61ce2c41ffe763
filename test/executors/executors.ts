import { lower, type Lowered } from "../../src/backends/lower.ts";
import { WeightPool } from "../../src/backends/weight-pool.ts";
import { printC } from "../../src/backends/c/print.ts";
import { emitWasm, wasmMemoryPlan } from "../../src/backends/wasm/emit.ts";
import { outputName } from "../../src/backends/lower.ts";
import { TextTable } from "../../src/host/text-table.ts";
import { optimize } from "../../src/compile.ts";
import type { Graph } from "../../src/ir/graph.ts";
import { interpret } from "../../src/ir/interpret.ts";
import { decodePort, encodePort } from "../../src/ir/port-data.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { fullInputs, resized, trueOutputs } from "../../src/ir/port-extents.ts";
import { elementCount, type DType } from "../../src/ir/types.ts";
import { ProgramInstance, type SessionStep } from "../../src/kernel/interpret-program.ts";
import type { Program } from "../../src/kernel/program.ts";
import { verifyProgram } from "../../src/kernel/verify-program.ts";
import { runHostCall } from "../../src/session/host-steps.ts";
import { compileC, type CompileOptions } from "../../src/support/node/toolchain.ts";
import type { TargetProfile } from "../../src/target/profile.ts";
import { copyCorner } from "../../src/session/extents.ts";
import { runSanitized } from "../backends/cross-runner.ts";
import type { Around } from "./around.ts";
import { runGuarded } from "./guarded.ts";
import { runGuardedWasm } from "./guarded-wasm.ts";
import { runNative } from "./native.ts";
import { target } from "./targets.ts";
import { runWasm } from "./wasm.ts";

/**
 * `guarded` is native code and `guardedWasm` WebAssembly, with nothing behind and before their buffers; `sanitized` is C with gcc's
 * checks of every address and of what C leaves undefined.
 */
export type Executor = "interpreter" | "native" | "wasm" | "guarded" | "sanitized" | "guardedWasm";

export const EXECUTORS: readonly Executor[] = ["interpreter", "native", "wasm", "guarded", "sanitized", "guardedWasm"];

/**
 * One graph, run in every way there is: by its interpreter as imported and once more after the passes, and as kernels.
 * The graph is optimized in place at the first need. Kernel executors run twice on one arena and must agree with themselves.
 */
export class Executors {
  private readonly graph: Graph;
  private readonly compiling: Pick<CompileOptions, "flags">;
  private optimized = false;
  readonly outputNames: readonly string[];

  constructor(graph: Graph, compiling: Pick<CompileOptions, "flags"> = {}) {
    this.graph = graph;
    this.compiling = compiling;
    this.outputNames = graph.outputs.map((_, i) => outputName(graph, i));
  }

  /** Outputs as imported; the oracle. Must be called before any other executor. */
  interpretImported(inputs: readonly Tensor[]): Tensor[] {
    if (this.optimized) throw new Error("the graph is optimized already");
    return interpret(this.graph, inputs);
  }

  async run(executor: Executor, inputs: readonly Tensor[]): Promise<Tensor[]> {
    if (executor === "interpreter" && !this.optimized) return this.interpretImported(inputs);
    if (executor === "interpreter") return [...trueOutputs(this.graph, interpret(this.graph, fullInputs(this.graph, inputs)))];
    return this.runKernels(executor, inputs);
  }

  /** The kernel interpreter: slow, for small graphs. */
  async runProgram(inputs: readonly Tensor[], profile: TargetProfile): Promise<Tensor[]> {
    const { lowered, weights, texts } = this.lower(profile);
    const host: SessionStep = (_name, given, results, call) => runHostCall(call!, given, results, texts);
    const instance = new ProgramInstance(lowered.program, weights, { host });
    const outputs = instance.run(inputBytes(lowered, inputs, texts), Object.fromEntries(givenLengths(lowered, inputs)));
    return decode(lowered, outputs, (name) => instance.extent(name), texts);
  }

  private async runKernels(executor: Exclude<Executor, "interpreter">, tensors: readonly Tensor[]): Promise<Tensor[]> {
    const profile = target(executor === "wasm" || executor === "guardedWasm" ? "wasm" : "host");
    const { lowered, weights, texts } = this.lower(profile);
    const { program } = lowered;
    const inputs = inputBytes(lowered, tensors, texts);
    const lengths = new Map<string, number>();
    const wordsOf = (arena: Uint8Array): DataView => new DataView(arena.buffer, arena.byteOffset, arena.byteLength);
    const around: Around = {
      start(arena) {
        for (const [name, length] of givenLengths(lowered, tensors)) wordsOf(arena).setInt32(program.extents[name]!.at.offset, length, true);
      },
      end(arena) {
        for (const [name, { at }] of Object.entries(program.extents)) lengths.set(name, wordsOf(arena).getInt32(at.offset, true));
      },
    };
    const outputs = await this.runProgramOn(executor, program, profile, weights, inputs, around, texts);
    return decode(lowered, outputs, (name) => lengths.get(name)!, texts);
  }

  private async runProgramOn(
    executor: Exclude<Executor, "interpreter">,
    program: Program,
    profile: TargetProfile,
    weights: Uint8Array,
    inputs: readonly Uint8Array[],
    around: Around,
    texts: TextTable,
  ): Promise<Uint8Array[]> {
    if (executor === "wasm" || executor === "guardedWasm") {
      const run = executor === "wasm" ? runWasm : runGuardedWasm;
      return run(await emitWasm(program, profile), wasmMemoryPlan(program), program, weights, inputs, around, texts);
    }
    const c = printC(program, profile);
    if (executor === "sanitized") return runSanitized(c, program, profile, weights, inputs, around, this.compiling.flags);
    const { bytes } = await compileC(c.sources, profile, { headers: c.headers, ...this.compiling });
    return (executor === "native" ? runNative : runGuarded)(bytes, program, weights, inputs, around, texts);
  }

  /** Runs the passes, if they did not run yet. */
  optimize(): void {
    if (!this.optimized) optimize(this.graph, { verifyEach: true });
    this.optimized = true;
  }

  lower(profile: TargetProfile): { lowered: Lowered; weights: Uint8Array; texts: TextTable } {
    this.optimize();
    const pool = new WeightPool();
    const lowered = lower(this.graph, profile, pool);
    // Parameters are as long as their buffers: slack behind a tensor is read by nobody and written by few. Runs over an arena of 0xff watch what is read.
    const findings = verifyProgram({ ...lowered.program, segments: pool.segments() }, profile).filter((finding) => finding.rule !== "unwritten");
    if (findings.length > 0)
      throw new Error(
        `${findings.length} findings in the program for ${profile.name}: ${findings
          .slice(0, 4)
          .map((f) => `${f.where}: ${f.text}`)
          .join("; ")}`,
      );
    return { lowered, weights: pool.bytes(), texts: new TextTable(pool.texts) };
  }
}

/** The bytes of inputs, each as long as it can get; what lies behind its end is 0xff, which must not matter. */
function inputBytes({ program }: Lowered, inputs: readonly Tensor[], texts: TextTable): Uint8Array[] {
  return inputs.map(({ type, data }, i) => {
    const port = program.inputs[i]!;
    const bytes = encodePort(type.dtype, data, texts);
    if (bytes.length === port.bytes) return bytes;
    const whole = new Uint8Array(port.bytes).fill(0xff);
    copyCorner("in", bytes, type.shape, whole, port.shape, port.bytes / elementCount(port.shape));
    return whole;
  });
}

function givenLengths({ lengths }: Lowered, inputs: readonly Tensor[]): ReadonlyMap<string, number> {
  return new Map(lengths.flatMap(({ port, index, axis, extent }) => (port === "input" ? [[extent, inputs[index]!.type.shape[axis]!] as const] : [])));
}

/** Outputs as tensors, each as long as it truly is. */
function decode({ program, lengths }: Lowered, outputs: readonly Uint8Array[], length: (extent: string) => number, texts: TextTable): Tensor[] {
  return outputs.map((bytes, i) => {
    const { dtype, shape } = program.outputs[i]!;
    const whole: Tensor = { type: { dtype: dtype as DType, shape }, data: decodePort(dtype as DType, bytes, elementCount(shape), texts) };
    return lengths.filter(({ port, index }) => port === "output" && index === i).reduce((cut, { axis, extent }) => resized(cut, axis, length(extent)), whole);
  });
}
