import type { Graph, Op, Value } from "../ir/graph.ts";
import type { AnyOpDef } from "../ir/op-def.ts";
import type { Data, Tensor } from "../ir/tensor.ts";
import { inputExtents, outputExtents, visibleInputs, visibleOutputs } from "../ir/port-extents.ts";
import { elementCount, type DType } from "../ir/types.ts";
import { ELEM_BYTES, type Elem, type Kernel } from "../kernel/kernel.ts";
import type { Port, Program } from "../kernel/program.ts";
import { InternalError, NeoError } from "../support/errors.ts";
import type { TargetProfile } from "../target/profile.ts";
import { assignForms, ELEM_OF, elemOf, layoutOf, satisfies, shapeOf, wishesOf, type Form, type OpWishes } from "./assign-layouts.ts";
import { arrange } from "./constant-data.ts";
import { computedInState, CONTROL_OPS, lowerControl, writesState } from "./control.ts";
import { lengthToWord } from "./extent-words.ts";
import { liveLengths, maskAxis, type LiveAxes } from "./live-lengths.ts";
import { FOUND_OPS, lowerFound } from "./found-lengths.ts";
import { hostFunctionOf, lowerToHost } from "./host-steps.ts";
import { lowerToRegion } from "./region-steps.ts";
import { equalLayouts, plainLayout, viewAs, type Layout } from "./layout.ts";
import { OpenProgram, type PlacedLimit } from "./open-program.ts";
import type { AxisEnd, CallInfo, OpenBuffer, OpenExtent } from "./open-steps.ts";
import type { Buffer, Destination, LowerContext, Place, RegionContext, Schedule } from "./schedule.ts";
import { copyKernel } from "./schedules/copy.ts";
import { fillKernels } from "./schedules/fill.ts";
import { SCHEDULES } from "./schedules/index.ts";
import { outlives } from "./value-order.ts";
import type { WeightPool } from "./weight-pool.ts";

export type { CallInfo } from "./open-steps.ts";

/** One planned buffer of the arena, for reports: which call made it, until which call it is read. */
export interface PlannedBuffer {
  readonly name: string;
  readonly offset: number;
  readonly bytes: number;
  readonly from: number;
  readonly to: number;
}

export interface PortLength {
  readonly port: "input" | "output";
  readonly index: number;
  readonly axis: number;
  readonly extent: string;
  /** Of inputs: the least there is, and the steps from there on. */
  readonly low?: number;
  readonly step?: number;
}

export interface Lowered {
  readonly program: Program;
  readonly memory: { readonly buffers: readonly PlannedBuffer[]; readonly plannedBytes: number; readonly lowerBoundBytes: number };
  /** In the order of the text; calls of branches and bodies where these stand. */
  readonly calls: readonly CallInfo[];
  /** Axes of outputs whose length a run tells, and of inputs whose length tells it, and the extent of the program that does. */
  readonly lengths: readonly PortLength[];
  /** Values that were given a bound, and the word in which a run says how long they wanted to be. */
  readonly limits: readonly PlacedLimit[];
}

/**
 * Graph of static types → program of kernels; its weights go into `pool`, which programs of one packing share.
 * Ops without a schedule are collected into one error. `graph` is not changed.
 */
export function lower(graph: Graph, target: TargetProfile, pool: WeightPool, schedules: readonly Schedule[] = SCHEDULES): Lowered {
  const byOp = new Map<AnyOpDef, Schedule>();
  for (const schedule of schedules) for (const def of schedule.ops) byOp.set(def, schedule);
  refuseUnscheduled(graph, byOp, target);
  const open = new OpenProgram(pool);
  const given = visibleInputs(graph);
  const words = givenWords(graph, open);
  const params = graph.params.map((value, index) => {
    const word = words.get(index)?.word;
    const buffer = word ?? open.buffer(value.name || `input ${index}`, borderBytes(value), { space: "input", index });
    return place(value, buffer, plainLayout(elemOf(value), shapeOf(value), 0));
  });
  const visible = visibleOutputs(graph);
  const outputs = visible.map((value, index): Destination => {
    const buffer = open.buffer(value.name || `output ${index}`, borderBytes(value), { space: "output", index });
    return { place: place(value, buffer, plainLayout(elemOf(value), shapeOf(value), 0)) };
  });
  const lowering = new Lowering(graph, target, byOp, open, params);
  for (const [index, extent] of words) lowering.know(params[index]!, extent);
  const places = lowering.run(outputs, computedInState(graph, open));
  const found = outputExtents(graph).map(({ output, axis, operand }): PortLength => {
    const most = shapeOf(graph.outputs[output]!)[axis]!;
    return { port: "output", index: output, axis, extent: lowering.length(places[operand]!, most).name };
  });
  const told = inputExtents(graph).map(({ input, axis, param, low, step }): PortLength => {
    return { port: "input", index: input, axis, extent: words.get(param)!.name, low, step };
  });
  return finished(graph, given, open, pool, [...told, ...found]);
}

