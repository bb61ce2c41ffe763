import { expect } from "vitest";
import { Builder } from "../../../src/ir/builder.ts";
import { Value, type Op } from "../../../src/ir/graph.ts";
import { constant } from "../../../src/ir/ops/control.ts";
import type { AnyOpDef } from "../../../src/ir/op-def.ts";
import { tensor, type Data, type NumericData } from "../../../src/ir/tensor.ts";
import { elementCount, isFloat, tensorType, type DType } from "../../../src/ir/types.ts";
import { interpretKernel } from "../../../src/kernel/interpret-kernel.ts";
import type { Elem, Kernel } from "../../../src/kernel/kernel.ts";
import { target } from "../../executors/targets.ts";
import { verifyKernel } from "../../../src/kernel/verify-kernel.ts";
import { elemOf, layoutOf, shapeOf, wishesOf } from "../../../src/backends/assign-layouts.ts";
import { arrange, storeFor } from "../../../src/backends/constant-data.ts";
import { addressOf, equalLayouts, imageLayout, plainLayout, type Layout } from "../../../src/backends/layout.ts";
import type { Buffer, LowerContext, Place, Schedule, Wish } from "../../../src/backends/schedule.ts";
import { lanesOf, type TargetProfile } from "../../../src/target/profile.ts";
import { targetOf } from "../synthetic-target.ts";

type Store = ReturnType<typeof storeFor>;

export interface Operand {
  readonly shape: readonly number[];
  readonly dtype?: DType;
  readonly data?: Data;
  /** Known at compile time. */
  readonly constant?: boolean;
}

export interface Case {
  readonly def: AnyOpDef;
  readonly schedule: Schedule;
  readonly operands: Readonly<Record<string, Operand | undefined>>;
  readonly attrs?: Readonly<Record<string, unknown>>;
  /** Layout of results where the schedule wishes an image: an image with a margin, or plain all the same. */
  readonly plainResults?: boolean;
}

/** Small numbers from a seed, so that a failure can be repeated. */
export function randomNumbers(count: number, seed: number): Float64Array {
  let state = (seed * 2654435761) >>> 0 || 1;
  return Float64Array.from({ length: count }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return Math.fround((state / 2 ** 32) * 2 - 1);
  });
}

/** All targets that dense schedules must work for. */
export const TARGETS: readonly TargetProfile[] = [
  ...[4, 8, 16].flatMap((lanes) => [0, 4, 8, 16].map((block) => targetOf(lanes, block))),
  targetOf(4, 0, { name: "wasm", kind: "wasm", registers: 15, fma: "no", pressure: "hoist", unrollK: 1, prefetch: false }),
  targetOf(1, 0, { name: "scalar", registers: 32, fma: "no", unrollK: 1 }),
  ...["x86-64-v2", "x86-64-v4", "arm64", "armv7"].map(target),
];

interface Memory extends Buffer {
  readonly elem: Elem;
  readonly store: Store;
}

/** Lowers one op into buffers that are poisoned where nothing may be read, runs its kernels, and compares with the op's definition. */
export function checkCase(test: Case, target: TargetProfile): readonly Kernel[] {
  const { op, data } = makeOp(test);
  const run = new LoweredOp(op, data, test, target);
  test.schedule.lower(op, run);
  const want = test.def.evaluate(
    named(op, (i) => data[i]) as never,
    op.attrs as never,
    op.results.map((r) => r.type) as never,
    named(op, (i) => op.operands[i]?.type) as never,
  );
  op.results.forEach((result, i) => {
    const wanted = tensor(result.type.dtype, shapeOf(result), want[i]!).data as NumericData;
    const got = run.read(run.results[i]!);
    const { abs, rel } = test.def.tolerance;
    for (let at = 0; at < wanted.length; at++) {
      const [g, w] = [Number(got[at]), Number(wanted[at])];
      const near = Object.is(g, w) || Math.abs(g - w) <= abs * 4 + rel * 4 * Math.abs(w);
      if (!near) expect.fail(`${target.name} ${op.name} result ${i} element ${at} is ${g}, want ${w}; kernels ${run.kernels.map((k) => k.name).join(", ")}`);
    }
  });
  return run.kernels;
}

