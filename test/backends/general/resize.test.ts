import { describe, expect, test } from "vitest";
import { resizeSchedule } from "../../../src/backends/schedules/resize.ts";
import type { Sample } from "../../../src/ir/op-def.ts";
import { resize } from "../../../src/ir/ops/resize.ts";
import { targetOf } from "../synthetic-target.ts";
import { checkOp, TARGETS } from "./lowered.ts";

const up = (x: string, shape: readonly number[], scales: readonly number[], more: Sample = {}): Sample => ({ x, attrs: { shape, scales, ...more } });
const MORE: readonly Sample[] = [
  up("1x19x4x5xf32", [1, 19, 8, 10], [1, 1, 2, 2]),
  up("1x19x4x5xf32", [1, 19, 8, 10], [1, 1, 2, 2], { coordinates: "asymmetric", nearest: "floor" }),
  up("2x18x5x4xf32", [2, 18, 7, 9], [1, 1, 1.4, 2.25]),
  up("1x3x40xu8", [1, 3, 17], [1, 1, 17 / 40]),
  up("1x3x8xi64", [1, 5, 8], [1, 5 / 3, 1]),
  up("1x4x7xf16", [1, 4, 5], [1, 1, 5 / 7]),
  up("1x19x4x5xf32", [1, 19, 8, 10], [1, 1, 2, 2], { mode: "linear" }),
  up("1x19x4x5xf32", [1, 19, 9, 13], [1, 1, 2.25, 2.6], { mode: "cubic" }),
  up("1x2x8x37xf16", [1, 2, 5, 37], [1, 1, 0.625, 1], { mode: "linear" }),
  up("1x3x4x5xu8", [1, 3, 9, 7], [1, 1, 2.25, 1.4], { mode: "linear" }),
  up("1x6x4x5xf64", [1, 3, 4, 10], [1, 0.5, 1, 2], { mode: "linear" }),
  up("2x17x3x3xf32", [2, 17, 3, 3], [1, 1, 1, 1], { mode: "linear" }),
];

describe.each(TARGETS)("resize on $name", (target) => {
  test.each([...resize.samples, ...MORE].map((sample) => [JSON.stringify(sample), sample] as const))("%s", (_, sample) => {
    for (const run of [{}, { border: true }, { image: true }]) checkOp(resize, resizeSchedule, sample, { target, ...run });
  });
});

test("doubled images are copied in vectors of channels", () => {
  const [kernel] = checkOp(resize, resizeSchedule, up("1x16x4x5xf32", [1, 16, 8, 10], [1, 1, 2, 2]), { target: targetOf(8, 8), image: true });
  expect(JSON.stringify(kernel!.body)).not.toContain('"lanes":1}');
});
