import type { Kernel } from "../kernel/kernel.ts";
import { walkStatements, type Loop } from "../kernel/walk.ts";
import { liveBytes } from "./extent-words.ts";
import { demandOf, demandOfExtentLoop, joined, stopFor, stopped, type Demand, type Live, type Stop } from "./limit-trips.ts";
import type { CallInfo, OpenBuffer, OpenCall, OpenExtent, OpenStep } from "./open-steps.ts";

/** What limiting needs of the program. */
export interface LimitContext {
  readonly extents: ReadonlyMap<string, OpenExtent>;
  kernel(name: string): Kernel;
  extent(most: number): OpenExtent;
  bound(kernel: Kernel, args: Readonly<Record<string, OpenBuffer>>, info: Omit<CallInfo, "kernel">, extents?: Readonly<Record<string, string>>): OpenCall;
}

/** The steps with each length known as early as can be, and loops stopping where nobody looks at what they would still write. */
export function limitCalls(steps: readonly OpenStep[], context: LimitContext): OpenStep[] {
  const ordered = withEarlyWords(steps, context);
  return new Limiter(ordered, context).run();
}

/** Calls that write a word move up to right behind what they read. */
function withEarlyWords(steps: readonly OpenStep[], context: LimitContext): readonly OpenStep[] {
  const words = new Set([...context.extents.values()].map(({ word }) => word));
  const ordered: OpenStep[] = [];
  for (const step of steps) {
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
      return [...step.inputs, ...step.outputs];
    case "if":
      return [step.condition, ...[...step.then, ...step.else].flatMap(mentioned)];
    case "loop":
      return [...(typeof step.trips === "number" ? [] : [step.trips]), ...(step.condition ? [step.condition] : []), ...step.body.flatMap(mentioned)];
  }
}

class Limiter {
  private readonly steps: readonly OpenStep[];
  private readonly context: LimitContext;
  private readonly demands = new Map<OpenBuffer, Demand>();
  /** Calls to be put behind a step. */
  private readonly behind = new Map<number, OpenCall[]>();
  private readonly made = new Map<string, OpenExtent>();

  constructor(steps: readonly OpenStep[], context: LimitContext) {
    this.steps = steps;
    this.context = context;
  }

  run(): OpenStep[] {
    const limited = [...this.steps];
    for (let i = limited.length - 1; i >= 0; i--) {
      const step = limited[i]!;
      if (step.kind === "call") limited[i] = this.call(step, i);
      else for (const buffer of mentioned(step)) this.demands.set(buffer, "all");
    }
    return limited.flatMap((step, i) => [step, ...(this.behind.get(i) ?? [])]);
  }

  private call(call: OpenCall, at: number): OpenCall {
    const kernel = this.context.kernel(call.kernel);
    const written = kernel.params.filter((param) => param.access !== "in");
    const [out] = written;
    const live = out && written.length === 1 ? this.liveOf(call.args[out.name]!) : undefined;
    this.read(call, kernel, live && ((param) => demandOf(kernel, param, out!.name, live)));
    const known = live && this.wordOf(live.extent);
    const stop = live && known && known.at < at ? stopFor(kernel, out!.name) : undefined;
    const word = stop && this.word(known!, live!, stop);
    if (!stop || !word) return call;
    return this.context.bound(stopped(kernel, stop, word.name), call.args, call.info, { ...call.extents, [word.name]: word.name });
  }

  private liveOf(buffer: OpenBuffer): Live | undefined {
    const demand = buffer.home.space === "arena" ? this.demands.get(buffer) : undefined;
    return demand === "all" ? undefined : demand;
  }

  private read(call: OpenCall, kernel: Kernel, ofLive: ((param: string) => Demand) | undefined): void {
    const ending = extentLoop(kernel, call);
    for (const param of kernel.params) {
      if (param.access === "out") continue;
      const own = ending ? demandOfExtentLoop(kernel, param.name, ending.loop, ending.extent) : "all";
      const demand = param.access === "inout" ? "all" : (ofLive?.(param.name) ?? own);
      const buffer = call.args[param.name]!;
      this.demands.set(buffer, joined(this.demands.get(buffer), demand));
    }
  }

  /** Where a length is known. */
  private wordOf(extent: string): { readonly extent: OpenExtent; readonly at: number } | undefined {
    const found = this.context.extents.get(extent);
    const at = found ? this.steps.findIndex((step) => step.kind === "call" && Object.values(step.args).includes(found.word)) : -1;
    return found && at >= 0 ? { extent: found, at } : undefined;
  }

  /** The live bytes in a word, up to the end of the loop. */
  private word({ extent, at }: { readonly extent: OpenExtent; readonly at: number }, { bytes, slack }: Live, { loop, step }: Stop): OpenExtent | undefined {
    const cap = (loop.trips as number) * step;
    if ((extent.most + slack) * bytes >= 2 ** 31 || cap >= 2 ** 31) return undefined;
    const key = `${extent.name} ${slack} ${bytes} ${cap}`;
    const known = this.made.get(key);
    if (known) return known;
    const made = this.context.extent(cap);
    const call = this.context.bound(liveBytes(extent.most, slack, bytes, cap), { x: extent.word, y: made.word }, { op: "extent", loc: [], macs: 0 });
    this.behind.set(at, [...(this.behind.get(at) ?? []), call]);
    this.made.set(key, made);
    return made;
  }
}

/** A loop of a kernel that a length of the program ends. */
function extentLoop(kernel: Kernel, call: OpenCall): { readonly loop: Loop; readonly extent: string } | undefined {
  let found: Loop | undefined;
  let count = 0;
  walkStatements(kernel.body, (stmt) => {
    if (stmt.kind !== "for" || typeof stmt.trips === "number") return;
    found = stmt;
    count++;
  });
  if (!found || count !== 1 || typeof found.trips === "number") return undefined;
  const { extent } = found.trips;
  return { loop: found, extent: call.extents?.[extent] ?? extent };
}
