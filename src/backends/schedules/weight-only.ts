import { weightOnlyLinear } from "../../ir/ops/weight-only.ts";
import type { Data } from "../../ir/tensor.ts";
import { integerRange } from "../../ir/types.ts";
import { lanesOf } from "../../target/profile.ts";
import { shapeOf } from "../assign-layouts.ts";
import type { Buffer, LowerContext, Place, Schedule } from "../schedule.ts";
import { weightOnlyKernel, type WeightOnly } from "./weight-only-kernel.ts";

/** Vectors of columns that a panel has. */
const VECTORS = 2;

/**
 * Codes of constant weights are packed by panels of columns, two codes of 4 bits to a byte; the columns that fill no vector, and all of
 * weights that are computed, are read row by row as they are.
 */
export const weightOnlySchedule: Schedule = {
  ops: [weightOnlyLinear],
  lower(op, context) {
    const [n, k] = shapeOf(op.operands[1]!) as [number, number];
    const m = shapeOf(op.operands[0]!)
      .slice(0, -1)
      .reduce((rows, dim) => rows * dim, 1);
    const y = context.result(op);
    if (m * n === 0) return;
    const given: Given = {
      w: context.operand(op, "w")!,
      scale: context.operand(op, "scale")!,
      zeroPoint: context.operand(op, "zeroPoint"),
      bias: context.operand(op, "bias"),
    };
    const lanes = lanesOf(context.target);
    const rest: Omit<WeightOnly, "first" | "count" | "lanes" | "vectors"> = {
      ...{ loc: op.loc, dtype: given.w.dtype, m, k, n, block: op.attrs["block"] as number, bias: given.bias !== undefined },
      zeroPoint: given.zeroPoint ? "each" : 0,
    };
    const x = context.operand(op, "x")!.buffer;
    if (!isConstant(given) || k === 0) {
      const kernel = weightOnlyKernel({ ...rest, first: 0, count: n, lanes: 1, vectors: 1 }, context.target);
      return context.call(kernel, { x, y: y.buffer, ...raw(given) });
    }
    let first = 0;
    for (const [width, vectors] of [[lanes, VECTORS] as const, [lanes, 1] as const, [1, 1] as const]) {
      const each = width * vectors;
      const count = Math.floor((n - first) / each) * each;
      if (count === 0) continue;
      const part = packed({ ...rest, first, count, lanes: width, vectors }, given, context);
      context.call(weightOnlyKernel(part.kernel, context.target), { x, y: y.buffer, ...part.args });
      first += count;
    }
  },
};

interface Given {
  readonly w: Place;
  readonly scale: Place;
  readonly zeroPoint: Place | undefined;
  readonly bias: Place | undefined;
}

function isConstant({ w, scale, zeroPoint, bias }: Given): boolean {
  return [w, scale, zeroPoint, bias].every((place) => !place || place.constant !== undefined);
}

function raw({ w, scale, zeroPoint, bias }: Given): Readonly<Record<string, Buffer>> {
  return { w: w.buffer, scale: scale.buffer, ...(zeroPoint ? { zeroPoint: zeroPoint.buffer } : {}), ...(bias ? { bias: bias.buffer } : {}) };
}

/** Columns `first` to `first + count` as a kernel of so many lanes reads them. */
function packed(c: WeightOnly, given: Given, context: LowerContext): { readonly kernel: WeightOnly; readonly args: Readonly<Record<string, Buffer>> } {
  const { first, count, lanes, vectors, k, block } = c;
  const width = lanes * vectors;
  const blocks = k / block;
  const from = numbers(given.w.constant!);
  const low = integerRange(c.dtype)[0];
  const isNibble = c.dtype === "u4" || c.dtype === "i4";
  const halves = isNibble && lanes > 1 && block % 2 === 0;
  // Codes of 4 bits lose their sign: zero points move along.
  const shift = isNibble ? -low : 0;
  const zeros = given.zeroPoint ? numbers(given.zeroPoint.constant!) : undefined;
  const zeroAt = (column: number, b: number): number => (zeros ? zeros[column * blocks + b]! : 0) + shift;
  const single = uniform(count * blocks, (i) => zeroAt(first + Math.floor(i / blocks), i % blocks));
  const kernel: WeightOnly = { ...c, dtype: halves ? "u4" : isNibble ? "u8" : c.dtype, zeroPoint: single ?? "each" };

  // Rows of a panel: one number for each of its columns.
  const rows = <T extends Float32Array | Uint8Array | Int8Array>(made: T, perPanel: number, at: (column: number, row: number) => number): T => {
    for (let panel = 0, to = 0; panel < count / width; panel++)
      for (let row = 0; row < perPanel; row++) for (let column = 0; column < width; column++) made[to++] = at(first + panel * width + column, row);
    return made;
  };
  const code = (column: number, row: number): number => from[column * k + row]! + shift;
  const codes = halves
    ? rows(new Uint8Array((count * k) / 2), k / 2, (column, row) => code(column, 2 * row) | (code(column, 2 * row + 1) << 4))
    : rows(kernel.dtype === "i8" ? new Int8Array(count * k) : new Uint8Array(count * k), k, code);
  const scales = numbers(given.scale.constant!);
  const bias = given.bias && numbers(given.bias.constant!);
  return {
    kernel,
    args: {
      w: context.weights(kernel.dtype === "i8" ? "i8" : "u8", codes),
      scale: context.weights(
        "f32",
        rows(new Float32Array(count * blocks), blocks, (column, b) => scales[column * blocks + b]!),
      ),
      ...(single === undefined ? { zeroPoint: context.weights(lanes > 1 ? "f32" : kernel.dtype === "i8" ? "i8" : "u8", zeroRows()) } : {}),
      ...(bias
        ? {
            bias: context.weights(
              "f32",
              Float32Array.from({ length: count }, (_, i) => bias[first + i]!),
            ),
          }
        : {}),
    },
  };

  function zeroRows(): Float32Array | Uint8Array | Int8Array {
    if (lanes > 1) return rows(new Float32Array(count * blocks), blocks, zeroAt);
    return rows(kernel.dtype === "i8" ? new Int8Array(count * blocks) : new Uint8Array(count * blocks), blocks, zeroAt);
  }
}

function numbers(data: Data): ArrayLike<number> {
  return data as Exclude<Data, BigInt64Array | BigUint64Array | string[]>;
}

function uniform(length: number, at: (index: number) => number): number | undefined {
  const first = at(0);
  for (let i = 1; i < length; i++) if (at(i) !== first) return undefined;
  return first;
}
