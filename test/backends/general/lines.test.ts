import { describe, expect, test } from "vitest";
import {
  batchNormSchedule,
  groupNormSchedule,
  l2NormaliseSchedule,
  layerNormSchedule,
  rmsNormSchedule,
} from "../../../src/backends/schedules/normalisation.ts";
import { reduceSchedule } from "../../../src/backends/schedules/reduce.ts";
import { argReduceSchedule, cumulativeSchedule } from "../../../src/backends/schedules/scan.ts";
import { softmaxSchedule } from "../../../src/backends/schedules/softmax.ts";
import type { AnyOpDef, Sample } from "../../../src/ir/op-def.ts";
import { batchNorm, groupNorm, l2Normalise, layerNorm, logSoftmax, rmsNorm, softmax } from "../../../src/ir/ops/normalisation.ts";
import { argReduce, cumulative, reduce } from "../../../src/ir/ops/reduction.ts";
import { tensor } from "../../../src/ir/tensor.ts";
import { targetOf } from "../synthetic-target.ts";
import { checkOp, TARGETS } from "./lowered.ts";

const SCHEDULES = [
  reduceSchedule,
  argReduceSchedule,
  cumulativeSchedule,
  softmaxSchedule,
  batchNormSchedule,
  groupNormSchedule,
  l2NormaliseSchedule,
  layerNormSchedule,
  rmsNormSchedule,
];
const scheduleOf = (def: AnyOpDef) => SCHEDULES.find((schedule) => schedule.ops.includes(def))!;

const KINDS = ["sum", "mean", "prod", "min", "max", "l1", "l2", "logSum", "logSumExp", "sumSquare"] as const;
const positive = (text: string): string => `${text} in 0.2..1.5`;

describe.each(TARGETS)("lines on $name", (target) => {
  test.each(SCHEDULES.flatMap((schedule) => schedule.ops.map((def) => [def.name, def] as const)))("%s gives what its samples say", (_, def) => {
    for (const sample of def.samples) {
      checkOp(def, scheduleOf(def), sample, { target });
      checkOp(def, scheduleOf(def), sample, { target, border: true });
    }
  });

  test.each(KINDS)("reduce of %s along lines, across them, and over scattered axes", (kind) => {
    for (const [x, axes] of [
      ["3x37xf32", [1]],
      ["37x19xf32", [0]],
      ["3x5x70xf32", [0, 2]],
      ["4x18x6xf32", [1]],
      ["2x3xf32", [1]],
      ["1x150xf32", [1]],
    ] as const) {
      for (const keepDims of [true, false]) checkOp(reduce, reduceSchedule, { x: positive(x), attrs: { kind, axes, keepDims } }, { target });
    }
  });

  test.each(["1x19x7x7xf32", "2x35x3x5xf32", "1x16x4x4xf32", "1x10x9xf32"])("means over the planes of images %s", (x) => {
    const axes = x.split("x").length === 5 ? [2, 3] : [2];
    for (const keepDims of [true, false]) {
      for (const run of [{ image: true }, { image: true, border: true }, {}])
        checkOp(reduce, reduceSchedule, { x, attrs: { kind: "mean", axes, keepDims } }, { target, ...run });
    }
  });

  const more: readonly (readonly [AnyOpDef, Sample])[] = [
    [softmax, { x: "3x50xf32 in -9..9" }],
    [softmax, { x: "2x19x33xf32 in -9..9", attrs: { axis: 1 } }],
    [softmax, { x: "3x50xf16 in -9..9" }],
    [logSoftmax, { x: "3x50xf32 in -9..9" }],
    [layerNorm, { x: "3x50xf32", scale: "50xf32", bias: "50xf32" }],
    [layerNorm, { x: "2x3x4x9xf32", bias: "4x9xf32", attrs: { axis: 2 } }],
    [rmsNorm, { x: "3x64xf32", scale: "64xf32" }],
    [groupNorm, { x: "2x6x5x7xf32", scale: "6xf32", bias: "6xf32", attrs: { groups: 3 } }],
    [groupNorm, { x: "2x32x5x7xf32", scale: "32xf32", bias: "32xf32", attrs: { groups: 2 } }],
    [groupNorm, { x: "2x35x5x4xf32", scale: "35xf32", bias: "35xf32", attrs: { groups: 35 } }],
    [groupNorm, { x: "1x20x6xf32", scale: "20xf32", attrs: { groups: 5 } }],
    [groupNorm, { x: "2x6xf32", attrs: { groups: 6 } }],
    [groupNorm, { x: "1x4x5x5xf32", scale: "4xf32", attrs: { groups: 4 } }],
    [l2Normalise, { x: "2x40x3xf32", attrs: { axes: [1] } }],
    [batchNorm, { x: "2x19x5x5xf32", scale: "19xf32", bias: "19xf32", mean: "19xf32", variance: "19xf32 in 0.1..2" }],
    [argReduce, { x: "3x40xf32", attrs: { axis: 1 } }],
    [argReduce, { x: "21x40xf32", attrs: { axis: 0, kind: "min", lastIndex: true } }],
    [argReduce, { x: "4x30xi8", attrs: { axis: 0, keepDims: false } }],
    [cumulative, { x: "5x40xf32", attrs: { axis: 0 } }],
    [cumulative, { x: "3x40xi32", attrs: { axis: 1, reverse: true } }],
  ];
  test.each(more.map(([def, sample]) => [def.name, JSON.stringify(sample), def, sample] as const))("%s %s", (_, _text, def, sample) => {
    checkOp(def, scheduleOf(def), sample, { target });
    checkOp(def, scheduleOf(def), sample, { target, border: true });
    checkOp(def, scheduleOf(def), sample, { target, image: true, constants: ["scale", "bias", "mean", "variance"] });
  });
});

