import { expect } from "vitest";
import { elemOf, layoutOf, shapeOf, wishesOf } from "../../../src/backends/assign-layouts.ts";
import { arrange, storeFor } from "../../../src/backends/constant-data.ts";
import { addressOf, equalLayouts, imageLayout, plainLayout, type Layout } from "../../../src/backends/layout.ts";
import type { Buffer, LowerContext, Place, Schedule, Wish } from "../../../src/backends/schedule.ts";
import type { OpenBuffer, OpenExtent } from "../../../src/backends/open-steps.ts";
import { Builder, namedOperands } from "../../../src/ir/builder.ts";
import { Value, type Op } from "../../../src/ir/graph.ts";
import { operandSlot, type AnyOpDef, type Sample } from "../../../src/ir/op-def.ts";
import { decodeData, tensor, type Data } from "../../../src/ir/tensor.ts";
import { elementCount, isFloat, tensorType, type DType, type StaticType } from "../../../src/ir/types.ts";
import { interpretKernel } from "../../../src/kernel/interpret-kernel.ts";
import type { Elem, Kernel } from "../../../src/kernel/kernel.ts";
import { verifyKernel } from "../../../src/kernel/verify-kernel.ts";
import { lanesOf, type TargetProfile } from "../../../src/target/profile.ts";
import { targetOf } from "../synthetic-target.ts";

type Store = ReturnType<typeof storeFor>;

export const TARGETS: readonly TargetProfile[] = [targetOf(1, 1), targetOf(4, 0), targetOf(4, 4), targetOf(8, 8), targetOf(16, 16), targetOf(16, 0)];

/** Numbers in [0, 1) from a seed, so that a failure can be repeated. */
export function randomNumbers(count: number, seed: number): Float64Array {
  let state = (seed * 2654435761) >>> 0 || 1;
  return Float64Array.from({ length: count }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 2 ** 32;
  });
}

export interface Operand {
  readonly type: StaticType;
  readonly data: Data;
}

/** "2x3xf32", "5xi64 in -3..3": data of that type from a seed. */
export function operandOf(text: string, seed: number): Operand {
  const [, dims, dtype, range] = /^((?:\d+x)*)([a-z]+\d*)(?: in (.*))?$/.exec(text) as unknown as [string, string, DType, string | undefined];
  const shape = dims.split("x").filter(Boolean).map(Number);
  const unsigned = dtype.startsWith("u");
  const [low, high] = range ? range.split("..").map(Number) : isFloat(dtype) ? [-2, 2] : dtype === "bool" ? [0, 1] : unsigned ? [0, 9] : [-7, 7];
  const numbers = randomNumbers(elementCount(shape), seed).map((x) => (isFloat(dtype) ? low! + x * (high! - low!) : Math.floor(low! + x * (high! - low! + 1))));
  return { type: { dtype, shape }, data: tensor(dtype, shape, numbers).data };
}

export interface Run {
  readonly target: TargetProfile;
  /** Layout of everything that wishes "any". */
  readonly image?: boolean;
  /** Operands and results lie at the border: without slack. */
  readonly border?: boolean;
  /** Operands known at compile time. */
  readonly constants?: readonly string[];
  /** Puts the result over the first operand that has its layout. */
  readonly inPlace?: boolean;
}

/** Operands of a sample by name: types in text form, or ready data. */
export function operandsOf(def: AnyOpDef, sample: Sample): Record<string, Operand | Operand[] | undefined> {
  let seed = 7;
  const one = (given: unknown): Operand => (typeof given === "string" ? operandOf(given, seed++) : (given as Operand));
  return Object.fromEntries(
    (def.operands as readonly string[]).map((declaration) => {
      const { name } = operandSlot(declaration);
      const given = sample[name];
      return [name, given === undefined ? undefined : Array.isArray(given) ? given.map(one) : one(given)];
    }),
  );
}

