import type { ArtifactProgram, ManifestProgram, WasmMemory } from "../package/manifest.ts";
import { CODE_ABI } from "../package/manifest.ts";
import { InternalError, NeoError } from "../support/errors.ts";
import type { Code, Engine, Runnable } from "./engine.ts";

const PAGE_BYTES = 65_536;

/** Runs WebAssembly. Each program is a module with a memory of its own, into which the weights are copied when it is opened. */
export class WasmEngine implements Engine {
  private readonly code: Code;
  private readonly open_ = new Map<number, Runnable>();

  constructor(code: Code) {
    this.code = code;
  }

  async open(program: number): Promise<Runnable> {
    const ready = this.open_.get(program);
    if (ready) return ready;
    const name = this.code.artifact.id;
    const module = await WebAssembly.compile(source(this.file(program))).catch((error: unknown) => {
      throw refused(name, error);
    });
    checkImports(module, name);
    const instance = await WebAssembly.instantiate(module).catch((error: unknown) => {
      throw refused(name, error);
    });
    // Another call may have opened it in the meantime: its memory is the one with the state.
    return this.open_.get(program) ?? this.keep(program, instance);
  }

  openSync(program: number): Runnable {
    const ready = this.open_.get(program);
    if (ready) return ready;
    const name = this.code.artifact.id;
    try {
      const module = new WebAssembly.Module(source(this.file(program)));
      checkImports(module, name);
      return this.keep(program, new WebAssembly.Instance(module));
    } catch (error) {
      throw error instanceof NeoError || error instanceof InternalError ? error : refused(name, error);
    }
  }

  close(): void {
    this.open_.clear();
  }

  private file(program: number): Uint8Array {
    return this.code.file(this.code.artifact.programs[program]!.file);
  }

  private keep(program: number, instance: WebAssembly.Instance): Runnable {
    const runnable = runnableOf(instance, this.code.artifact.programs[program]!, this.code.programs[program]!, this.code.weights, this.code.artifact.id);
    this.open_.set(program, runnable);
    return runnable;
  }
}

function runnableOf(instance: WebAssembly.Instance, code: ArtifactProgram, program: ManifestProgram, weights: Uint8Array, name: string): Runnable {
  const plan = code.memory!;
  const buffer = memoryOf(instance, plan, name);
  if (call(instance, "model_abi", name)() !== CODE_ABI) throw malformed(name, "model_abi is another than the manifest says");
  new Uint8Array(buffer, plan.weights, weights.length).set(weights);
  const view = new DataView(buffer);
  plan.inputs.forEach((address, i) => view.setUint32(plan.inputTable + 4 * i, address, true));
  plan.outputs.forEach((address, i) => view.setUint32(plan.outputTable + 4 * i, address, true));
  const run = code.steps.length === 0 ? call(instance, "model_run", name) : call(instance, "model_run_steps", name);
  return {
    inputs: program.inputs.map((port, i) => new Uint8Array(buffer, plan.inputs[i], port.bytes)),
    outputs: program.outputs.map((port, i) => new Uint8Array(buffer, plan.outputs[i], port.bytes)),
    arena: new Uint8Array(buffer, plan.arena, code.arenaBytes),
    run: () => guarded(() => run(plan.weights, plan.inputTable, plan.outputTable, plan.arena), name),
    runSteps: (first, last) => guarded(() => run(plan.weights, plan.inputTable, plan.outputTable, plan.arena, first, last), name),
  };
}

function guarded(run: () => unknown, name: string): void {
  try {
    run();
  } catch (error) {
    if (!(error instanceof WebAssembly.RuntimeError)) throw error;
    throw new NeoError({
      code: "NEO3057",
      message: `the code of ${name} stopped itself`,
      notes: [{ where: name, text: error.message }],
      hint: "compile the model again; if the bundle is signed and it happens again, report it",
      cause: error,
    });
  }
}

function memoryOf(instance: WebAssembly.Instance, plan: WasmMemory, name: string): ArrayBuffer {
  const memory = instance.exports["memory"];
  if (!(memory instanceof WebAssembly.Memory)) throw malformed(name, "exports no memory");
  if (memory.buffer.byteLength < plan.pages * PAGE_BYTES)
    throw malformed(name, `has ${memory.buffer.byteLength} bytes of memory, the manifest says ${plan.pages * PAGE_BYTES}`);
  return memory.buffer as ArrayBuffer;
}

function call(instance: WebAssembly.Instance, name: string, module: string): (...args: number[]) => unknown {
  const found = instance.exports[name];
  if (typeof found !== "function") throw malformed(module, `exports no function ${name}`);
  return found as (...args: number[]) => unknown;
}

/** A module without imports can touch nothing but its own memory. */
function checkImports(module: WebAssembly.Module, name: string): void {
  const [first] = WebAssembly.Module.imports(module);
  if (first) throw malformed(name, `imports ${first.module}.${first.name}`);
}

/** The types of WebAssembly want no shared memory behind the bytes. */
function source(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes as Uint8Array<ArrayBuffer>;
}

function refused(name: string, error: unknown): NeoError {
  const { message } = error as Error;
  if (error instanceof RangeError) {
    return new NeoError({
      code: "NEO3056",
      message: `there is not enough memory for ${name}`,
      notes: [{ where: name, text: message }],
      hint: "close other sessions, or compile for smaller shapes",
      cause: error,
    });
  }
  return new NeoError({
    code: "NEO3053",
    message: `this host's WebAssembly refuses the code of ${name}`,
    notes: [{ where: name, text: message }],
    hint: "update the browser or Node, or compile with this version of neo",
    cause: error,
  });
}

/** The bundle is signed and whole, and its code is not what its manifest says: the writer's fault. */
function malformed(name: string, text: string): NeoError {
  return new NeoError({
    code: "NEO3052",
    message: `the code of ${name} is not what its manifest says`,
    notes: [{ where: name, text }],
    hint: "compile the model again with this version of neo",
  });
}
