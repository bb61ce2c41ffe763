import { lower, type Lowered } from "../../src/backends/lower.ts";
import { WeightPool } from "../../src/backends/weight-pool.ts";
import { printC } from "../../src/backends/c/print.ts";
import { emitWasm, wasmMemoryPlan } from "../../src/backends/wasm/emit.ts";
import { outputName } from "../../src/backends/lower.ts";
import { optimize } from "../../src/compile.ts";
import type { Graph } from "../../src/ir/graph.ts";
import { interpret } from "../../src/ir/interpret.ts";
import { decodeData, encodeData, type Tensor } from "../../src/ir/tensor.ts";
import { elementCount, type StaticType } from "../../src/ir/types.ts";
import { interpretProgram } from "../../src/kernel/interpret-program.ts";
import { verifyProgram } from "../../src/kernel/verify-program.ts";
import { compileC, type CompileOptions } from "../../src/support/node/toolchain.ts";
import type { TargetProfile } from "../../src/target/profile.ts";
import { runNative } from "./native.ts";
import { target } from "./targets.ts";
import { runWasm } from "./wasm.ts";

export type Executor = "interpreter" | "native" | "wasm";

/**
 * One graph, run in every way there is: by its interpreter as imported and once more after the passes, and as kernels.
 * The graph is optimized in place at the first need. Kernel executors run twice on one arena and must agree with themselves.
 */
export class Executors {
  private readonly graph: Graph;
  private readonly compiling: Pick<CompileOptions, "flags">;
  private optimized = false;
  readonly outputNames: readonly string[];
  private readonly outputTypes: readonly StaticType[];

  constructor(graph: Graph, compiling: Pick<CompileOptions, "flags"> = {}) {
    this.graph = graph;
    this.compiling = compiling;
    this.outputNames = graph.outputs.map((_, i) => outputName(graph, i));
    this.outputTypes = graph.outputs.map((value) => value.type as StaticType);
  }

  /** Outputs as imported; the oracle. Must be called before any other executor. */
  interpretImported(inputs: readonly Tensor[]): Tensor[] {
    if (this.optimized) throw new Error("the graph is optimized already");
    return interpret(this.graph, inputs);
  }

  async run(executor: Executor, inputs: readonly Tensor[]): Promise<Tensor[]> {
    if (executor === "interpreter" && !this.optimized) return this.interpretImported(inputs);
    if (executor === "interpreter") return interpret(this.graph, inputs);
    const bytes = inputs.map((tensor) => encodeData(tensor.type.dtype, tensor.data));
    return this.decode(await this.runKernels(executor, bytes));
  }

  /** The kernel interpreter: slow, for small graphs. */
  async runProgram(inputs: readonly Tensor[], profile: TargetProfile): Promise<Tensor[]> {
    const { lowered, weights } = this.lower(profile);
    return this.decode(
      await interpretProgram(
        lowered.program,
        weights,
        inputs.map((tensor) => encodeData(tensor.type.dtype, tensor.data)),
      ),
    );
  }

  private async runKernels(executor: "native" | "wasm", inputs: readonly Uint8Array[]): Promise<Uint8Array[]> {
    const profile = target(executor === "native" ? "host" : "wasm");
    const { lowered, weights } = this.lower(profile);
    if (executor === "wasm") return runWasm(await emitWasm(lowered.program, profile), wasmMemoryPlan(lowered.program), lowered.program, weights, inputs);
    const { sources, headers } = printC(lowered.program, profile);
    const { bytes } = await compileC(sources, profile, { headers, ...this.compiling });
    return runNative(bytes, lowered.program, weights, inputs);
  }

  /** Runs the passes, if they did not run yet. */
  optimize(): void {
    if (!this.optimized) optimize(this.graph, { verifyEach: true });
    this.optimized = true;
  }

  lower(profile: TargetProfile): { lowered: Lowered; weights: Uint8Array } {
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
    return { lowered, weights: pool.bytes() };
  }

  private decode(outputs: readonly Uint8Array[]): Tensor[] {
    return outputs.map((bytes, i) => {
      const type = this.outputTypes[i]!;
      return { type, data: decodeData(type.dtype, bytes, elementCount(type.shape)) };
    });
  }
}
