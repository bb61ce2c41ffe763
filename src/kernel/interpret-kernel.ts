import { InternalError } from "../support/errors.ts";
import { Evaluator, viewOf, type Pointer } from "./evaluate.ts";
import { ELEM_BYTES, type Elem, type Kernel, type Stmt, type Trips } from "./kernel.ts";

export interface InterpretOptions {
  /** `madd` of f32 rounds once in fast kernels, as on targets with FMA. */
  readonly fused?: boolean;
  readonly extents?: Readonly<Record<string, number>>;
  /** Iterations of the parallel loop: from the first up to, not including, the last. */
  readonly range?: readonly [number, number];
}

/** Runs a kernel over buffers by parameter name. Each access is checked; ranges that printers rely on, too. */
export function interpretKernel(kernel: Kernel, buffers: Readonly<Record<string, ArrayBufferView>>, options: InterpretOptions = {}): void {
  bindKernel(kernel, buffers, options.fused ?? false)(options.extents, options.range);
}

/** A kernel over its buffers, ready to run any number of times. */
export type BoundKernel = (extents?: Readonly<Record<string, number>>, range?: readonly [number, number]) => void;

/**
 * Compiles a kernel to closures over these buffers, which may overlap. A buffer that lies at an address which does not suit its
 * elements is copied in and out.
 */
export function bindKernel(kernel: Kernel, buffers: Readonly<Record<string, ArrayBufferView>>, fused: boolean): BoundKernel {
  const memory = new Map(kernel.params.map((param) => [param.name, alignedBytes(kernel, param.name, buffers[param.name])]));
  const pointers = new Map<string, Pointer>();
  for (const [name, cursor] of Object.entries(kernel.cursors)) {
    const param = kernel.params.find((p) => p.name === cursor.param);
    if (!param) throw new InternalError(kernel.name, `cursor ${name} walks over ${cursor.param}, which is no parameter`);
    const bytes = memory.get(param.name)!.bytes;
    const size = Math.floor((param.size * ELEM_BYTES[param.elem]) / ELEM_BYTES[cursor.elem]);
    pointers.set(name, { name, param: param.name, elem: cursor.elem, view: viewOf(cursor.elem, bytes.buffer, bytes.byteOffset, size), at: 0 });
  }
  const program = new KernelCode(kernel, pointers, fused && kernel.mode === "fast");
  const moved = [...memory.values()].filter((m) => m.original);
  return (extents = {}, range) => {
    for (const { bytes, original } of moved) bytes.set(original!);
    program.run(extents, range);
    for (const { bytes, original, written } of moved) if (written) original!.set(bytes);
  };
}

interface Memory {
  readonly bytes: Uint8Array;
  readonly original?: Uint8Array;
  readonly written: boolean;
}

function alignedBytes(kernel: Kernel, name: string, buffer: ArrayBufferView | undefined): Memory {
  const param = kernel.params.find((p) => p.name === name)!;
  const wanted = param.size * ELEM_BYTES[param.elem];
  if (!buffer) throw new InternalError(kernel.name, `no buffer for parameter ${name}`);
  if (buffer.byteLength < wanted) throw new InternalError(kernel.name, `parameter ${name} has ${buffer.byteLength} bytes, wants ${wanted}`);
  const bytes = new Uint8Array(buffer.buffer, buffer.byteOffset, wanted);
  const elems: Elem[] = [param.elem, ...Object.values(kernel.cursors).flatMap((c) => (c.param === name ? [c.elem] : []))];
  const align = Math.max(...elems.map((elem) => ELEM_BYTES[elem]));
  const written = param.access !== "in";
  return bytes.byteOffset % align === 0 ? { bytes, written } : { bytes: new Uint8Array(wanted), original: bytes, written };
}

class KernelCode {
  private readonly kernel: Kernel;
  private readonly pointers: ReadonlyMap<string, Pointer>;
  private readonly evaluator: Evaluator;
  private readonly body: () => void;
  private extents: Readonly<Record<string, number>> = {};
  private range: readonly [number, number] | undefined;

  constructor(kernel: Kernel, pointers: ReadonlyMap<string, Pointer>, fused: boolean) {
    this.kernel = kernel;
    this.pointers = pointers;
    this.evaluator = new Evaluator(kernel, pointers, fused);
    this.body = this.sequence(kernel.body);
  }

  run(extents: Readonly<Record<string, number>>, range: readonly [number, number] | undefined): void {
    this.extents = extents;
    this.range = range;
    for (const [name, cursor] of Object.entries(this.kernel.cursors)) this.pointers.get(name)!.at = cursor.base;
    this.body();
  }

  private sequence(stmts: readonly Stmt[]): () => void {
    const steps = stmts.flatMap((stmt) => this.statement(stmt) ?? []);
    const [first, second] = steps;
    if (!first) return () => undefined;
    if (!second) return first;
    return () => {
      for (let i = 0; i < steps.length; i++) steps[i]!();
    };
  }

  private statement(stmt: Stmt): (() => void) | undefined {
    switch (stmt.kind) {
      case "set":
        return this.evaluator.set(stmt.reg, stmt.value);
      case "store":
        return this.evaluator.store(stmt.type, stmt.at, stmt.value);
      case "for":
        return this.loop(stmt);
      case "prefetch":
      case "launder":
        return undefined;
    }
  }

  private loop(stmt: Extract<Stmt, { kind: "for" }>): () => void {
    const moving = Object.entries(this.kernel.cursors).flatMap(([name, cursor]) => {
      const step = cursor.steps[stmt.name] ?? 0;
      return step === 0 ? [] : [{ pointer: this.pointers.get(name)!, step }];
    });
    const body = this.sequence(stmt.body);
    return () => {
      const trips = this.trips(stmt.trips);
      const [first, last] = stmt.mode === "parallel" && this.range ? this.range : [0, trips];
      if (first < 0 || last > trips) throw new InternalError(this.kernel.name, `range [${first}, ${last}) leaves the ${trips} trips of ${stmt.name}`);
      for (const { pointer, step } of moving) pointer.at += first * step;
      for (let i = first; i < last; i++) {
        body();
        for (let m = 0; m < moving.length; m++) moving[m]!.pointer.at += moving[m]!.step;
      }
      for (const { pointer, step } of moving) pointer.at -= Math.max(first, last) * step;
    };
  }

  private trips(trips: Trips): number {
    if (typeof trips === "number") return trips;
    const extent = this.extents[trips.extent];
    if (extent === undefined) throw new InternalError(this.kernel.name, `no value for extent ${trips.extent}`);
    const count = Math.ceil(extent / trips.per);
    if (count < 0 || count > trips.max)
      throw new InternalError(this.kernel.name, `extent ${trips.extent} = ${extent} gives ${count} trips, at most ${trips.max}`);
    return count;
  }
}
