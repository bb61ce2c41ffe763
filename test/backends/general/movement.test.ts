import { describe, expect, test } from "vitest";
import { arrange, storeFor } from "../../../src/backends/constant-data.ts";
import { addressOf, imageLayout, plainLayout, type Layout } from "../../../src/backends/layout.ts";
import { copyKernel } from "../../../src/backends/schedules/copy.ts";
import { fillKernels } from "../../../src/backends/schedules/fill.ts";
import {
  broadcastSchedule,
  concatSchedule,
  padSchedule,
  reverseSchedule,
  rollSchedule,
  sliceSchedule,
  transposeSchedule,
} from "../../../src/backends/schedules/movement.ts";
import type { AnyOpDef, Sample } from "../../../src/ir/op-def.ts";
import { broadcast, concat, pad, roll, slice, transpose } from "../../../src/ir/ops/movement.ts";
import { elementCount } from "../../../src/ir/types.ts";
import { interpretKernel } from "../../../src/kernel/interpret-kernel.ts";
import { verifyKernel } from "../../../src/kernel/verify-kernel.ts";
import { lanesOf } from "../../../src/target/profile.ts";
import { targetOf } from "../synthetic-target.ts";
import { checkOp, TARGETS } from "./lowered.ts";

const MOVEMENT = [transposeSchedule, broadcastSchedule, sliceSchedule, reverseSchedule, concatSchedule, rollSchedule, padSchedule];
const scheduleOf = (def: AnyOpDef) => MOVEMENT.find((schedule) => schedule.ops.includes(def))!;

