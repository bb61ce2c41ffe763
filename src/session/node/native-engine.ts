import type * as KoffiModule from "koffi";
import type { ArtifactProgram, ManifestProgram } from "../../package/manifest.ts";
import { CODE_ABI } from "../../package/manifest.ts";
import { NeoError, type ErrorCode } from "../../support/errors.ts";
import type { MachineProbe } from "../../support/machine.ts";
import { probeMachine } from "../../support/node/probe.ts";
import type { Code, Engine, NativeRunner, Runnable } from "../engine.ts";
import { withCodeFile } from "./code-file.ts";

type Koffi = typeof KoffiModule;
type Library = ReturnType<Koffi["load"]>;

/** Weights, arena, inputs and outputs begin at multiples of this. */
const ALIGN = 128;

/** Runs native code of this machine through koffi, which is loaded when the first artifact is opened. */
export function nativeRunner(machine: MachineProbe = probeMachine(), importKoffi: () => Promise<unknown> = () => import("koffi")): NativeRunner {
  return {
    machine,
    async open(code) {
      const module = await importKoffi().catch((error: unknown) => {
        throw new NeoError({
          code: "NEO3051",
          message: "native code needs the package koffi, which is not installed or does not load",
          notes: [{ where: "koffi", text: (error as Error).message.split("\n")[0]! }],
          hint: "`npm install koffi`, or run the WebAssembly of the bundle",
          cause: error,
        });
      });
      // An ES module or a CommonJS one, by its version.
      return new NativeEngine((module as { default?: Koffi }).default ?? (module as Koffi), code);
    },
  };
}

/** All programs of the artifact share its weights and one arena, in which their state is. */
class NativeEngine implements Engine {
  private readonly koffi: Koffi;
  private readonly code: Code;
  private readonly weights: Block;
  private readonly arena: Block;
  private readonly ready = new Map<number, { readonly runnable: Runnable; readonly library: Library }>();

  constructor(koffi: Koffi, code: Code) {
    this.koffi = koffi;
    this.code = code;
    this.weights = allocate(koffi, code.weights.length, code.artifact.id);
    this.weights.bytes.set(code.weights);
    this.arena = allocate(koffi, Math.max(...code.artifact.programs.map((p) => p.arenaBytes)), code.artifact.id);
  }

  open(program: number): Promise<Runnable> {
    return Promise.resolve().then(() => this.openSync(program));
  }

  openSync(program: number): Runnable {
    const known = this.ready.get(program);
    if (known) return known.runnable;
    const code = this.code.artifact.programs[program]!;
    const library = this.load(code);
    try {
      const runnable = this.runnableOf(library, code, this.code.programs[program]!);
      this.ready.set(program, { runnable, library });
      return runnable;
    } catch (error) {
      library.unload();
      throw error;
    }
  }

  close(): void {
    for (const { library } of this.ready.values()) library.unload();
    this.ready.clear();
  }

  private load(code: ArtifactProgram): Library {
    try {
      return withCodeFile(code.file.split("/").at(-1)!, this.code.file(code.file), (path) => this.koffi.load(path));
    } catch (error) {
      throw this.refused(
        "NEO3054",
        "can't be loaded",
        (error as Error).message,
        "run the WebAssembly of the bundle, or compile it on this machine with `-t host`",
      );
    }
  }

  /** Code is given addresses, which keep nothing alive: `border` is held by whoever holds the runnable, weights and arena by the engine. */
  private runnableOf(library: Library, code: ArtifactProgram, program: ManifestProgram): Runnable & { readonly border: Block } {
    const { koffi, arena, weights } = this;
    this.checkPromises(library, code);
    const pointer = koffi.sizeof("void *");
    const ports = [...program.inputs, ...program.outputs];
    // One block a program: the table of addresses, then inputs and outputs.
    const places: { offset: number; bytes: number }[] = [];
    let end = roundUp(pointer * Math.max(ports.length, 1));
    for (const { bytes } of ports) {
      places.push({ offset: end, bytes });
      end += roundUp(bytes);
    }
    const border = allocate(koffi, end, this.code.artifact.id);
    const table = new DataView(border.bytes.buffer, border.bytes.byteOffset);
    places.forEach(({ offset }, i) => {
      const address = border.address + BigInt(offset);
      if (pointer === 8) table.setBigUint64(8 * i, address, true);
      else table.setUint32(4 * i, Number(address), true);
    });
    const views = places.map(({ offset, bytes }) => border.bytes.subarray(offset, offset + bytes));
    const stepwise = code.steps.length > 0;
    const pointers = ["const void *", "const void *", "const void *", "void *"];
    const call = this.find(library, stepwise ? "model_run_steps" : "model_run", "void", stepwise ? [...pointers, "int32_t", "int32_t"] : pointers);
    const args = [weights.address, border.address, border.address + BigInt(pointer * program.inputs.length), arena.address];
    return {
      border,
      inputs: views.slice(0, program.inputs.length),
      outputs: views.slice(program.inputs.length),
      arena: arena.bytes.subarray(0, code.arenaBytes),
      run: () => void call(...args),
      runSteps: (first, last) => void call(...args, first, last),
    };
  }

  /** What the code says of itself must be what the manifest says of it. */
  private checkPromises(library: Library, code: ArtifactProgram): void {
    const abi = Number(this.find(library, "model_abi", "uint32_t", [])());
    const arenaBytes = Number(this.find(library, "model_arena_bytes", "size_t", [])());
    const weightBytes = Number(this.find(library, "model_weight_bytes", "size_t", [])());
    const differences = [
      abi === CODE_ABI ? "" : `model_abi is ${abi}, wanted ${CODE_ABI}`,
      arenaBytes <= code.arenaBytes ? "" : `model_arena_bytes is ${arenaBytes}, wanted ${code.arenaBytes}`,
      weightBytes <= this.weights.bytes.length ? "" : `model_weight_bytes is ${weightBytes}, wanted ${this.weights.bytes.length}`,
    ].filter(Boolean);
    if (differences.length > 0)
      throw this.refused("NEO3052", "is not what its manifest says", differences.join("; "), "compile the model again with this version of neo");
  }

  private find(library: Library, name: string, result: string, args: readonly string[]): (...args: unknown[]) => unknown {
    try {
      return library.func(name, result, [...args]);
    } catch (error) {
      throw this.refused("NEO3052", "is not what its manifest says", (error as Error).message, "compile the model again with this version of neo");
    }
  }

  private refused(code: ErrorCode, what: string, text: string, hint: string): NeoError {
    return new NeoError({ code, message: `the code of ${this.code.artifact.id} ${what}`, notes: [{ where: this.code.artifact.id, text }], hint });
  }
}

/** Zeroed memory that does not move. */
interface Block {
  readonly address: bigint;
  readonly bytes: Uint8Array;
}

function allocate(koffi: Koffi, size: number, name: string): Block {
  let buffer: ArrayBuffer;
  try {
    buffer = new ArrayBuffer(size + ALIGN);
  } catch (error) {
    throw new NeoError({
      code: "NEO3056",
      message: `there is not enough memory for ${name}`,
      notes: [{ where: name, text: `${size} bytes can't be allocated` }],
      hint: "close other sessions, or compile for smaller shapes",
      cause: error,
    });
  }
  const start = koffi.address(new Uint8Array(buffer));
  const skip = (ALIGN - Number(start % BigInt(ALIGN))) % ALIGN;
  return { address: start + BigInt(skip), bytes: new Uint8Array(buffer, skip, size) };
}

function roundUp(bytes: number): number {
  return Math.ceil(bytes / ALIGN) * ALIGN;
}