function makeOp(test: Case): { op: Op; data: (Data | undefined)[] } {
  const data: (Data | undefined)[] = [];
  const values: Record<string, Value> = {};
  const builder = new Builder();
  let seed = 1;
  for (const declaration of test.def.operands as readonly string[]) {
    const name = declaration.replace(/[?*]$/, "");
    const operand = test.operands[name];
    data.push(undefined);
    if (!operand) continue;
    const dtype = operand.dtype ?? "f32";
    const numbers = randomNumbers(elementCount(operand.shape), seed++);
    const scaled = isFloat(dtype) ? numbers : dtype === "bool" ? numbers.map((x) => (x > 0 ? 1 : 0)) : numbers.map((x) => Math.round(x * 20));
    data[data.length - 1] = operand.data ?? tensor(dtype, operand.shape, scaled).data;
    const type = { dtype, shape: operand.shape };
    const value = operand.constant ? builder.create(constant, {}, { value: { type, data: data.at(-1)! } }) : new Value(tensorType(dtype, operand.shape));
    value.name = name;
    values[name] = value;
  }
  builder.createAll(test.def, values, test.attrs as never);
  return { op: builder.ops.at(-1)!, data };
}

function named(op: Op, at: (index: number) => unknown): Record<string, unknown> {
  return Object.fromEntries((op.def.operands as readonly string[]).map((d, i) => [d.replace(/[?*]$/, ""), at(i)]));
}

class LoweredOp implements LowerContext {
  readonly target: TargetProfile;
  readonly kernels: Kernel[] = [];
  readonly results: Place[];
  private readonly op: Op;
  private readonly operandPlaces: (Place | undefined)[];
  private ids = 0;

  constructor(op: Op, data: readonly (Data | undefined)[], test: Case, target: TargetProfile) {
    this.op = op;
    this.target = target;
    const wishes = wishesOf(op, test.schedule, target);
    const constants = Object.entries(test.operands).flatMap(([name, o]) => (o?.constant ? [name] : []));
    this.operandPlaces = op.operands.map((value, i) => {
      if (!value) return undefined;
      const layout = layoutFor(value, wishes.operands[i]!, target, 1);
      const place = this.place(layout, value.type.dtype, arrangePoisoned(data[i]!, value.type.dtype, layout));
      return constants.includes(value.name) ? { ...place, constant: data[i]! } : place;
    });
    this.results = op.results.map((value, i) => {
      const layout = test.plainResults ? plainLayout(elemOf(value), shapeOf(value), 0) : layoutFor(value, wishes.results[i]!, target, 0);
      return this.place(layout, value.type.dtype, poisoned(layout.elem, layout.size));
    });
  }

  operand(_: Op, name: string): Place | undefined {
    const { op } = this;
    const value = op.operand(name);
    return value ? this.operandPlaces[op.operands.indexOf(value)] : undefined;
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
    const data = this.read(from) as Data;
    return { ...this.place(layout, from.dtype, arrangePoisoned(data, from.dtype, layout)), ...(from.constant ? { constant: from.constant } : {}) };
  }

  endOfMask(): undefined {
    return undefined;
  }

  length(): never {
    throw new Error("no op of these tests is open");
  }

  call(kernel: Kernel, args: Readonly<Record<string, Buffer>>): void {
    expect(verifyKernel(kernel, this.target), kernel.name).toEqual([]);
    this.kernels.push(kernel);
    for (const param of kernel.params)
      expect((args[param.name] as Memory | undefined)?.store.length, `${kernel.name} ${param.name}`).toBeGreaterThanOrEqual(param.size);
    interpretKernel(kernel, Object.fromEntries(kernel.params.map((param) => [param.name, (args[param.name] as Memory).store])));
  }

  read(place: Place): ArrayLike<number | bigint> {
    const { layout } = place;
    const store = (place.buffer as Memory).store;
    const out = storeFor(layout.elem, elementCount(layout.shape));
    const index = layout.shape.map(() => 0);
    for (let i = 0; i < out.length; i++) {
      out[i] = store[addressOf(layout, index)]!;
      for (let a = index.length - 1; a >= 0 && ++index[a]! === layout.shape[a]; a--) index[a] = 0;
    }
    return out as ArrayLike<number | bigint>;
  }

  private place(layout: Layout, dtype: DType, store: Store): Place {
    return { buffer: this.buffer(layout.elem, store), layout, dtype };
  }

  private buffer(elem: Elem, store: Store): Memory {
    return { id: this.ids++, elem, store };
  }
}

function layoutFor(value: Value, wish: Wish, target: TargetProfile, margin: number): Layout {
  const rank = shapeOf(value).length;
  if (wish.kind === "image" && (rank === 3 || rank === 4)) {
    const [top, right, bottom, left] = wish.halo;
    const more = rank === 4 ? margin : 0;
    return imageLayout(elemOf(value), shapeOf(value), target.imageBlock, lanesOf(target), [top + more, right + margin, bottom, left + margin], wish.fill);
  }
  return layoutOf(value, { kind: "plain" }, target);
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
