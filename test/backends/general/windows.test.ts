import { describe, test } from "vitest";
import { lrnSchedule } from "../../../src/backends/schedules/lrn.ts";
import { detSchedule, inverseSchedule } from "../../../src/backends/schedules/matrix-inverse.ts";
import { maxPoolWithIndicesSchedule, maxUnpoolSchedule } from "../../../src/backends/schedules/max-pool-indices.ts";
import { poolSchedule } from "../../../src/backends/schedules/pool.ts";
import type { AnyOpDef, Sample } from "../../../src/ir/op-def.ts";
import { det, inverse } from "../../../src/ir/ops/linear.ts";
import { lrn, maxPoolWithIndices, maxUnpool, pool } from "../../../src/ir/ops/window.ts";
import { tensor } from "../../../src/ir/tensor.ts";
import { checkOp, TARGETS } from "./lowered.ts";

const SCHEDULES = [poolSchedule, lrnSchedule, maxPoolWithIndicesSchedule, maxUnpoolSchedule, detSchedule, inverseSchedule];
const scheduleOf = (def: AnyOpDef) => SCHEDULES.find((schedule) => schedule.ops.includes(def))!;
const f32 = (shape: readonly number[], values: readonly number[]) => ({ type: { dtype: "f32", shape }, data: tensor("f32", shape, values).data }) as const;

const MORE: readonly (readonly [AnyOpDef, Sample])[] = [
  [lrn, { x: "2x7x5x9xf32", attrs: { size: 5, alpha: 0.3 } }],
  [lrn, { x: "1x3x40xf32", attrs: { size: 9, alpha: 0.3, beta: 0.6 } }],
  [lrn, { x: "1x3x4xf16", attrs: { size: 3 } }],
  [maxPoolWithIndices, { x: "1x2x5x6x4xf32", attrs: { kernel: [2, 3, 2], strides: [1, 2, 2], pads: [1, 1, 0, 0, 1, 1], columnMajor: true } }],
  [maxPoolWithIndices, { x: "1x1x6x6xi8", attrs: { kernel: [3, 3], dilations: [2, 1], pads: [1, 1, 1, 1] } }],
  [maxPoolWithIndices, { x: f32([1, 1, 6], [-Infinity, NaN, 2, 2, -Infinity, -Infinity]), attrs: { kernel: [2], pads: [1, 1] } }],
  [pool, { x: f32([1, 1, 6], [1, NaN, 2, -Infinity, 3, 4]), attrs: { kind: "max", kernel: [3], pads: [1, 1] } }],
  [pool, { x: f32([1, 2, 2, 2], [5, NaN, 3, 4, -Infinity, -Infinity, NaN, -1]), attrs: { kind: "max", kernel: [2, 2], pads: [1, 0, 0, 1] } }],
  [pool, { x: f32([1, 1, 2, 5], [NaN, 1, 2, 3, 4, 5, 6, 7, 8, NaN]), attrs: { kind: "max", kernel: [2, 2] } }],
  [maxUnpool, { x: "1x1x2x3xi64", indices: "1x1x2x3xi64 in -3..20", attrs: { shape: [1, 1, 4, 4] } }],
  [det, { x: f32([3, 3], [1, 2, 3, 2, 4, 6, 1, 0, 1]) }],
  [det, { x: "2x7x7xf64" }],
  [inverse, { x: "9x9xf64" }],
];

describe.each(TARGETS)("windows and matrices on $name", (target) => {
  test.each(SCHEDULES.flatMap((schedule) => schedule.ops.map((def) => [def.name, def] as const)))("%s gives what its samples say", (_, def) => {
    for (const sample of def.samples) for (const border of [false, true]) checkOp(def, scheduleOf(def), sample, { target, border });
  });
  test.each(MORE.map(([def, sample]) => [def.name, JSON.stringify(sample), def, sample] as const))("%s %s", (_, _text, def, sample) => {
    checkOp(def, scheduleOf(def), sample, { target });
  });
});
