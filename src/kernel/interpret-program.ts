import type { HostCall } from "../host/host-function.ts";
import { InternalError } from "../support/errors.ts";
import { bindKernel, type BoundKernel } from "./interpret-kernel.ts";
import { ELEM_BYTES, type Kernel } from "./kernel.ts";
import type { Call, Program, Slice, Step } from "./program.ts";
import { extentNames, parallelLoop } from "./walk.ts";

/** Does a step of the session. The slices reach from where a tensor begins to the end of its space; outputs are written in place. */
export type SessionStep = (name: string, inputs: readonly Uint8Array[], outputs: readonly Uint8Array[], call?: HostCall) => void;

export interface ProgramOptions {
  /** `madd` rounds once in fast kernels. */
  readonly fused?: boolean;
  readonly host?: SessionStep;
  readonly region?: SessionStep;
  /** Calls that may be split run as so many ranges, the last first. */
  readonly parts?: number;
}

/** Values of extents that the caller knows. */
export type Extents = Readonly<Record<string, number>>;

/** Runs a program once. Outputs in manifest order. */
export function interpretProgram(
  program: Program,
  weights: Uint8Array,
  inputs: readonly Uint8Array[],
  options: ProgramOptions & { readonly extents?: Extents } = {},
): Uint8Array[] {
  return new ProgramInstance(program, weights, options).run(inputs, options.extents);
}

/** A program with its memory. State outlives a run; everything else of the arena holds 0xff (NaN) at the start of each. */
export class ProgramInstance {
  private readonly program: Program;
  private readonly options: ProgramOptions;
  private readonly kernels: ReadonlyMap<string, Kernel>;
  private readonly weights: Uint8Array;
  private readonly arena: Uint8Array;
  private readonly inputs: readonly Uint8Array[];
  private readonly outputs: readonly Uint8Array[];
  private readonly steps: () => void;

  constructor(program: Program, weights: Uint8Array, options: ProgramOptions = {}) {
    this.program = program;
    this.options = options;
    this.kernels = new Map(program.kernels.map((kernel) => [kernel.name, kernel]));
    this.weights = weights.byteOffset % 8 === 0 ? weights : weights.slice();
    this.arena = new Uint8Array(program.arenaBytes);
    this.inputs = program.inputs.map((port) => new Uint8Array(port.bytes));
    this.outputs = program.outputs.map((port) => new Uint8Array(port.bytes));
    this.steps = this.sequence(program.steps);
  }

  run(inputs: readonly Uint8Array[], extents: Extents = {}): Uint8Array[] {
    if (inputs.length !== this.inputs.length) throw this.fault(`got ${inputs.length} inputs, wants ${this.inputs.length}`);
    this.arena.fill(0xff, this.program.stateBytes);
    inputs.forEach((bytes, i) => {
      const port = this.program.inputs[i]!;
      if (bytes.byteLength !== port.bytes) throw this.fault(`input ${port.name} has ${bytes.byteLength} bytes, wants ${port.bytes}`);
      this.inputs[i]!.set(bytes);
    });
    for (const output of this.outputs) output.fill(0xff);
    for (const [name, value] of Object.entries(extents)) this.setExtent(name, value);
    this.steps();
    return this.outputs.map((bytes) => bytes.slice());
  }

  /** The value of an extent, as the program left it. */
  extent(name: string): number {
    const extent = this.program.extents[name];
    if (!extent) throw this.fault(`there is no extent ${name}`);
    return this.word(extent.at)();
  }

  private setExtent(name: string, value: number): void {
    const extent = this.program.extents[name];
    if (!extent) throw this.fault(`there is no extent ${name}`);
    const bytes = this.space(extent.at);
    new DataView(bytes.buffer, bytes.byteOffset).setInt32(0, value, true);
  }

  private fault(what: string): InternalError {
    return new InternalError(this.program.name, what);
  }

  private sequence(steps: readonly Step[]): () => void {
    const codes = steps.map((step) => this.step(step));
    return () => {
      for (const code of codes) code();
    };
  }

