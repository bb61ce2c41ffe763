import type { Buffer } from "./buffer.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { Extent, Slice, Step } from "../kernel/program.ts";
import { InternalError } from "../support/errors.ts";
import { requestsOf } from "./lifetimes.ts";
import { setWord } from "./control-kernels.ts";
import { limitCalls } from "./limit-calls.ts";
import type { AxisEnd, CallInfo, Home, OpenBuffer, OpenCall, OpenExtent, OpenStep } from "./open-steps.ts";
import { ARENA_ALIGN, planMemory, type Plan, type Request } from "./plan-memory.ts";
import type { TargetProfile } from "../target/profile.ts";
import { contentHash, type WeightPool } from "./weight-pool.ts";

/** How long a value wanted to be in a run, beside the most that it was given. */
interface OpenLimit {
  readonly value: string;
  readonly most: number;
  readonly word: OpenBuffer;
}

/** The same, with the place of its word in the arena. */
export interface PlacedLimit {
  readonly value: string;
  readonly most: number;
  readonly at: number;
}

/** What lowering adds to: buffers, kernels and steps, nested as control flow nests. `place` ends it. */
export class OpenProgram {
  private readonly pool: WeightPool;
  private readonly buffers: OpenBuffer[] = [];
  private readonly states = new Map<string, OpenBuffer>();
  private readonly extents = new Map<string, OpenExtent>();
  private readonly limits: OpenLimit[] = [];
  private readonly kernelsByName = new Map<string, Kernel>();
  private readonly kernelByBody = new Map<string, string>();
  private steps: OpenStep[] = [];
  /** Calls before all others. */
  private readonly first: OpenCall[] = [];

  constructor(pool: WeightPool) {
    this.pool = pool;
  }

  get kernels(): readonly Kernel[] {
    return [...this.kernelsByName.values()];
  }

  /** Every call in the order of the text, those of branches and bodies included. */
  get calls(): readonly OpenCall[] {
    return callsOf(this.steps);
  }

  buffer(name: string, bytes: number, home: Home): OpenBuffer {
    const buffer: OpenBuffer = { id: this.buffers.length, name, bytes, home };
    this.buffers.push(buffer);
    return buffer;
  }

  /** The buffer of a state. All that is said of one name must agree in size. */
  state(name: string, bytes: number): OpenBuffer {
    const known = this.states.get(name) ?? this.buffer(name, bytes, { space: "state", name });
    if (known.bytes !== bytes) throw new InternalError("lower", `state ${name} has ${known.bytes} bytes, elsewhere ${bytes}`);
    this.states.set(name, known);
    return known;
  }

  /** Constant texts as places in the table of the bundle. */
  placesOf(texts: readonly string[]): Int32Array {
    return Int32Array.from(texts, (text) => this.pool.texts.place(text));
  }

  /** One i32 of the arena. */
  word(name: string): OpenBuffer {
    return this.buffer(name, 4, { space: "arena" });
  }

  /** A word for a length. */
  extent(most: number, isGiven = false): OpenExtent {
    const name = `n${this.extents.size}`;
    const extent: OpenExtent = { name, most, isGiven, word: this.buffer(`extent ${name}`, 4, { space: "state", name: extentHome(name) }) };
    this.extents.set(name, extent);
    return extent;
  }

  /** The word in which a run says how long a value wanted to be that is given a bound: 0 when it starts. */
  limit(value: string, most: number, target: TargetProfile): OpenLimit {
    const known = this.limits.find((limit) => limit.value === value && limit.most === most);
    if (known) return known;
    const name = `\nlimit ${this.limits.length}`;
    const limit: OpenLimit = { value, most, word: this.buffer(`limit of ${value}`, 4, { space: "state", name }) };
    this.limits.push(limit);
    this.first.push(this.bound(setWord(0, target, []), { y: limit.word }, { op: "limit", loc: [], macs: 0 }));
    return limit;
  }

  call(
    kernel: Kernel,
    args: Readonly<Record<string, Buffer>>,
    info: Omit<CallInfo, "kernel" | "bytes">,
    extents?: Readonly<Record<string, string>>,
    ends: readonly AxisEnd[] = [],
  ): void {
    const call = this.bound(kernel, args, info, extents);
    this.steps.push(ends.length > 0 ? { ...call, ends } : call);
  }

  private bound(
    kernel: Kernel,
    args: Readonly<Record<string, Buffer>>,
    info: Omit<CallInfo, "kernel" | "bytes">,
    extents?: Readonly<Record<string, string>>,
  ): OpenCall {
    const bound: Record<string, OpenBuffer> = {};
    for (const param of kernel.params) {
      const buffer = args[param.name] as OpenBuffer | undefined;
      if (!buffer) throw new InternalError("lower", `${kernel.name} has no argument for ${param.name}`);
      bound[param.name] = buffer;
      if (buffer.home.space === "weights") buffer.home.segment ??= this.pool.add(buffer.home.data());
    }
    const name = this.addKernel(kernel);
    const bytes = [...new Set(Object.values(bound))].reduce((n, buffer) => n + buffer.bytes, 0);
    const parts = kernel.body.some((s) => s.kind === "for" && s.mode === "parallel") ? 2 : 1;
    return { kind: "call", kernel: name, args: bound, parts, info: { kernel: name, ...info, bytes }, ...(extents ? { extents } : {}) };
  }

  /** The steps that `add` adds, which go into a branch or body instead of here. */
  apart(add: () => void): readonly OpenStep[] {
    const outer = this.steps;
    const inner: OpenStep[] = [];
    this.steps = inner;
    add();
    this.steps = outer;
    return inner;
  }

