import type { WasmMemoryPlan } from "./memory-plan.ts";

interface ModelExports {
  readonly memory: WebAssembly.Memory;
  model_run(weights: number, inputs: number, outputs: number, arena: number): void;
}

/** An instance of an emitted module with its weights in place, for the compiler's own questions; devices use `src/session`. */
export class WasmInstance {
  private readonly exports: ModelExports;
  private readonly plan: WasmMemoryPlan;

  private constructor(exports: ModelExports, plan: WasmMemoryPlan) {
    this.exports = exports;
    this.plan = plan;
  }

  static async create(code: Uint8Array, plan: WasmMemoryPlan, weights: Uint8Array): Promise<WasmInstance> {
    const { instance } = (await WebAssembly.instantiate(code as BufferSource, {})) as unknown as WebAssembly.WebAssemblyInstantiatedSource;
    const made = new WasmInstance(instance.exports as unknown as ModelExports, plan);
    made.memory.set(weights, plan.weights);
    const words = new DataView(made.memory.buffer);
    plan.inputs.forEach((address, i) => words.setInt32(plan.inputTable + 4 * i, address, true));
    plan.outputs.forEach((address, i) => words.setInt32(plan.outputTable + 4 * i, address, true));
    return made;
  }

  get memory(): Uint8Array {
    return new Uint8Array(this.exports.memory.buffer);
  }

  /** Dense inputs in manifest order; `outputBytes` are the sizes of the outputs. */
  run(inputs: readonly Uint8Array[], outputBytes: readonly number[]): Uint8Array[] {
    const { memory, plan } = this;
    inputs.forEach((input, i) => memory.set(input, plan.inputs[i]!));
    this.exports.model_run(plan.weights, plan.inputTable, plan.outputTable, plan.arena);
    return outputBytes.map((bytes, i) => memory.slice(plan.outputs[i]!, plan.outputs[i]! + bytes));
  }
}
