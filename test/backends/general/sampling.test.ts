import { describe, test } from "vitest";
import { deformConvSchedule } from "../../../src/backends/schedules/deform-conv.ts";
import { gridSampleSchedule } from "../../../src/backends/schedules/grid-sample.ts";
import { roiAlignSchedule } from "../../../src/backends/schedules/roi-align.ts";
import type { AnyOpDef, Sample } from "../../../src/ir/op-def.ts";
import { deformConv } from "../../../src/ir/ops/convolution.ts";
import { gridSample, roiAlign } from "../../../src/ir/ops/window.ts";
import { targetOf } from "../synthetic-target.ts";
import { checkOp } from "./lowered.ts";

const SCHEDULES = [deformConvSchedule, gridSampleSchedule, roiAlignSchedule];
const scheduleOf = (def: AnyOpDef) => SCHEDULES.find((schedule) => schedule.ops.includes(def))!;

const grids = (["linear", "nearest", "cubic"] as const).flatMap((mode) =>
  (["zeros", "border", "reflection"] as const).flatMap((padding) =>
    [false, true].map((alignCorners): readonly [AnyOpDef, Sample] => [
      gridSample,
      { x: "2x3x4x5xf32", grid: "2x3x3x2xf32 in -2.5..2.5", attrs: { mode, padding, alignCorners } },
    ]),
  ),
);
const MORE: readonly (readonly [AnyOpDef, Sample])[] = [
  ...grids,
  [gridSample, { x: "1x2x3x4x5xf32", grid: "1x2x2x3x3xf32 in -1.2..1.2", attrs: { padding: "reflection" } }],
  [gridSample, { x: "1x2x9xf64", grid: "1x6x1xf64 in -1.2..1.2", attrs: { mode: "cubic" } }],
  [gridSample, { x: "1x2x4x4xi32", grid: "1x2x2x2xf32", attrs: { mode: "nearest" } }],
  [roiAlign, { x: "2x3x9x8xf32", rois: "4x4xf32 in 0..7", batchIndices: "4xi64 in 0..1", attrs: { height: 3, width: 2 } }],
  [
    roiAlign,
    {
      x: "2x3x9x8xf32",
      rois: "4x4xf32 in -3..12",
      batchIndices: "4xi64 in 0..1",
      attrs: { kind: "max", height: 2, width: 2, samplingRatio: 3, halfPixel: false },
    },
  ],
  [roiAlign, { x: "2x3x9x8xf32", rois: "6x4xf32 in -40..60", batchIndices: "6xi64 in 0..1", attrs: { height: 2, width: 3 } }],
  [roiAlign, { x: "1x2x9x8xf32", rois: "6x4xf32 in -40..60", batchIndices: "6xi64 in 0..0", attrs: { kind: "max", height: 2, width: 2, halfPixel: false } }],
  [roiAlign, { x: "1x2x6x6xf64", rois: "2x4xf64 in -30..30", batchIndices: "2xi32 in 0..0", attrs: { height: 1, width: 1 } }],
  [roiAlign, { x: "1x2x6x6xf64", rois: "2x4xf64 in 0..5", batchIndices: "2xi32 in 0..0", attrs: { height: 2, width: 2 } }],
  [deformConv, { x: "1x4x6x6xf32", w: "4x4x3x3xf32", offset: "1x18x4x4xf32 in -3..3", mask: "1x9x4x4xf32" }],
  [deformConv, { x: "1x2x4x4xf16", w: "2x2x2x2xf16", offset: "1x8x3x3xf16", bias: "2xf16" }],
];

describe.each([targetOf(1, 1), targetOf(4, 4), targetOf(8, 8)])("sampling on $name", (target) => {
  test.each(SCHEDULES.flatMap((schedule) => schedule.ops.map((def) => [def.name, def] as const)))("%s gives what its samples say", (_, def) => {
    for (const sample of def.samples) for (const border of [false, true]) checkOp(def, scheduleOf(def), sample, { target, border });
  });
  test.each(MORE.map(([def, sample]) => [def.name, JSON.stringify(sample), def, sample] as const))("%s %s", (_, _text, def, sample) => {
    checkOp(def, scheduleOf(def), sample, { target });
  });
});