  push(step: OpenStep): void {
    this.steps.push(step);
  }

  /** Equal bodies are stored once; other bodies of the same formula get a hash of the body behind the name. */
  private addKernel(kernel: Kernel): string {
    const body = JSON.stringify({ ...kernel, name: "", loc: [] }, exactNumbers);
    const known = this.kernelByBody.get(body);
    if (known) return known;
    const name = this.kernelsByName.has(kernel.name)
      ? `${kernel.name}_${contentHash(new TextEncoder().encode(body)).toString(16).padStart(8, "0").slice(0, 4)}`
      : kernel.name;
    this.kernelsByName.set(name, name === kernel.name ? kernel : { ...kernel, name });
    this.kernelByBody.set(body, name);
    return name;
  }

  /** Stops loops where nobody looks at what they would still write. */
  private endLoops(): void {
    if (this.extents.size === 0) return;
    this.steps = limitCalls(this.steps, {
      extents: this.extents,
      kernel: (name) => this.kernelsByName.get(name)!,
      extent: (most) => this.extent(most),
      bound: (kernel, args, info, extents) => this.bound(kernel, args, info, extents),
    });
    const used = new Set(this.calls.map((call) => call.kernel));
    for (const name of this.kernelsByName.keys()) if (!used.has(name)) this.kernelsByName.delete(name);
  }

  /** Gives every buffer its offset and the steps their slices. */
  place(): {
    readonly steps: readonly Step[];
    readonly plan: Plan;
    readonly requests: readonly (Request & { readonly name: string })[];
    readonly stateBytes: number;
    readonly extents: Readonly<Record<string, Extent>>;
    readonly limits: readonly PlacedLimit[];
  } {
    this.steps.unshift(...this.first);
    this.endLoops();
    const states = this.placedStates();
    const requests = requestsOf(this.steps);
    const plan = planMemory(requests, states.bytes);
    const sliceOf = ({ id, home }: OpenBuffer): Slice => {
      switch (home.space) {
        case "arena":
          return { space: "arena", index: 0, offset: plan.offsets.get(id)! };
        case "state":
          return { space: "arena", index: 0, offset: states.offsets.get(home.name)! };
        case "weights":
          return { space: "weights", index: home.segment!, offset: 0 };
        default:
          return { space: home.space, index: home.index, offset: 0 };
      }
    };
    const steps = this.steps.map((step) => placedStep(step, sliceOf));
    const extents = Object.fromEntries([...this.extents.values()].map(({ name, most, word }) => [name, { max: most, at: sliceOf(word) }]));
    return {
      steps,
      plan,
      requests: requests.map((request) => ({ ...request, name: this.buffers[request.id]!.name })),
      stateBytes: states.bytes,
      extents,
      limits: this.limits.map(({ value, most, word }) => ({ value, most, at: sliceOf(word).offset })),
    };
  }

  /** By name, so that all programs of a model agree on where each lies; the words of extents and limits, of which they have different ones, behind them. */
  private placedStates(): { readonly offsets: ReadonlyMap<string, number>; readonly bytes: number } {
    const offsets = new Map<string, number>();
    let bytes = 0;
    for (const name of [...this.states.keys()].sort()) {
      offsets.set(name, bytes);
      bytes += Math.ceil(this.states.get(name)!.bytes / ARENA_ALIGN) * ARENA_ALIGN;
    }
    for (const { word } of [...this.extents.values(), ...this.limits]) {
      offsets.set((word.home as { readonly name: string }).name, bytes);
      bytes += 4;
    }
    return { offsets, bytes };
  }
}

/** Names of states come from models; none has a line break. */
function extentHome(name: string): string {
  return `\n${name}`;
}

function placedStep(step: OpenStep, sliceOf: (buffer: OpenBuffer) => Slice): Step {
  const placed = (steps: readonly OpenStep[]): readonly Step[] => steps.map((inner) => placedStep(inner, sliceOf));
  switch (step.kind) {
    case "call": {
      const args = Object.fromEntries(Object.entries(step.args).map(([name, buffer]) => [name, sliceOf(buffer)]));
      return { kind: "call", kernel: step.kernel, args, parts: step.parts, ...(step.extents ? { extents: step.extents } : {}) };
    }
    case "host":
    case "region":
      return { kind: step.kind, name: step.name, inputs: step.inputs.map(sliceOf), outputs: step.outputs.map(sliceOf), call: step.call };
    case "if":
      return { kind: "if", condition: sliceOf(step.condition), then: placed(step.then), else: placed(step.else) };
    case "loop":
      return {
        kind: "loop",
        trips: typeof step.trips === "number" ? step.trips : sliceOf(step.trips),
        ...(step.condition ? { condition: sliceOf(step.condition) } : {}),
        body: placed(step.body),
      };
  }
}

function callsOf(steps: readonly OpenStep[]): readonly OpenCall[] {
  return steps.flatMap((step) => {
    if (step.kind === "call") return [step];
    if (step.kind === "host" || step.kind === "region") return [];
    return step.kind === "if" ? [...callsOf(step.then), ...callsOf(step.else)] : callsOf(step.body);
  });
}

/** JSON knows no bigints, takes NaN and the infinities for null and -0 for 0. */
function exactNumbers(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return `${value}n`;
  return typeof value === "number" && (!Number.isFinite(value) || Object.is(value, -0)) ? `${Object.is(value, -0) ? "-0" : value}` : value;
}