/** Lowers one op into buffers that are poisoned where nothing may be read, runs its kernels, and compares with the op's definition. */
export function checkOp(def: AnyOpDef, schedule: Schedule, sample: Sample, run: Run): readonly Kernel[] {
  const operands = operandsOf(def, sample);
  const values = Object.fromEntries(Object.entries(operands).map(([name, o]) => [name, Array.isArray(o) ? o.map(valueOf) : o && valueOf(o)]));
  const builder = new Builder();
  builder.createAll(def, values, sample["attrs"] as never);
  const op = builder.ops[0]!;
  const data = (def.operands as readonly string[]).flatMap((declaration) => {
    const o = operands[operandSlot(declaration).name];
    return Array.isArray(o) ? o : [o];
  });
  const names = Object.entries(operands).flatMap(([name, o]) => (Array.isArray(o) ? o.map(() => name) : [name]));
  const named = <T>(list: readonly T[]) => namedOperands(def, list);
  const want = def.evaluate(
    named(data.map((o) => o?.data)) as never,
    op.attrs as never,
    op.results.map((r) => r.type) as never,
    named(data.map((o) => o?.type)) as never,
  );
  return compare(op, schedule, data, names, want, run);
}

export function compare(
  op: Op,
  schedule: Schedule,
  data: readonly (Operand | undefined)[],
  names: readonly string[],
  want: readonly ArrayLike<number | bigint | string>[],
  run: Run,
): readonly Kernel[] {
  const { def } = op;
  const lowered = new LoweredOp(op, data, names, schedule, run);
  schedule.lower(op, lowered);
  op.results.forEach((result, i) => {
    const wanted = tensor(result.type.dtype, shapeOf(result), want[i]!).data as ArrayLike<number | bigint>;
    const got = asData(lowered.read(lowered.results[i]!), result.type.dtype) as ArrayLike<number | bigint>;
    const { abs, rel } = result.type.dtype === "f16" ? { abs: 2e-3, rel: 2e-3 } : result.type.dtype === "bf16" ? { abs: 1e-2, rel: 1e-2 } : def.tolerance;
    for (let at = 0; at < wanted.length; at++) {
      const [g, w] = [got[at]!, wanted[at]!];
      const near = Object.is(g, w) || g === w || (typeof g === "number" && typeof w === "number" && Math.abs(g - w) <= abs + rel * Math.abs(w));
      if (!near)
        expect.fail(
          `${run.target.name} ${op.name} ${JSON.stringify(op.attrs)} result ${i} element ${at} is ${g}, want ${w}; kernels ${lowered.kernels.map((k) => k.name).join(", ")}`,
        );
    }
  });
  return lowered.kernels;
}

function valueOf({ type }: Operand): Value {
  return new Value(tensorType(type.dtype, type.shape, type.quant));
}

/** What the arena stores, as data of the graph. */
function asData(store: Store, dtype: DType): Data {
  const bytes = new Uint8Array(store.buffer, store.byteOffset, store.byteLength);
  return dtype === "i4" || dtype === "u4" ? (store as Int8Array) : decodeData(dtype, bytes, store.length);
}

interface Memory extends Buffer {
  readonly elem: Elem;
  readonly store: Store;
}

export class LoweredOp implements LowerContext {
  readonly target: TargetProfile;
  readonly kernels: Kernel[] = [];
  readonly results: Place[];
  private readonly operandPlaces: (Place | undefined)[];
  private ids = 0;
  private readonly lengths = new Map<string, number>();

  constructor(op: Op, data: readonly (Operand | undefined)[], names: readonly string[], schedule: Schedule, run: Run) {
    this.target = run.target;
    const wishes = wishesOf(op, schedule, run.target);
    this.operandPlaces = op.operands.map((value, i) => {
      if (!value) return undefined;
      const layout = layoutFor(value, wishes.operands[i]!, run, 1);
      const place = this.place(layout, value.type.dtype, arrangePoisoned(data[i]!.data, value.type.dtype, layout));
      return run.constants?.includes(names[i]!) ? { ...place, constant: data[i]!.data } : place;
    });
    this.results = op.results.map((value, i) => {
      const layout = layoutFor(value, wishes.results[i]!, run, 1);
      const over = run.inPlace && this.operandPlaces.find((p) => p && !p.constant && equalLayouts(p.layout, layout));
      return over ? { buffer: over.buffer, layout, dtype: value.type.dtype } : this.place(layout, value.type.dtype, poisoned(layout.elem, layout.size));
    });
  }

  operand(op: Op, name: string): Place | undefined {
    const index = op.def.operands.findIndex((declaration: string) => operandSlot(declaration).name === name);
    return this.operandPlaces[index];
  }

  variadic(op: Op): readonly Place[] {
    return this.operandPlaces.slice(op.def.operands.length - 1) as Place[];
  }

