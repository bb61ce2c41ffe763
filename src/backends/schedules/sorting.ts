import { sort, topK } from "../../ir/ops/sorting.ts";
import { elementCount, isFloat, type DType } from "../../ir/types.ts";
import { I32, scalar, type KernelBuilder, type Term } from "../../kernel/build.ts";
import { ELEM_BYTES } from "../../kernel/kernel.ts";
import type { Op } from "../../ir/graph.ts";
import type { LowerContext, Schedule } from "../schedule.ts";
import { emitSort } from "./bitonic.ts";
import { declare, kernelOf, times } from "./gather.ts";
import { copyRun, unitOfRun } from "./indexing.ts";
import { emitNest } from "./nest.ts";
import { normalAxes } from "./movement.ts";
import { loadElement, registerElem } from "./storage.ts";

/** Integers in the order of the elements: NaN the greatest, -0 and 0 equal. */
function keyOf(b: KernelBuilder, dtype: DType, x: Term): Term {
  const isLong = registerElem(dtype) === "i64" || registerElem(dtype) === "f64";
  const type = scalar(isLong ? "i64" : "i32");
  const c = (value: bigint): Term => b.constant(type, isLong ? value : Number(value));
  const [least, most, shift] = isLong ? [-(2n ** 63n), 2n ** 63n - 1n, 63] : [-(2n ** 31n), 2n ** 31n - 1n, 31];
  if (dtype === "u64" || dtype === "u32") return b.op("xor", type, [x, c(least)]);
  if (!isFloat(dtype)) return x;
  const bits = b.let("b", b.op("bitcast", type, [b.add(x, b.constant(x.type, 0))]));
  const flipped = b.op("and", type, [b.op("shrS", type, [bits], [shift]), c(most)]);
  return b.select(b.compare("ne", x, x), c(most), b.op("xor", type, [bits, flipped]));
}

/** Each line is sorted as keys and places in a buffer of its own; the first k places then say what to copy. */
function lowerSort(op: Op, context: LowerContext, k: number, descending: boolean): void {
  const [x, values, indices] = [context.operand(op, "x")!, context.result(op, 0), context.result(op, 1)];
  if (elementCount(values.layout.shape) === 0) return;
  const { shape, elem } = x.layout;
  const [axis] = normalAxes([op.attrs["axis"] as number], shape.length) as [number];
  const [outer, n, inner] = [elementCount(shape.slice(0, axis)), shape[axis]!, elementCount(shape.slice(axis + 1))];
  const b = kernelOf(op, context, `${shape.join("x")}_axis${axis}_k${k}${descending ? "_descending" : ""}`);
  const isLong = ELEM_BYTES[elem] === 8;
  const lanes = isLong ? 1 : b.lanes;
  const powerFor = (count: number): number => Math.max(lanes, 2 ** Math.ceil(Math.log2(count)));
  const block = Math.min(powerFor(n), powerFor(k));
  const size = Math.ceil(n / block) * block;
  const keyType = scalar(isLong ? "i64" : "i32");
  declare(b, { x, y: values, indices }, ["y", "indices"]);
  const [keys, places] = [b.param("keys", isLong ? "i64" : "i32", size, "inout"), b.param("places", "i32", size, "inout")];

  const unit = unitOfRun(elem, 1, 1);
  const scaled = (count: number): number => count * unit.count;
  const [read, source] = [b.cursor("x", "x"), b.cursor("s", "x", 0, unit.elem)];
  const [key, place] = [b.cursor("k", keys), b.cursor("p", places)];
  const [to, index] = [b.cursor("y", "y", 0, unit.elem), b.cursor("i", "indices")];
  const lines = [
    { trips: outer, steps: [n * inner, scaled(n * inner), scaled(k * inner), k * inner] },
    { trips: inner, steps: [1, unit.count, unit.count, 1] },
  ];
  emitNest(b, lines, [read, source, to, index], () => {
    const count = b.let("c", b.constant(I32, 0));
    b.loop("e", n, { [read]: inner, [key]: 1, [place]: 1 }, () => {
      const own = b.let("k", keyOf(b, x.dtype, b.let("x", loadElement(b, x.dtype, 1, read))));
      b.store(key, 0, descending ? b.op("not", keyType, [own]) : own);
      b.store(place, 0, count);
      b.set(count, b.add(count, b.constant(I32, 1)));
    });
    // What fills the last block comes behind everything.
    for (const [cursor, type] of [
      [key, keyType],
      [place, I32],
    ] as const) {
      const most = b.constant(type, type === I32 || !isLong ? 2 ** 31 - 1 : 2n ** 63n - 1n);
      if (size > n) {
        const fill = b.cursor("f", cursor === key ? keys : places, n);
        b.loop("f", size - n, { [fill]: 1 }, () => b.store(fill, 0, most));
      }
    }
    emitSort(b, { keys, places, elem: isLong ? "i64" : "i32", size, block, lanes });
    b.loop("e", k, { [place]: 1, [to]: scaled(inner), [index]: inner }, () => {
      const at = b.let("p", b.pmin(b.pmax(b.load(I32, place), b.constant(I32, 0)), b.constant(I32, n - 1)));
      b.store(index, 0, b.op("convert", scalar("i64"), [at]));
      copyRun(b, unit, source, to, times(b, at, scaled(inner)));
    });
  });
  context.call(b.finish(), {
    x: x.buffer,
    y: values.buffer,
    indices: indices.buffer,
    keys: context.scratch(isLong ? "i64" : "i32", size),
    places: context.scratch("i32", size),
  });
}

export const topKSchedule: Schedule = {
  ops: [topK],
  lower: (op, context) => lowerSort(op, context, op.attrs["k"] as number, op.attrs["largest"] as boolean),
};

export const sortSchedule: Schedule = {
  ops: [sort],
  lower: (op, context) => lowerSort(op, context, op.results[0]!.type.shape.at(op.attrs["axis"] as number) as number, op.attrs["descending"] as boolean),
};