  private step(step: Step): () => void {
    switch (step.kind) {
      case "call":
        return this.call(step);
      case "if": {
        const [condition, yes, no] = [this.word(step.condition), this.sequence(step.then), this.sequence(step.else)];
        return () => (condition() !== 0 ? yes() : no());
      }
      case "loop": {
        const limit = typeof step.trips === "number" ? step.trips : this.word(step.trips);
        const condition = step.condition ? this.word(step.condition) : () => 1;
        const body = this.sequence(step.body);
        return () => {
          const trips = typeof limit === "number" ? limit : limit();
          for (let i = 0; i < trips && condition() !== 0; i++) body();
        };
      }
      case "region":
      case "host": {
        const run = this.options[step.kind];
        const [inputs, outputs] = [step.inputs.map((s) => this.space(s)), step.outputs.map((s) => this.space(s))];
        return () => {
          if (!run) throw this.fault(`nobody runs the ${step.kind} step ${step.name}`);
          run(step.name, inputs, outputs, step.call);
        };
      }
    }
  }

  private call(call: Call): () => void {
    const kernel = this.kernels.get(call.kernel);
    if (!kernel) throw this.fault(`there is no kernel ${call.kernel}`);
    const buffers: Record<string, Uint8Array> = {};
    for (const param of kernel.params) {
      const slice = call.args[param.name];
      if (!slice) throw this.fault(`the call of ${kernel.name} has no argument for ${param.name}`);
      const bytes = param.size * ELEM_BYTES[param.elem];
      const space = this.space(slice);
      if (bytes > space.byteLength) throw this.fault(`argument ${param.name} of ${kernel.name} has ${space.byteLength} bytes, wants ${bytes}`);
      buffers[param.name] = space.subarray(0, bytes);
    }
    const extents = extentNames(kernel).map((name) => {
      const bound = call.extents?.[name] ?? name;
      const extent = this.program.extents[bound];
      if (!extent) throw this.fault(`the call of ${kernel.name} binds no extent to ${name}`);
      return [name, this.word(extent.at)] as const;
    });
    const run = bindKernel(kernel, buffers, this.options.fused ?? false);
    const values = (): Record<string, number> => Object.fromEntries(extents.map(([name, word]) => [name, word()]));
    return () => this.runParts(run, kernel, call.parts, values());
  }

  private runParts(run: BoundKernel, kernel: Kernel, parts: number, extents: Readonly<Record<string, number>>): void {
    const loop = parts > 1 && this.options.parts ? parallelLoop(kernel) : undefined;
    if (!loop) return run(extents);
    const trips = typeof loop.trips === "number" ? loop.trips : Math.ceil(extents[loop.trips.extent]! / loop.trips.per);
    const count = this.options.parts!;
    for (let part = count - 1; part >= 0; part--) run(extents, [Math.floor((trips * part) / count), Math.floor((trips * (part + 1)) / count)]);
  }

  /** From the slice's first byte to the end of its input, output, segment or arena. */
  private space(slice: Slice): Uint8Array {
    const whole = this.wholeSpace(slice);
    if (!whole || slice.offset < 0 || slice.offset > whole.byteLength)
      throw this.fault(`slice ${slice.space} ${slice.index} + ${slice.offset} is outside the program's memory`);
    return whole.subarray(slice.offset);
  }

  private wholeSpace(slice: Slice): Uint8Array | undefined {
    switch (slice.space) {
      case "arena":
        return this.arena;
      case "input":
        return this.inputs[slice.index];
      case "output":
        return this.outputs[slice.index];
      case "weights": {
        const segment = this.program.segments[slice.index];
        return segment && this.weights.subarray(segment.offset, segment.offset + segment.bytes);
      }
    }
  }

  private word(slice: Slice): () => number {
    const bytes = this.space(slice);
    if (bytes.byteLength < 4) throw this.fault(`the word at ${slice.space} + ${slice.offset} is outside the program's memory`);
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    return () => view.getInt32(0, true);
  }
}
