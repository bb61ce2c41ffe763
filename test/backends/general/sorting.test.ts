import { describe, test } from "vitest";
import { sortSchedule, topKSchedule } from "../../../src/backends/schedules/sorting.ts";
import { sort, topK } from "../../../src/ir/ops/sorting.ts";
import { tensor } from "../../../src/ir/tensor.ts";
import { checkOp, TARGETS } from "./lowered.ts";

const special = [0, -0, 1, NaN, -Infinity, Infinity, -1, 0, -0, NaN, 3, 3, -3];

describe.each(TARGETS)("sorting on $name", (target) => {
  test("samples", () => {
    for (const run of [{}, { border: true }]) {
      for (const sample of topK.samples) checkOp(topK, topKSchedule, sample, { target, ...run });
      for (const sample of sort.samples) checkOp(sort, sortSchedule, sample, { target, ...run });
    }
  });
  test.each(["3x100xf32", "1x77xi32 in -5..5", "2x70xu8", "40xi64", "5x33xf16", "40xu32 in 0..9", "21xf64", "300xi8", "17xbool"])("%s", (x) => {
    checkOp(sort, sortSchedule, { x }, { target });
    checkOp(topK, topKSchedule, { x, attrs: { k: 9 } }, { target });
    checkOp(topK, topKSchedule, { x, attrs: { k: 1, largest: false } }, { target });
  });
  test("equals keep their order, NaN is greatest", () => {
    const x = { type: { dtype: "f32", shape: [special.length] }, data: tensor("f32", [special.length], special).data } as const;
    for (const descending of [false, true]) checkOp(sort, sortSchedule, { x, attrs: { descending } }, { target });
  });
});