describe.each(TARGETS)("movement on $name", (target) => {
  test.each(MOVEMENT.flatMap((schedule) => schedule.ops.map((def) => [def.name, def] as const)))(
    "%s gives what its samples say, at the border too",
    (_, def) => {
      for (const sample of def.samples) {
        checkOp(def, scheduleOf(def), sample, { target });
        checkOp(def, scheduleOf(def), sample, { target, border: true });
      }
    },
  );

  const more: readonly (readonly [AnyOpDef, Sample])[] = [
    [transpose, { x: "37x21xf32", attrs: { perm: [1, 0] } }],
    [transpose, { x: "3x17x16xf32", attrs: { perm: [0, 2, 1] } }],
    [transpose, { x: "2x17x19x3xu8", attrs: { perm: [0, 3, 1, 2] } }],
    [transpose, { x: "2x16x4x33xf16", attrs: { perm: [0, 2, 1, 3] } }],
    [slice, { x: "3x50xf32", attrs: { starts: [2, 49], sizes: [3, 40], steps: [-1, -1] } }],
    [slice, { x: "2x5x7x9xf32", attrs: { starts: [0, 1, 0, 1], sizes: [2, 3, 4, 4], steps: [1, 1, 2, 2] } }],
    [slice, { x: "1x35x4x5xf32", attrs: { starts: [0, 3, 1, 0], sizes: [1, 30, 2, 5], steps: [1, 1, 1, 1] } }],
    [concat, { xs: ["1x5x3x4xf32", "1x24x3x4xf32", "1x16x3x4xf32"], attrs: { axis: 1 } }],
    [concat, { xs: ["2x3x4x5xbool", "2x3x2x5xbool"], attrs: { axis: 2 } }],
    [concat, { xs: ["70xu8", "3xu8", "41xu8"], attrs: { axis: 0 } }],
    [pad, { x: "1x18x4x5xf32", attrs: { low: [0, 1, 1, 2], high: [0, 0, 1, 3], value: -Infinity } }],
    [pad, { x: "1x18x4x5xf32", attrs: { low: [0, 0, 2, 3], high: [0, 0, 1, 3], mode: "reflect" } }],
    [pad, { x: "40xf16", attrs: { low: [3], high: [1], value: 1.5 } }],
    [pad, { x: "9xi64", attrs: { low: [3], high: [1], value: -7 } }],
    [pad, { x: "64xu8", attrs: { low: [4], high: [8], value: 200 } }],
    [broadcast, { x: "3x1x40xf32", attrs: { shape: [2, 3, 5, 40] } }],
    [broadcast, { x: "3x1xf32", attrs: { shape: [3, 50] } }],
    [roll, { x: "3x20x4x5xf32", attrs: { shifts: [3, 1], axes: [1, 3] } }],
  ];
  test.each(more.map(([def, sample]) => [def.name, JSON.stringify(sample), def, sample] as const))("%s %s", (_, _text, def, sample) => {
    checkOp(def, scheduleOf(def), sample, { target });
    checkOp(def, scheduleOf(def), sample, { target, border: true });
    checkOp(def, scheduleOf(def), sample, { target, image: true });
  });

  test("a tensor keeps its elements from plain to image and back", () => {
    const shape = [2, 19, 3, 5];
    const count = elementCount(shape);
    const image = imageLayout("f32", shape, target.imageBlock, lanesOf(target), [1, 2, 0, 1], -3);
    const plain = plainLayout("f32", shape);
    const data = Float32Array.from({ length: count }, (_, i) => i + 1);
    const [from, there, back] = [arrange(data, "f32", plain), storeFor("f32", image.size), storeFor("f32", plain.size)];
    run(copyKernel(plain, image, target), { x: from, y: there });
    expect([...elements(image, there)]).toEqual([...data]);
    run(copyKernel(image, plain, target), { x: there, y: back });
    expect([...elements(plain, back)]).toEqual([...data]);
  });

  function run(kernel: ReturnType<typeof copyKernel>, buffers: Record<string, ArrayBufferView>): void {
    expect(verifyKernel(kernel, target), kernel.name).toEqual([]);
    interpretKernel(kernel, buffers);
  }

  test.each([
    [
      [2, 19, 3, 5],
      [1, 2, 0, 1],
    ],
    [
      [1, 16, 4, 4],
      [1, 1, 1, 1],
    ],
    [
      [1, 3, 6],
      [0, 2, 0, 1],
    ],
    [
      [1, 33, 1, 1],
      [3, 3, 3, 3],
    ],
  ] as const)("the halo of %j is filled and nothing else", (shape, halo) => {
    const layout = imageLayout("f32", shape, target.imageBlock, lanesOf(target), halo, -Infinity);
    const store = storeFor("f32", layout.size) as Float32Array;
    store.fill(5);
    for (const kernel of fillKernels(layout, target)) run(kernel, { y: store });
    const extents = shape.map((dim, a) => dim + layout.halo[a]![0] + layout.halo[a]![1]);
    walk(extents, (index) => {
      const at = index.map((i, a) => i - layout.halo[a]![0]);
      const inside = at.every((i, a) => i >= 0 && i < shape[a]!);
      if (store[addressOf(layout, at)] !== (inside ? 5 : -Infinity)) expect.fail(`${at.join(",")} holds ${store[addressOf(layout, at)]}`);
    });
  });

  test("halos of bytes are filled in words", () => {
    const layout = imageLayout("u8", [1, 16, 3, 3], 4, 4, [1, 1, 1, 1], 200);
    const store = storeFor("u8", layout.size) as Uint8Array;
    for (const kernel of fillKernels(layout, target)) run(kernel, { y: store });
    expect(store[addressOf(layout, [0, 5, -1, 2])]).toBe(200);
    expect(store[addressOf(layout, [0, 5, 0, 0])]).toBe(0);
  });
});

test("a layout without halo needs no fill", () => {
  expect(fillKernels(plainLayout("f32", [3, 4]), targetOf(8, 8))).toEqual([]);
});

function elements(layout: Layout, store: ReturnType<typeof storeFor>): number[] {
  const values: number[] = [];
  walk(layout.shape, (index) => values.push(store[addressOf(layout, index)] as number));
  return values;
}

function walk(extents: readonly number[], visit: (index: readonly number[]) => void): void {
  const index = extents.map(() => 0);
  for (let n = elementCount(extents); n > 0; n--) {
    visit(index);
    for (let a = index.length - 1; a >= 0 && ++index[a]! === extents[a]; a--) index[a] = 0;
  }
}
