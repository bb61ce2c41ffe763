import { describe, expect, test } from "vitest";
import { gatherElementsSchedule, gatherNdSchedule, gatherSchedule } from "../../../src/backends/schedules/gather.ts";
import { scatterElementsSchedule, scatterNdSchedule } from "../../../src/backends/schedules/scatter.ts";
import type { AnyOpDef, Sample } from "../../../src/ir/op-def.ts";
import { gather, gatherElements, gatherNd } from "../../../src/ir/ops/gather.ts";
import { scatterElements, scatterNd } from "../../../src/ir/ops/scatter.ts";
import { targetOf } from "../synthetic-target.ts";
import { checkOp, TARGETS } from "./lowered.ts";

const SCHEDULES = [gatherSchedule, gatherElementsSchedule, gatherNdSchedule, scatterElementsSchedule, scatterNdSchedule];
const scheduleOf = (def: AnyOpDef) => SCHEDULES.find((schedule) => schedule.ops.includes(def))!;

const MORE: readonly (readonly [AnyOpDef, Sample])[] = [
  [gather, { x: "9x40xf32", indices: "2x3xi64 in -12..12", attrs: { axis: 0 } }],
  [gather, { x: "9x40xf32", indices: "i64 in 3..3", attrs: { axis: 0 } }],
  [gather, { x: "2x9x5xu8", indices: "7xi32 in -12..12", attrs: { axis: 1 } }],
  [gather, { x: "9x70xu8", indices: "3xi32", attrs: { axis: 0 } }],
  [gather, { x: "9x35xf16", indices: "3xi32", attrs: { axis: 0 } }],
  [gather, { x: "3x9xi64", indices: "4xi64", attrs: { axis: 1 } }],
  [gatherElements, { x: "5x4x3xf32", indices: "2x6x3xi64", attrs: { axis: 1 } }],
  [gatherElements, { x: "5x4xu8", indices: "5x2xi64", attrs: { axis: 0 } }],
  [gatherNd, { x: "4x5x40xf32", indices: "3x2xi64" }],
  [gatherNd, { x: "2x4x5xi64", indices: "2x3x1xi32", attrs: { batchDims: 1 } }],
  [scatterNd, { x: "9x40xf32", indices: "5x1xi64 in -12..12", updates: "5x40xf32" }],
  [scatterNd, { x: "9x40xf32", indices: "5x1xi64 in -12..12", updates: "5x40xf32", attrs: { reduction: "add" } }],
  [scatterNd, { x: "9x37xf32", indices: "5x1xi64 in -12..12", updates: "5x37xf32", attrs: { reduction: "max" } }],
  [scatterNd, { x: "9x32xi32", indices: "5x1xi64 in -12..12", updates: "5x32xi32", attrs: { reduction: "mul" } }],
  [scatterNd, { x: "9x8xi8", indices: "5x1xi64 in -12..12", updates: "5x8xi8", attrs: { reduction: "add" } }],
  [scatterNd, { x: "9x64xu8", indices: "5x1xi64", updates: "5x64xu8" }],
  [scatterElements, { x: "5x4xf16", indices: "3x4xi64", updates: "3x4xf16", attrs: { axis: 0, reduction: "mul" } }],
  [scatterElements, { x: "5x4xi8", indices: "3x4xi64", updates: "3x4xi8", attrs: { axis: 0, reduction: "min" } }],
  [scatterElements, { x: "5x4xbool", indices: "3x4xi64", updates: "3x4xbool", attrs: { axis: 0 } }],
];

describe.each(TARGETS)("gather and scatter on $name", (target) => {
  test.each(SCHEDULES.flatMap((schedule) => schedule.ops.map((def) => [def.name, def] as const)))("%s gives what its samples say", (_, def) => {
    for (const sample of def.samples) {
      checkOp(def, scheduleOf(def), sample, { target });
      checkOp(def, scheduleOf(def), sample, { target, border: true, constants: ["indices"] });
    }
  });
  test.each(MORE.map(([def, sample]) => [def.name, JSON.stringify(sample), def, sample] as const))("%s %s", (_, _text, def, sample) => {
    checkOp(def, scheduleOf(def), sample, { target });
    checkOp(def, scheduleOf(def), sample, { target, border: true, constants: ["indices"] });
  });
});

test("a few indices known at compile time are slices", () => {
  const [kernel] = checkOp(
    gather,
    gatherSchedule,
    { x: "9x40xf32", indices: "i64 in 3..3", attrs: { axis: 0 } },
    { target: targetOf(8, 8), constants: ["indices"] },
  );
  expect(kernel!.params.map((param) => param.name)).toEqual(["x", "y"]);
});