/** The words of the lengths that stand behind the inputs, by parameter. */
function givenWords(graph: Graph, open: OpenProgram): ReadonlyMap<number, OpenExtent> {
  const words = new Map<number, OpenExtent>();
  for (const { input, axis, param } of inputExtents(graph)) if (!words.has(param)) words.set(param, open.extent(shapeOf(graph.params[input]!)[axis]!, true));
  return words;
}

function finished(graph: Graph, given: readonly Value[], open: OpenProgram, pool: WeightPool, lengths: Lowered["lengths"]): Lowered {
  const { steps, plan, requests, stateBytes, extents, limits } = open.place();
  return {
    program: {
      name: graph.name,
      inputs: given.map((value, i) => portOf(value, value.name || `input${i}`)),
      outputs: visibleOutputs(graph).map((value, i) => portOf(value, outputName(graph, i))),
      steps,
      kernels: open.kernels,
      extents,
      arenaBytes: plan.arenaBytes,
      stateBytes,
      segments: pool.segments(),
    },
    memory: {
      buffers: requests.map((r) => ({ name: r.name, offset: plan.offsets.get(r.id)!, bytes: r.bytes, from: r.firstUse, to: r.lastUse })),
      plannedBytes: plan.arenaBytes,
      lowerBoundBytes: plan.lowerBound,
    },
    calls: open.calls.map((call) => call.info),
    lengths,
    limits,
  };
}

/** Ops that lowering itself handles, beside those of the host. */
const STRUCTURAL: ReadonlySet<string> = new Set(["constant", "return", "region", "reshape", "storageCast", ...CONTROL_OPS, ...FOUND_OPS]);

/** Whether `lower` knows what to do with this op on a CPU, as far as its name tells. */
export function isLowered({ name, def }: Pick<Op, "name" | "def">): boolean {
  return STRUCTURAL.has(name) || hostFunctionOf({ name }) !== undefined || SCHEDULES.some((schedule) => schedule.ops.includes(def));
}

function refuseUnscheduled(graph: Graph, byOp: ReadonlyMap<AnyOpDef, Schedule>, target: TargetProfile): void {
  const missing = unscheduled(graph, byOp).map((op) => ({ op, text: touchesTexts(op) ? `${op.name} of strings` : op.name }));
  if (missing.length === 0) return;
  throw new NeoError({
    code: "NEO3100",
    message: `${missing.length} operation${missing.length > 1 ? "s have" : " has"} no kernel for the CPU of ${target.name}`,
    notes: missing.map(({ op, text }) => ({ where: op.loc.join(", ") || op.results[0]?.name || op.name, text })),
    hint: "`neo check` lists all that is in the way; rewrite these nodes with other operators",
    awsName: "OperatorNotImplemented",
  });
}

function unscheduled(graph: Graph, byOp: ReadonlyMap<AnyOpDef, Schedule>): readonly Op[] {
  return graph.ops.flatMap((op) => {
    if (hostFunctionOf(op) || op.name === "constant" || op.name === "region") return [];
    if (touchesTexts(op) && !OF_TEXTS.has(op.name)) return [op];
    if (byOp.has(op.def)) return [];
    return STRUCTURAL.has(op.name) ? op.regions.flatMap((region) => unscheduled(region, byOp)) : [op];
  });
}

/** Ops of code that only move texts, or ask whether they are the same. */
const OF_TEXTS: ReadonlySet<string> = new Set([
  ...["return", "reshape", "transpose", "broadcast", "slice", "pad", "concat", "reverse", "roll", "gather", "gatherElements", "gatherNd", "scatterElements"],
  ...["scatterNd", "select", "equal", "notEqual", "fused", "zeroTail", "if", "loop", "scan", "call"],
]);

function touchesTexts(op: Op): boolean {
  return [...op.operands, ...op.results].some((value) => value?.type.dtype === "string");
}

