import { describe, test } from "vitest";
import { pool } from "../../../src/ir/ops/window.ts";
import { poolSchedule } from "../../../src/backends/schedules/pool.ts";
import { checkCase, TARGETS } from "./lowered.ts";

const POOLS: readonly { x: readonly number[]; attrs: Record<string, unknown>; dtype?: "u8" | "i8" | "i32" | "f64" | "i64" }[] = [
  { x: [1, 2, 7, 6], attrs: { kind: "max", kernel: [3, 2], strides: [2, 2], pads: [1, 0, 1, 1] } },
  { x: [2, 17, 9, 8], attrs: { kind: "max", kernel: [2, 2], strides: [2, 2] } },
  { x: [1, 5, 8, 17], attrs: { kind: "max", kernel: [3, 3], strides: [1, 1], pads: [1, 1, 1, 1] } },
  { x: [2, 3, 5, 5], attrs: { kind: "average", kernel: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] } },
  { x: [1, 20, 6, 6], attrs: { kind: "average", kernel: [3, 3], strides: [2, 2], pads: [1, 1, 0, 0], ceilMode: true, countIncludePad: true } },
  { x: [1, 4, 7, 7], attrs: { kind: "average", kernel: [7, 7] } },
  { x: [1, 4, 7, 7], attrs: { kind: "average", kernel: [2, 3], strides: [2, 2], ceilMode: true } },
  { x: [1, 2, 9], attrs: { kind: "max", kernel: [2], strides: [3], dilations: [3], ceilMode: true } },
  { x: [1, 9, 12], attrs: { kind: "average", kernel: [4], strides: [3], pads: [2, 1] } },
  { x: [1, 2, 3, 4, 3], attrs: { kind: "lp", kernel: [2, 2, 2], p: 2 } },
  { x: [1, 2, 4, 5, 5], attrs: { kind: "max", kernel: [2, 3, 3], pads: [1, 1, 0, 0, 1, 1] } },
  { x: [1, 2, 4, 5, 5], attrs: { kind: "average", kernel: [2, 3, 3], pads: [1, 1, 0, 0, 1, 1], strides: [2, 1, 2] } },
  { x: [1, 10, 4, 4], attrs: { kind: "lp", kernel: [2, 2], strides: [2, 2], p: 1 } },
  { x: [1, 10, 4, 4], attrs: { kind: "lp", kernel: [2, 2], strides: [2, 2], p: 2, pads: [1, 1, 1, 1] } },
  { x: [1, 1, 4, 4], attrs: { kind: "lp", kernel: [2, 2], strides: [2, 2], p: 3 } },
  { x: [1, 1, 5, 5], attrs: { kind: "max", kernel: [2, 2], strides: [2, 2] }, dtype: "u8" },
  { x: [1, 3, 5, 5], attrs: { kind: "max", kernel: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }, dtype: "i8" },
  { x: [1, 3, 5, 5], attrs: { kind: "max", kernel: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }, dtype: "i32" },
  { x: [1, 3, 5, 5], attrs: { kind: "max", kernel: [3, 3], strides: [2, 2] }, dtype: "i64" },
  { x: [1, 3, 5, 5], attrs: { kind: "average", kernel: [3, 3], pads: [1, 1, 1, 1] }, dtype: "f64" },
];

describe.each(TARGETS)("pool on $name", (target) => {
  test.each(POOLS)("$x $attrs $dtype", ({ x, attrs, dtype }) => {
    for (const plainResults of [true, false])
      checkCase({ def: pool, schedule: poolSchedule, operands: { x: { shape: x, dtype: dtype ?? "f32" } }, attrs, plainResults }, target);
  });
});
