import type { Graph, Op, Value } from "../ir/graph.ts";
import type { AnyOpDef } from "../ir/op-def.ts";
import type { Data, Tensor } from "../ir/tensor.ts";
import { elementCount } from "../ir/types.ts";
import { ELEM_BYTES, type Elem, type Kernel } from "../kernel/kernel.ts";
import type { Port, Program, Slice, Step } from "../kernel/program.ts";
import { InternalError, NeoError } from "../support/errors.ts";
import type { TargetProfile } from "../target/profile.ts";
import { assignForms, ELEM_OF, elemOf, layoutOf, satisfies, shapeOf, wishesOf, type Form, type OpWishes } from "./assign-layouts.ts";
import { arrange } from "./constant-data.ts";
import { equalLayouts, plainLayout, viewAs, type Layout } from "./layout.ts";
import { planMemory, type Request } from "./plan-memory.ts";
import type { Buffer, LowerContext, Place, Schedule } from "./schedule.ts";
import { copyKernel } from "./schedules/copy.ts";
import { fillKernels } from "./schedules/fill.ts";
import { SCHEDULES } from "./schedules/index.ts";
import { contentHash, type WeightPool } from "./weight-pool.ts";

/** One planned buffer of the arena, for reports: which call made it, until which call it is read. */
export interface PlannedBuffer {
  readonly name: string;
  readonly offset: number;
  readonly bytes: number;
  readonly from: number;
  readonly to: number;
}

/** A call of the program in words: what `inspect` and `bench --profile` show. */
export interface CallInfo {
  readonly kernel: string;
  readonly op: string;
  readonly loc: readonly string[];
  readonly macs: number;
}

export interface Lowered {
  readonly program: Program;
  readonly memory: { readonly buffers: readonly PlannedBuffer[]; readonly plannedBytes: number; readonly lowerBoundBytes: number };
  readonly calls: readonly CallInfo[];
}

/** A buffer before the plan: constants become weight segments when a call first reads them. */
interface OpenBuffer extends Buffer {
  readonly name: string;
  readonly bytes: number;
  home:
    | { readonly space: "arena" }
    | { readonly space: "input" | "output"; readonly index: number }
    | { readonly space: "weights"; data: () => Uint8Array; segment?: number };
}

interface OpenCall {
  readonly kernel: string;
  readonly args: Record<string, { buffer: OpenBuffer; offset: number }>;
  readonly parts: number;
  readonly info: CallInfo;
}

/**
 * Graph of static types → program of kernels; its weights go into `pool`, which programs of one packing share.
 * Ops without a schedule are collected into one error. `graph` is not changed.
 */
export function lower(graph: Graph, target: TargetProfile, pool: WeightPool, schedules: readonly Schedule[] = SCHEDULES): Lowered {
  const byOp = new Map<AnyOpDef, Schedule>();
  for (const schedule of schedules) for (const def of schedule.ops) byOp.set(def, schedule);
  refuseUnscheduled(graph, byOp, target);
  const wishes = new Map(graph.ops.map((op) => [op, wishesOf(op, byOp.get(op.def), target)]));
  const lowering = new Lowering(graph, target, wishes, pool);
  for (const op of graph.ops) lowering.lowerOp(op, byOp.get(op.def));
  return lowering.finish();
}

/** Ops that lowering itself handles. */
const STRUCTURAL = new Set(["constant", "return", "reshape"]);

/** Whether `lower` knows what to do with this op on a CPU, as far as its name tells. */
export function isLowered({ name, def }: Pick<Op, "name" | "def">): boolean {
  return STRUCTURAL.has(name) || SCHEDULES.some((schedule) => schedule.ops.includes(def));
}

function refuseUnscheduled(graph: Graph, byOp: ReadonlyMap<AnyOpDef, Schedule>, target: TargetProfile): void {
  const missing = graph.ops.filter((op) => !STRUCTURAL.has(op.name) && !byOp.has(op.def));
  if (missing.length === 0) return;
  throw new NeoError({
    code: "NEO3100",
    message: `${missing.length} operation${missing.length > 1 ? "s have" : " has"} no kernel for the CPU of ${target.name}`,
    notes: missing.map((op) => ({ where: op.loc.join(", ") || op.results[0]?.name || op.name, text: op.name })),
    hint: "`neo check` lists all that is in the way; rewrite these nodes with other operators",
    awsName: "OperatorNotImplemented",
  });
}