/** Lowers one graph, or the region of a control op, into the steps of a program. */
class Lowering implements LowerContext, RegionContext {
  readonly target: TargetProfile;
  readonly open: OpenProgram;
  private readonly graph: Graph;
  private readonly schedules: ReadonlyMap<AnyOpDef, Schedule>;
  private readonly wishes: ReadonlyMap<Op, OpWishes>;
  private readonly forms: ReadonlyMap<Value, Form>;
  private readonly places = new Map<Value, Place>();
  /** Copies of a place by layout. Keyed by the place, not its buffer: an op that works in place puts another tensor there. */
  private readonly relaid = new Map<Place, Map<string, Place>>();
  /** Buffers that others read when this graph is through: nothing works in place there. */
  private readonly pinned: ReadonlySet<Buffer>;
  /** Operand places of the op at hand, in the layouts it wished for. */
  private operandPlaces: (Place | undefined)[] = [];
  private current: Op | undefined;
  private readonly usesLeft = new Map<Value, number>();
  private readonly destinations = new Map<Value, Place>();
  private readonly lengths = new Map<Place, readonly OpenExtent[]>();
  /** How far values are looked at, and the same of the places that hold them. */
  private readonly live: ReadonlyMap<Value, LiveAxes>;
  private readonly liveAt = new Map<Place, LiveAxes>();
  /** The place that a call writes which writes to a buffer. */
  private readonly writing = new Map<Buffer, Place>();

  constructor(graph: Graph, target: TargetProfile, schedules: ReadonlyMap<AnyOpDef, Schedule>, open: OpenProgram, params: readonly Place[]) {
    this.graph = graph;
    this.target = target;
    this.schedules = schedules;
    this.open = open;
    this.wishes = new Map(graph.ops.map((op) => [op, wishesOf(op, schedules.get(op.def), target)]));
    this.forms = assignForms(graph, this.wishes);
    this.live = liveLengths(graph);
    this.pinned = new Set(params.map(({ buffer }) => buffer));
    for (const op of graph.ops) for (const value of op.operands) if (value) this.usesLeft.set(value, (this.usesLeft.get(value) ?? 0) + 1);
    graph.params.forEach((value, index) => this.places.set(value, params[index]!));
  }

  /** Where the results are; those that have a destination are there. `inside`: further values that have one. */
  run(destinations: readonly (Destination | undefined)[], inside: ReadonlyMap<Value, Place> = new Map()): readonly Place[] {
    this.graph.outputs.forEach((value, index) => this.claim(value, destinations[index]));
    for (const [value, place] of inside) this.claim(value, { place });
    for (const op of this.graph.ops) if (op.name !== "return") this.lowerOp(op);
    return this.lowerReturn(destinations);
  }

  /** A result that some op computes plainly is computed in place, through any number of reshapes, unless what lies there is still to be read. */
  private claim(value: Value, destination: Destination | undefined): void {
    if (!destination) return;
    let root = value;
    while ((root.producer?.name === "reshape" || root.producer?.name === "storageCast") && !this.destinations.has(root)) root = root.producer.operands[0]!;
    const free = root.producer && root.producer.name !== "constant" && !this.destinations.has(root) && this.forms.get(root)?.kind === "plain";
    if (!free || root.type.dtype !== value.type.dtype || !crossesAsStored(value)) return;
    if (destination.replaces && outlives(this.graph, destination.replaces, root.producer!)) return;
    this.destinations.set(root, destination.place);
  }

  private lowerOp(op: Op): void {
    this.current = op;
    if (op.name === "constant") return this.lowerConstant(op);
    const wish = this.wishes.get(op)!;
    this.operandPlaces = op.operands.map((value, i) => (value ? this.operandPlace(op, value, wish, i) : undefined));
    if (op.name === "reshape") this.lowerReshape(op);
    else if (op.name === "storageCast") this.lowerStorageCast(op);
    else {
      const schedule = this.schedules.get(op.def);
      if (op.name !== "readState") op.results.forEach((value) => this.placeResult(op, value));
      if (schedule) schedule.lower(op, this);
      else if (FOUND_OPS.has(op.name)) lowerFound(op, this);
      else if (hostFunctionOf(op)) lowerToHost(op, this);
      else if (op.name === "region") lowerToRegion(op, this);
      else lowerControl(op, this);
    }
    for (const value of op.operands) if (value) this.usesLeft.set(value, this.usesLeft.get(value)! - 1);
  }