  result(_op: Op, index = 0): Place {
    return this.results[index]!;
  }

  weights(elem: Elem, data: ArrayBufferView): Buffer {
    return this.buffer(elem, data as Store);
  }

  scratch(elem: Elem, size: number): Buffer {
    return this.buffer(elem, poisoned(elem, size));
  }

  relayout(from: Place, layout: Layout): Place {
    if (equalLayouts(from.layout, layout)) return from;
    const data = asData(this.read(from), from.dtype);
    return { ...this.place(layout, from.dtype, arrangePoisoned(data, from.dtype, layout)), ...(from.constant ? { constant: from.constant } : {}) };
  }

  endOfMask(): undefined {
    return undefined;
  }

  length(of: Place, most: number): OpenExtent {
    const name = `n${this.lengths.size}`;
    this.lengths.set(name, Math.min(Math.max(Number(this.read(of)[0]), 0), most));
    return { name, most, isGiven: false, word: of.buffer as OpenBuffer };
  }

  call(kernel: Kernel, args: Readonly<Record<string, Buffer>>, extents: Readonly<Record<string, string>> = {}): void {
    expect(verifyKernel(kernel, this.target), kernel.name).toEqual([]);
    this.kernels.push(kernel);
    for (const param of kernel.params)
      expect((args[param.name] as Memory | undefined)?.store.length, `${kernel.name} ${param.name}`).toBeGreaterThanOrEqual(param.size);
    const lengths = Object.fromEntries(Object.entries(extents).map(([inside, name]) => [inside, this.lengths.get(name)!]));
    interpretKernel(kernel, Object.fromEntries(kernel.params.map((param) => [param.name, (args[param.name] as Memory).store])), { extents: lengths });
  }

  read(place: Place): Store {
    const { layout } = place;
    const { store } = place.buffer as Memory;
    const out = storeFor(layout.elem, elementCount(layout.shape));
    const index = layout.shape.map(() => 0);
    for (let i = 0; i < out.length; i++) {
      out[i] = store[addressOf(layout, index)]!;
      for (let a = index.length - 1; a >= 0 && ++index[a]! === layout.shape[a]; a--) index[a] = 0;
    }
    return out;
  }

  private place(layout: Layout, dtype: DType, store: Store): Place {
    return { buffer: this.buffer(layout.elem, store), layout, dtype };
  }

  private buffer(elem: Elem, store: Store): Memory {
    return { id: this.ids++, elem, store };
  }
}

function layoutFor(value: Value, wish: Wish, run: Run, margin: number): Layout {
  const shape = shapeOf(value);
  const isImage = shape.length === 3 || shape.length === 4;
  if (isImage && (wish.kind === "image" || (wish.kind === "any" && run.image))) {
    const [top, right, bottom, left] = wish.kind === "image" ? wish.halo : [0, 0, 0, 0];
    const more = shape.length === 4 ? margin : 0;
    return imageLayout(
      elemOf(value),
      shape,
      run.target.imageBlock,
      lanesOf(run.target),
      [top + more, right + margin, bottom, left + margin],
      wish.kind === "image" ? wish.fill : 0,
    );
  }
  return run.border ? plainLayout(elemOf(value), shape, 0) : layoutOf(value, { kind: "plain" }, run.target);
}

/** NaN, or a number that shows, everywhere. */
function poisoned(elem: Elem, size: number): Store {
  const store = storeFor(elem, size);
  (store as Float32Array).fill((elem === "f32" || elem === "f64" ? NaN : elem === "i64" ? -77n : 77) as number);
  return store;
}

/** Like `arrange`, but what is neither element nor halo is poison. */
function arrangePoisoned(data: Data, dtype: DType, layout: Layout): Store {
  const store = poisoned(layout.elem, layout.size) as Float32Array;
  const filled = arrange(data, dtype, layout) as Float32Array;
  const extents = layout.shape.map((dim, a) => dim + layout.halo[a]![0] + layout.halo[a]![1]);
  const index = extents.map(() => 0);
  for (let n = elementCount(extents); n > 0; n--) {
    const address = addressOf(
      layout,
      index.map((i, a) => i - layout.halo[a]![0]),
    );
    store[address] = filled[address]!;
    for (let a = index.length - 1; a >= 0 && ++index[a]! === extents[a]; a--) index[a] = 0;
  }
  return store;
}