class Lowering implements LowerContext {
  readonly target: TargetProfile;
  private readonly graph: Graph;
  private readonly wishes: ReadonlyMap<Op, OpWishes>;
  private readonly forms: ReadonlyMap<Value, Form>;
  private readonly places = new Map<Value, Place>();
  /** Copies of a place by layout. Keyed by the place, not its buffer: an op that works in place puts another tensor there. */
  private readonly relaid = new Map<Place, Map<string, Place>>();
  private readonly buffers: OpenBuffer[] = [];
  private readonly pool: WeightPool;
  private readonly calls: OpenCall[] = [];
  private readonly kernels = new Map<string, Kernel>();
  private readonly kernelByBody = new Map<string, string>();
  /** Operand places of the op at hand, in the layouts it wished for. */
  private operandPlaces: (Place | undefined)[] = [];
  private current: Op | undefined;
  private readonly usesLeft = new Map<Value, number>();
  private readonly outputOf = new Map<Value, number>();

  constructor(graph: Graph, target: TargetProfile, wishes: ReadonlyMap<Op, OpWishes>, pool: WeightPool) {
    this.pool = pool;
    this.graph = graph;
    this.target = target;
    this.wishes = wishes;
    this.forms = assignForms(graph, wishes);
    for (const op of graph.ops) for (const value of op.operands) if (value) this.usesLeft.set(value, (this.usesLeft.get(value) ?? 0) + 1);
    graph.params.forEach((value, index) => {
      const layout = plainLayout(elemOf(value), shapeOf(value), 0);
      const buffer = this.addBuffer(value.name || `input ${index}`, borderBytes(value), { space: "input", index });
      this.places.set(value, place(value, buffer, layout));
    });
    graph.outputs.forEach((value, index) => this.claimOutput(value, index));
  }

  /** An output tensor that some op computes plainly is computed in place, through any number of reshapes. */
  private claimOutput(value: Value, index: number): void {
    let root = value;
    while (root.producer?.name === "reshape" && !this.outputOf.has(root)) root = root.producer.operands[0]!;
    const free = root.producer && root.producer.name !== "constant" && !this.outputOf.has(root) && this.forms.get(root)?.kind === "plain";
    if (free && root.type.dtype === value.type.dtype && crossesAsStored(value)) this.outputOf.set(root, index);
  }

  lowerOp(op: Op, schedule: Schedule | undefined): void {
    this.current = op;
    if (op.name === "constant") return this.lowerConstant(op);
    if (op.name === "return") return this.lowerReturn(op);
    const wish = this.wishes.get(op)!;
    this.operandPlaces = op.operands.map((value, i) => (value ? this.operandPlace(op, value, wish, i) : undefined));
    if (op.name === "reshape") this.lowerReshape(op);
    else {
      op.results.forEach((value) => this.placeResult(op, value));
      schedule!.lower(op, this);
    }
    for (const value of op.operands) if (value) this.usesLeft.set(value, this.usesLeft.get(value)! - 1);
  }

  private lowerConstant(op: Op): void {
    const { data, type } = op.attrs["value"] as Tensor;
    this.places.set(op.result, this.constantPlace(data, op.result, plainLayout(elemOf(op.result), type.shape)));
  }