  private lowerConstant(op: Op): void {
    const { data, type } = op.attrs["value"] as Tensor;
    this.places.set(op.result, this.constantPlace(data, op.result, plainLayout(elemOf(op.result), type.shape)));
  }

  private constantPlace(given: Data, value: Value, layout: Layout): Place {
    const data = value.type.dtype === "string" && Array.isArray(given) ? this.open.placesOf(given) : given;
    const buffer = this.open.buffer(value.name || "constant", layout.size * ELEM_BYTES[layout.elem], {
      space: "weights",
      data: () => bytesOf(arrange(data, storedDtype(value), layout)),
    });
    return { ...place(value, buffer, layout), constant: data };
  }

  private operandPlace(op: Op, value: Value, wishes: OpWishes, index: number): Place {
    const found = this.places.get(value);
    if (!found) throw new InternalError("lower", `${op.name} reads a value that nothing placed`);
    let wish = wishes.operands[index]!;
    const form: Form = found.layout.block || this.forms.get(value)?.kind === "image" ? this.forms.get(value)! : { kind: "plain" };
    if (wish.kind === "any" && !wish.loose && op.results[0]) {
      const result = this.forms.get(op.results[0])!;
      const whole = elementCount(shapeOf(value)) === elementCount(shapeOf(op.results[0]));
      if (whole && result.kind !== form.kind && shapeOf(value).length === shapeOf(op.results[0]).length)
        wish = result.kind === "image" ? { kind: "image", halo: [0, 0, 0, 0], fill: 0 } : { kind: "plain" };
    }
    if (satisfies(found.layout, form, wish)) return found;
    this.liveAt.set(found, this.live.get(value) ?? []);
    const wanted: Form = wish.kind === "image" ? { kind: "image", halo: wish.halo, fill: wish.fill } : { kind: "plain" };
    return this.relayout(found, layoutOf(value, wanted, this.target));
  }

  private placeResult(op: Op, value: Value): void {
    const form = this.forms.get(value)!;
    const to = this.destinations.get(value);
    const layout = to ? { ...plainLayout(elemOf(value), shapeOf(value), 0), size: to.layout.size } : layoutOf(value, form, this.target);
    const reused = to ? undefined : this.dyingOperand(op, layout);
    const name = value.name || op.loc.join("+") || op.name;
    const buffer = reused ?? to?.buffer ?? this.open.buffer(name, layout.size * ELEM_BYTES[layout.elem], { space: "arena" });
    const at = place(value, buffer, layout);
    this.places.set(value, at);
    // The halo behind the end of a row is the one before the next: it is filled as a whole.
    if (!reused) this.fillHalo(buffer, layout);
    this.willWrite(at, to ? [] : (this.live.get(value) ?? []));
  }

  /** Elementwise ops read element i before they write element i, so they may write over an operand that dies here. */
  private dyingOperand(op: Op, layout: Layout): OpenBuffer | undefined {
    if (!op.def.elementwise && op.name !== "fused") return undefined;
    for (const [i, value] of op.operands.entries()) {
      const at = this.operandPlaces[i];
      if (!value || !at || at.constant || this.usesLeft.get(value) !== 1 || at !== this.places.get(value)) continue;
      const buffer = at.buffer as OpenBuffer;
      if (buffer.home.space === "arena" && !this.pinned.has(buffer) && equalLayouts(at.layout, layout) && !this.sharedBuffer(value)) return buffer;
    }
    return undefined;
  }

  /** A view of the same buffer is still to be read. */
  private sharedBuffer(value: Value): boolean {
    const buffer = this.places.get(value)!.buffer;
    for (const [other, at] of this.places) {
      if (other === value || (this.usesLeft.get(other) ?? 0) === 0) continue;
      if (at.buffer === buffer || this.isCopied(at, buffer)) return true;
    }
    return false;
  }

  /** A copy in another layout that later readers may take lies there. */
  private isCopied(at: Place, buffer: Buffer): boolean {
    return [...(this.relaid.get(at)?.values() ?? [])].some((copy) => copy.buffer === buffer);
  }

  private fillHalo(buffer: Buffer, layout: Layout): void {
    for (const kernel of fillKernels(layout, this.target)) this.call(kernel, { [kernel.params[0]!.name]: buffer });
  }

