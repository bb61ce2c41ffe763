import type { Kernel } from "../kernel/kernel.ts";
import { liveCount } from "./extent-words.ts";
import { endedAt, loopsAlong, loopsThroughRows, type AxisLoop } from "./live-loops.ts";
import type { AxisEnd, CallInfo, OpenBuffer, OpenCall, OpenExtent, OpenStep } from "./open-steps.ts";

/** What limiting needs of the program. */
export interface LimitContext {
  readonly extents: ReadonlyMap<string, OpenExtent>;
  kernel(name: string): Kernel;
  extent(most: number): OpenExtent;
  bound(
    kernel: Kernel,
    args: Readonly<Record<string, OpenBuffer>>,
    info: Omit<CallInfo, "kernel" | "bytes">,
    extents?: Readonly<Record<string, string>>,
  ): OpenCall;
}

/** The steps with each length known as early as can be, and loops stopping where nobody looks at what they would still write. */
export function limitCalls(steps: readonly OpenStep[], context: LimitContext): OpenStep[] {
  const ordered = withEarlyWords(steps, context);
  return new Limiter(ordered, context).run();
}

/** Calls that write a word move up to right behind what they read; what hangs on given lengths alone comes first. */
function withEarlyWords(steps: readonly OpenStep[], context: LimitContext): readonly OpenStep[] {
  const words = new Set([...context.extents.values()].filter(({ isGiven }) => !isGiven).map(({ word }) => word));
  const first = firstCalls(steps, context);
  const ordered: OpenStep[] = [...first];
  for (const step of steps) {
    if (first.has(step as OpenCall)) continue;
    if (step.kind !== "call" || !Object.values(step.args).some((buffer) => words.has(buffer))) ordered.push(step);
    else {
      const read = new Set(Object.values(step.args).filter((buffer) => !words.has(buffer)));
      const isSource = writesOf(step, context).every((buffer) => words.has(buffer));
      const last = isSource ? ordered.findLastIndex((other) => touches(other, (buffer) => read.has(buffer) || words.has(buffer), context)) : ordered.length - 1;
      ordered.splice(last + 1, 0, step);
    }
  }
  return ordered;
}

/** Calls that read given lengths, constants and what such calls compute, into buffers that nobody else writes. */
function firstCalls(steps: readonly OpenStep[], context: LimitContext): ReadonlySet<OpenCall> {
  const known = new Set([...context.extents.values()].filter(({ isGiven }) => isGiven).map(({ word }) => word));
  const first = new Set<OpenCall>();
  if (known.size === 0) return first;
  const writers = new Map<OpenBuffer, number>();
  for (const step of steps)
    for (const buffer of step.kind === "call" ? writesOf(step, context) : mentioned(step)) writers.set(buffer, (writers.get(buffer) ?? 0) + 1);
  for (const step of steps) {
    if (step.kind !== "call" || step.extents) continue;
    const written = writesOf(step, context);
    const read = Object.values(step.args).filter((buffer) => !written.includes(buffer) && buffer.home.space !== "weights");
    const isOwn = written.every((buffer) => writers.get(buffer) === 1 && buffer.home.space !== "output");
    if (read.length === 0 || !isOwn || !read.every((buffer) => known.has(buffer))) continue;
    first.add(step);
    for (const buffer of written) known.add(buffer);
  }
  return first;
}

/** Whether a step writes one of the buffers. Of branches and bodies whatever they mention counts. */
function touches(step: OpenStep, isOne: (buffer: OpenBuffer) => boolean, context: LimitContext): boolean {
  if (step.kind === "call") return writesOf(step, context).some(isOne);
  return mentioned(step).some(isOne);
}

function writesOf(call: OpenCall, context: LimitContext): readonly OpenBuffer[] {
  return context
    .kernel(call.kernel)
    .params.filter((param) => param.access !== "in")
    .map((param) => call.args[param.name]!);
}