describe.each(["f64", "f16", "i64", "i32", "i16", "i8", "u64", "u32", "u8"] as const)("reductions of %s", (dtype) => {
  test.each(KINDS)("%s", (kind) => {
    const x = `3x9x${dtype} in ${dtype.startsWith("f") ? "0.2..1.5" : "1..5"}`;
    for (const axes of [[0], [1]]) checkOp(reduce, reduceSchedule, { x, attrs: { kind, axes } }, { target: targetOf(4, 4) });
  });
  test("argReduce", () => {
    for (const axis of [0, 1]) checkOp(argReduce, argReduceSchedule, { x: `3x9x${dtype}`, attrs: { axis } }, { target: targetOf(4, 4) });
  });
});

test("NaN and infinities decide extremes and softmax", () => {
  const x = {
    type: { dtype: "f32", shape: [4, 20] },
    data: tensor(
      "f32",
      [4, 20],
      Float64Array.from({ length: 80 }, (_, i) => (i === 7 ? NaN : i === 45 ? Infinity : i < 60 ? i / 9 : -Infinity)),
    ).data,
  } as const;
  for (const target of [targetOf(1, 1), targetOf(8, 8)]) {
    for (const kind of ["min", "max", "logSumExp"]) checkOp(reduce, reduceSchedule, { x, attrs: { kind, axes: [1] } }, { target });
    for (const kind of ["min", "max"]) checkOp(argReduce, argReduceSchedule, { x, attrs: { kind, axis: 1 } }, { target });
    checkOp(softmax, softmaxSchedule, { x }, { target });
  }
});

test("a mean over the planes of an image runs in vectors of channels", () => {
  const kernels = checkOp(reduce, reduceSchedule, { x: "1x19x7x7xf32", attrs: { kind: "mean", axes: [2, 3] } }, { target: targetOf(8, 8), image: true });
  expect(JSON.stringify(kernels[0]!.body)).not.toContain(`"elem":"f32","lanes":1}`);
});