  private constantPlace(data: Data, value: Value, layout: Layout): Place {
    const buffer = this.addBuffer(value.name || "constant", layout.size * ELEM_BYTES[layout.elem], {
      space: "weights",
      data: () => bytesOf(arrange(data, value.type.dtype, layout)),
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
    const wanted: Form = wish.kind === "image" ? { kind: "image", halo: wish.halo, fill: wish.fill } : { kind: "plain" };
    return this.relayout(found, layoutOf(value, wanted, this.target));
  }

  private placeResult(op: Op, value: Value): void {
    const form = this.forms.get(value)!;
    const output = this.outputOf.get(value);
    const layout = output === undefined ? layoutOf(value, form, this.target) : plainLayout(elemOf(value), shapeOf(value), 0);
    const reused = output === undefined ? this.dyingOperand(op, layout) : undefined;
    const buffer =
      reused ??
      (output === undefined
        ? this.addBuffer(value.name || op.loc.join("+") || op.name, layout.size * ELEM_BYTES[layout.elem], { space: "arena" })
        : this.addBuffer(this.graph.outputs[output]!.name, layout.size * ELEM_BYTES[layout.elem], { space: "output", index: output }));
    this.places.set(value, place(value, buffer, layout));
    if (!reused) this.fillHalo(buffer, layout);
  }

  /** Elementwise ops read element i before they write element i, so they may write over an operand that dies here. */
  private dyingOperand(op: Op, layout: Layout): OpenBuffer | undefined {
    if (!op.def.elementwise && op.name !== "fused") return undefined;
    for (const [i, value] of op.operands.entries()) {
      const at = this.operandPlaces[i];
      if (!value || !at || at.constant || this.usesLeft.get(value) !== 1 || at !== this.places.get(value)) continue;
      const buffer = at.buffer as OpenBuffer;
      if (buffer.home.space === "arena" && equalLayouts(at.layout, layout) && !this.sharedBuffer(value)) return buffer;
    }
    return undefined;
  }

  /** A view of the same buffer is still to be read. */
  private sharedBuffer(value: Value): boolean {
    const buffer = this.places.get(value)!.buffer;
    for (const [other, at] of this.places) if (other !== value && at.buffer === buffer && (this.usesLeft.get(other) ?? 0) > 0) return true;
    return false;
  }

  private fillHalo(buffer: Buffer, layout: Layout): void {
    for (const kernel of fillKernels(layout, this.target)) this.call(kernel, { [kernel.params[0]!.name]: buffer });
  }

  private lowerReshape(op: Op): void {
    const [source, value] = [this.operandPlaces[0]!, op.result];
    if (source.constant) return void this.places.set(value, this.constantPlace(source.constant, value, plainLayout(source.layout.elem, shapeOf(value))));
    const view = viewAs(source.layout, shapeOf(value));
    const output = this.outputOf.get(value);
    if (view && output === undefined) return void this.places.set(value, place(value, source.buffer, view));
    this.placeResult(op, value);
    const flat = viewAs(this.places.get(value)!.layout, shapeOf(op.operands[0]!));
    if (!flat) throw new InternalError("lower", "a fresh plain result is always a view of any shape");
    this.copy(source, { ...this.places.get(value)!, layout: flat });
  }

  private lowerReturn(op: Op): void {
    op.operands.forEach((value, index) => {
      const source = this.places.get(value!)!;
      const home = (source.buffer as OpenBuffer).home;
      if (home.space === "output" && home.index === index) return;
      const layout = plainLayout(elemOf(value!), shapeOf(value!), 0);
      const buffer = this.addBuffer(value!.name || `output ${index}`, borderBytes(value!), { space: "output", index });
      this.copy(source, place(value!, buffer, layout));
    });
  }

  private copy(from: Place, to: Place): void {
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
    return this.addBuffer(`${elem} weights of ${this.current?.loc.join("+") ?? ""}`, bytes.length, { space: "weights", data: () => bytes });
  }

  scratch(elem: Elem, size: number): Buffer {
    return this.addBuffer(`scratch of ${this.current?.loc.join("+") || this.current?.name}`, size * ELEM_BYTES[elem], { space: "arena" });
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
      const buffer = this.addBuffer("constant", layout.size * ELEM_BYTES[layout.elem], { space: "weights", data: () => bytesOf(arrange(data, dtype, layout)) });
      to = { buffer, layout, dtype, constant: data };
    } else {
      const buffer = this.addBuffer(`${(from.buffer as OpenBuffer).name} relaid`, layout.size * ELEM_BYTES[layout.elem], { space: "arena" });
      to = { buffer, layout, dtype: from.dtype };
      this.fillHalo(buffer, layout);
      this.copy(from, to);
    }
    copies.set(key, to);
    this.relaid.set(from, copies);
    return to;
  }

  call(kernel: Kernel, args: Readonly<Record<string, Buffer>>): void {
    const bound: OpenCall["args"] = {};
    for (const param of kernel.params) {
      const buffer = args[param.name] as OpenBuffer | undefined;
      if (!buffer) throw new InternalError("lower", `${kernel.name} has no argument for ${param.name}`);
      bound[param.name] = { buffer, offset: 0 };
      if (buffer.home.space === "weights" && buffer.home.segment === undefined) buffer.home.segment = this.pool.add(buffer.home.data());
    }
    const op = this.current!;
    this.calls.push({
      kernel: this.addKernel(kernel),
      args: bound,
      parts: kernel.body.some((s) => s.kind === "for" && s.mode === "parallel") ? 2 : 1,
      info: { kernel: kernel.name, op: op.name, loc: op.loc, macs: opMacs(op) },
    });
  }

  private addBuffer(name: string, bytes: number, home: OpenBuffer["home"]): OpenBuffer {
    const buffer: OpenBuffer = { id: this.buffers.length, name, bytes, home };
    this.buffers.push(buffer);
    return buffer;
  }

  /** Equal bodies are stored once; other bodies of the same formula get a hash of the body behind the name. */
  private addKernel(kernel: Kernel): string {
    const body = JSON.stringify({ ...kernel, name: "", loc: [] }, exactNumbers);
    const known = this.kernelByBody.get(body);
    if (known) return known;
    const name = this.kernels.has(kernel.name)
      ? `${kernel.name}_${contentHash(new TextEncoder().encode(body)).toString(16).padStart(8, "0").slice(0, 4)}`
      : kernel.name;
    this.kernels.set(name, name === kernel.name ? kernel : { ...kernel, name });
    this.kernelByBody.set(body, name);
    return name;
  }

  finish(): Lowered {
    const requests = this.arenaRequests();
    const plan = planMemory(requests);
    const sliceOf = ({ buffer, offset }: { buffer: OpenBuffer; offset: number }): Slice => {
      const { home } = buffer;
      if (home.space === "arena") return { space: "arena", index: 0, offset: plan.offsets.get(buffer.id)! + offset };
      return { space: home.space, index: home.space === "weights" ? home.segment! : home.index, offset };
    };
    const steps: Step[] = this.calls.map((call) => ({
      kind: "call",
      kernel: call.kernel,
      args: Object.fromEntries(Object.entries(call.args).map(([name, arg]) => [name, sliceOf(arg)])),
      parts: call.parts,
    }));
    const byId = new Map(this.buffers.map((buffer) => [buffer.id, buffer]));
    return {
      program: {
        name: this.graph.name,
        inputs: this.graph.params.map((value, i) => portOf(value, value.name || `input${i}`)),
        outputs: this.graph.outputs.map((value, i) => portOf(value, outputName(this.graph, i))),
        steps,
        kernels: [...this.kernels.values()],
        extents: {},
        arenaBytes: plan.arenaBytes,
        stateBytes: 0,
        segments: this.pool.segments(),
      },
      memory: {
        buffers: requests.map((r) => ({ name: byId.get(r.id)!.name, offset: plan.offsets.get(r.id)!, bytes: r.bytes, from: r.firstUse, to: r.lastUse })),
        plannedBytes: plan.arenaBytes,
        lowerBoundBytes: plan.lowerBound,
      },
      calls: this.calls.map((call) => ({ ...call.info, kernel: call.kernel })),
    };
  }

  private arenaRequests(): Request[] {
    const lives = new Map<number, { bytes: number; firstUse: number; lastUse: number }>();
    this.calls.forEach((call, time) => {
      for (const { buffer } of Object.values(call.args)) {
        if (buffer.home.space !== "arena") continue;
        const life = lives.get(buffer.id);
        if (life) life.lastUse = time;
        else lives.set(buffer.id, { bytes: buffer.bytes, firstUse: time, lastUse: time });
      }
    });
    return [...lives].map(([id, life]) => ({ id, ...life }));
  }
}

function place(value: Value, buffer: Buffer, layout: Layout): Place {
  return { buffer, layout, dtype: value.type.dtype };
}

/** 4-bit tensors are packed at the border and a byte an element inside; all other dtypes are stored as they cross it. */
function crossesAsStored(value: Value): boolean {
  return value.type.dtype !== "i4" && value.type.dtype !== "u4";
}

function borderBytes(value: Value): number {
  return elementCount(shapeOf(value)) * ELEM_BYTES[elemOf(value)];
}

function portOf(value: Value, name: string): Port {
  const elem = ELEM_OF[value.type.dtype as keyof typeof ELEM_OF];
  return { name, dtype: value.type.dtype, shape: shapeOf(value), elem, bytes: borderBytes(value) };
}

export function outputName(graph: Graph, index: number): string {
  const names = graph.terminator.attrs["names"] as readonly string[] | undefined;
  return names?.[index] || graph.outputs[index]!.name || `output${index}`;
}

/** JSON knows no bigints, takes NaN and the infinities for null and -0 for 0. */
function exactNumbers(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return `${value}n`;
  return typeof value === "number" && (!Number.isFinite(value) || Object.is(value, -0)) ? `${Object.is(value, -0) ? "-0" : value}` : value;
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