function mentioned(step: OpenStep): readonly OpenBuffer[] {
  switch (step.kind) {
    case "call":
      return Object.values(step.args);
    case "host":
    case "region":
      return [...step.inputs, ...step.outputs];
    case "if":
      return [step.condition, ...[...step.then, ...step.else].flatMap(mentioned)];
    case "loop":
      return [...(typeof step.trips === "number" ? [] : [step.trips]), ...(step.condition ? [step.condition] : []), ...step.body.flatMap(mentioned)];
  }
}

/** A length, and the step that writes it; -1: it is there before the first. */
interface KnownWord {
  readonly extent: OpenExtent;
  readonly at: number;
}

class Limiter {
  private readonly steps: readonly OpenStep[];
  private readonly context: LimitContext;
  /** Calls to be put behind a step; -1: before the first. */
  private readonly behind = new Map<number, OpenCall[]>();
  private readonly made = new Map<string, OpenExtent>();
  private readonly usersOf = new Map<OpenBuffer, number>();

  constructor(steps: readonly OpenStep[], context: LimitContext) {
    this.steps = steps;
    this.context = context;
    for (const step of steps) for (const one of new Set(mentioned(step))) this.usersOf.set(one, (this.usersOf.get(one) ?? 0) + 1);
  }

  run(): OpenStep[] {
    const limited = this.steps.map((step, at) => (step.kind === "call" ? this.ended(step, at) : step));
    return [...(this.behind.get(-1) ?? []), ...limited.flatMap((step, at) => [step, ...(this.behind.get(at) ?? [])])];
  }

  /** The call with its loops ending where axes of what it writes do. */
  private ended(call: OpenCall, at: number): OpenCall {
    let { kernel, extents } = { kernel: this.context.kernel(call.kernel), extents: call.extents };
    for (const end of call.ends ?? []) {
      const known = this.wordOf(end.extent);
      if (!known || known.at >= at) continue;
      const loops = this.loopsOf(kernel, call, end).flatMap((one) => {
        // No loop gets more turns than it has.
        const word = this.count(known, end.factor * one.stride, end.offset * one.stride - one.start, (one.loop.trips as number) * one.per);
        return word ? [{ ...one, extent: word.name }] : [];
      });
      if (loops.length === 0) continue;
      kernel = endedAt(kernel, loops);
      extents = { ...extents, ...Object.fromEntries(loops.map(({ extent }) => [extent, extent])) };
    }
    return kernel.name === call.kernel ? call : this.context.bound(kernel, call.args, call.info, extents);
  }

  private loopsOf(kernel: Kernel, call: OpenCall, { param, layout, axis, rowsOf }: AxisEnd): readonly AxisLoop[] {
    if (rowsOf !== undefined) return loopsThroughRows(kernel, param, layout.strides[0]!, rowsOf) ?? [];
    return loopsAlong(kernel, param, layout, axis, (other) => this.usersOf.get(call.args[other]!) === 1);
  }

  /** Where a length is known. */
  private wordOf(extent: OpenExtent): KnownWord | undefined {
    if (extent.isGiven) return { extent, at: -1 };
    const at = this.steps.findIndex((step) => step.kind === "call" && Object.values(step.args).includes(extent.word));
    return at >= 0 ? { extent, at } : undefined;
  }

  /** factor * length + offset in a word, at most `cap`. */
  private count({ extent, at }: KnownWord, factor: number, offset: number, cap: number): OpenExtent | undefined {
    if (extent.most * factor + Math.abs(offset) >= 2 ** 31 || cap >= 2 ** 31) return undefined;
    const key = `${extent.name} ${factor} ${offset} ${cap}`;
    const known = this.made.get(key);
    if (known) return known;
    const made = this.context.extent(cap);
    const call = this.context.bound(liveCount(extent.most, factor, offset, cap), { x: extent.word, y: made.word }, { op: "extent", loc: [], macs: 0 });
    this.behind.set(at, [...(this.behind.get(at) ?? []), call]);
    this.made.set(key, made);
    return made;
  }
}