  private lowerReshape(op: Op): void {
    const [source, value] = [this.operandPlaces[0]!, op.result];
    if (source.constant) return void this.places.set(value, this.constantPlace(source.constant, value, plainLayout(source.layout.elem, shapeOf(value))));
    const view = viewAs(source.layout, shapeOf(value));
    if (view && !this.destinations.has(value)) return void this.places.set(value, place(value, source.buffer, view));
    this.placeResult(op, value);
    const flat = viewAs(this.places.get(value)!.layout, shapeOf(op.operands[0]!));
    if (!flat) throw new InternalError("lower", "a fresh plain result is always a view of any shape");
    this.copy(source, { ...this.places.get(value)!, layout: flat });
  }

  /** The same integers: the same buffer. */
  private lowerStorageCast(op: Op): void {
    const [source, value] = [this.operandPlaces[0]!, op.result];
    if (!this.destinations.has(value)) return void this.places.set(value, { ...source, dtype: value.type.dtype });
    this.placeResult(op, value);
    this.copy(source, this.places.get(value)!);
  }

  private lowerReturn(destinations: readonly (Destination | undefined)[]): readonly Place[] {
    this.current = this.graph.terminator;
    const found = this.graph.outputs.map((value) => this.places.get(value)!);
    const written = new Set(destinations.flatMap((to, i) => (to && to.place.buffer !== found[i]!.buffer ? [to.place.buffer] : [])));
    // What lies where another result goes is saved before any is moved.
    const saved = found.map((source, i) => {
      if (!written.has(source.buffer) || source.buffer === destinations[i]?.place.buffer) return source;
      const copy = this.temporary(source);
      this.copy(source, copy);
      return copy;
    });
    return saved.map((source, i) => {
      const to = destinations[i]?.place;
      if (!to) return source;
      if (source.buffer !== to.buffer) this.copy(source, to);
      return to;
    });
  }

  private copy(from: Place, to: Place): void {
    if (elementCount(from.layout.shape) === 0) return;
    const kernel = copyKernel(from.layout, to.layout, this.target, this.current?.loc ?? []);
    this.call(kernel, { [kernel.params[0]!.name]: from.buffer, [kernel.params[1]!.name]: to.buffer });
  }

  // LowerContext

  operand(op: Op, name: string): Place | undefined {
    const value = op.operand(name);
    return value ? this.operandPlaces[op.operands.indexOf(value)] : undefined;
  }

  variadic(op: Op): readonly Place[] {
    return this.operandPlaces.slice(op.def.operands.length - 1) as Place[];
  }

  result(op: Op, index = 0): Place {
    return this.places.get(op.results[index]!)!;
  }

  weights(elem: Elem, data: ArrayBufferView): Buffer {
    const bytes = bytesOf(data);
    return this.open.buffer(`${elem} weights of ${this.current?.loc.join("+") ?? ""}`, bytes.length, { space: "weights", data: () => bytes });
  }

  scratch(elem: Elem, size: number): Buffer {
    return this.open.buffer(`scratch of ${this.current?.loc.join("+") || this.current?.name}`, size * ELEM_BYTES[elem], { space: "arena" });
  }

  relayout(from: Place, layout: Layout): Place {
    if (equalLayouts(from.layout, layout)) return from;
    const key = JSON.stringify(layout);
    const copies = this.relaid.get(from) ?? new Map<string, Place>();
    const known = copies.get(key);
    if (known) return known;
    let to: Place;
    if (from.constant) {
      const { constant: data, dtype } = from;
      const buffer = this.open.buffer("constant", layout.size * ELEM_BYTES[layout.elem], {
        space: "weights",
        data: () => bytesOf(arrange(data, dtype, layout)),
      });
      to = { buffer, layout, dtype, constant: data };
    } else {
      const buffer = this.open.buffer(`${(from.buffer as OpenBuffer).name} relaid`, layout.size * ELEM_BYTES[layout.elem], { space: "arena" });
      to = { buffer, layout, dtype: from.dtype };
      this.fillHalo(buffer, layout);
      this.willWrite(to, this.liveAt.get(from) ?? []);
      this.copy(from, to);
    }
    copies.set(key, to);
    this.relaid.set(from, copies);
    return to;
  }

  endOfMask(mask: Value): { readonly axis: number; readonly extent: OpenExtent } | undefined {
    const end = maskAxis(mask);
    const word = end && this.places.get(end.length);
    return word && { axis: end.axis, extent: this.length(word, end.most) };
  }

  call(kernel: Kernel, args: Readonly<Record<string, Buffer>>, extents?: Readonly<Record<string, string>>, ends: readonly AxisEnd[] = []): void {
    const op = this.current!;
    this.open.call(kernel, args, { op: op.name, loc: op.loc, macs: op.regions.length > 0 && CONTROL_OPS.has(op.name) ? 0 : opMacs(op) }, extents, [
      ...ends,
      ...this.endsOf(kernel, args),
    ]);
  }

  /** Calls that write to the buffer write this from here on. */
  private willWrite(at: Place, live: LiveAxes): void {
    this.writing.set(at.buffer, at);
    this.liveAt.set(at, live);
  }

  /** As far as lengths are known where the call stands. */
  private endsOf(kernel: Kernel, args: Readonly<Record<string, Buffer>>): AxisEnd[] {
    return kernel.params.flatMap(({ name, access }) => {
      const at = access === "in" ? undefined : this.writing.get(args[name]!);
      return (at && this.liveAt.get(at) ? this.liveAt.get(at)! : []).flatMap(({ axis, length, most, factor, offset }) => {
        // What the op at hand finds is not there yet.
        const word = length.producer === this.current ? undefined : this.places.get(length);
        return word ? [{ param: name, layout: at!.layout, axis, extent: this.length(word, most), factor, offset }] : [];
      });
    });
  }

  // RegionContext

  operandAt(index: number): Place | undefined {
    return this.operandPlaces[index];
  }

  transfer(from: Place, to: Place): void {
    this.copy(from, to);
  }

  temporary(like: Place): Place {
    const layout = plainLayout(like.layout.elem, like.layout.shape);
    return { buffer: this.scratch(layout.elem, layout.size), layout, dtype: like.dtype };
  }

  region(region: Graph, params: readonly Place[], destinations: readonly (Destination | undefined)[]): readonly Place[] {
    return new Lowering(region, this.target, this.schedules, this.open, params).run(destinations);
  }

  isReadLate(op: Op): boolean {
    const { ops } = this.graph;
    return ops.slice(ops.indexOf(op) + 1).some((later) => writesState(later, op.attrs["name"]) && outlives(this.graph, op.result, later));
  }

  setResult(value: Value, at: Place): void {
    this.places.set(value, at);
  }

  /** A length that lies in a word already. */
  know(of: Place, extent: OpenExtent): void {
    this.lengths.set(of, [...(this.lengths.get(of) ?? []), extent]);
  }

  length(of: Place, most: number): OpenExtent {
    const known = this.lengths.get(of)?.find((extent) => extent.most === most);
    if (known) return known;
    const extent = this.open.extent(most);
    this.call(lengthToWord(of.layout.elem, of.layout.size, most, this.target, this.current?.loc ?? []), { x: of.buffer, y: extent.word });
    this.know(of, extent);
    return extent;
  }
}

function place(value: Value, buffer: Buffer, layout: Layout): Place {
  return { buffer, layout, dtype: storedDtype(value) };
}

/** Texts are numbers in memory. */
function storedDtype({ type: { dtype } }: Value): DType {
  return dtype === "string" ? "i32" : dtype;
}

/** 4-bit tensors are packed at the border and a byte an element inside; all other dtypes are stored as they cross it. */
function crossesAsStored(value: Value): boolean {
  return value.type.dtype !== "i4" && value.type.dtype !== "u4";
}

function borderBytes(value: Value): number {
  return elementCount(shapeOf(value)) * ELEM_BYTES[elemOf(value)];
}

function portOf(value: Value, name: string): Port {
  const elem = ELEM_OF[value.type.dtype];
  return { name, dtype: value.type.dtype, shape: shapeOf(value), elem, bytes: borderBytes(value) };
}

export function outputName(graph: Graph, index: number): string {
  const names = graph.terminator.attrs["names"] as readonly string[] | undefined;
  return names?.[index] || graph.outputs[index]!.name || `output${index}`;
}

/** Multiply-accumulates of one op. */
export function opMacs(op: Op): number {
  const types = Object.fromEntries(
    (op.def.operands as readonly string[]).map((d, i) => [
      d.replace(/[?*]$/, ""),
      d.endsWith("*") ? op.operands.slice(i).map((v) => v!.type) : op.operands[i]?.type,
    ]),
  );
  return op.def.macs(types as never, op.attrs as never, op.results.map((v) => v.type) as never);
}

function bytesOf(data: ArrayBufferView): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
