import { describe, test } from "vitest";
import { ACTIVATIONS } from "../../../src/ir/attr.ts";
import { linear, matmul } from "../../../src/ir/ops/linear.ts";
import { linearSchedule } from "../../../src/backends/schedules/linear.ts";
import { matmulSchedule } from "../../../src/backends/schedules/matmul.ts";
import { checkCase, TARGETS } from "./lowered.ts";

const LINEAR: readonly { m: readonly number[]; k: number; n: number; bias?: boolean; residual?: boolean; attrs?: Record<string, unknown> }[] = [
  { m: [1], k: 5, n: 3, bias: true },
  { m: [3], k: 7, n: 16 },
  { m: [2, 5], k: 9, n: 33, bias: true, residual: true, attrs: { activation: "relu" } },
  { m: [13], k: 4, n: 24, bias: true, attrs: { activation: "clip", alpha: -0.25, beta: 0.5 } },
  { m: [1], k: 37, n: 70, bias: true },
  { m: [], k: 6, n: 8, bias: true, attrs: { activation: "hardSwish" } },
  { m: [4], k: 1, n: 1, residual: true },
  { m: [7], k: 3, n: 20, bias: true, attrs: { activation: "leakyRelu", alpha: 0.1 } },
];

describe.each(TARGETS)("linear on $name", (target) => {
  test.each(LINEAR)("$m x $k x $n", ({ m, k, n, bias, residual, attrs }) => {
    for (const constant of [true, false]) {
      checkCase(
        {
          def: linear,
          schedule: linearSchedule,
          attrs: attrs ?? {},
          operands: {
            x: { shape: [...m, k] },
            w: { shape: [n, k], constant },
            bias: bias ? { shape: [n], constant } : undefined,
            residual: residual ? { shape: [...m, n] } : undefined,
          },
        },
        target,
      );
    }
  });
});

const ACTIVATIONS_TESTED = ACTIVATIONS.map((activation) => ({ activation, alpha: activation === "clip" ? -0.3 : 0.25, beta: 0.4 }));

describe.each(TARGETS)("activations behind linear on $name", (target) => {
  test.each(ACTIVATIONS_TESTED)("$activation", (attrs) => {
    const operands = { x: { shape: [5, 4] }, w: { shape: [19, 4], constant: true }, bias: { shape: [19], constant: true }, residual: { shape: [5, 19] } };
    checkCase({ def: linear, schedule: linearSchedule, operands, attrs }, target);
  });
});

const MATMUL: readonly { a: readonly number[]; b: readonly number[]; dtype?: "i32" | "i64" | "f64" | "u8" }[] = [
  { a: [3, 5], b: [5, 4] },
  { a: [2, 1, 3, 4], b: [3, 4, 2] },
  { a: [2, 3, 4], b: [4, 16] },
  { a: [2, 5, 3], b: [2, 3, 32] },
  { a: [3, 1, 2, 4], b: [1, 2, 4, 5] },
  { a: [70, 3], b: [3, 16] },
  { a: [9, 2], b: [2, 288] },
  { a: [2, 3], b: [3, 9], dtype: "i32" },
  { a: [2, 3], b: [3, 2], dtype: "i64" },
  { a: [2, 3], b: [3, 5], dtype: "f64" },
  { a: [2, 3], b: [3, 5], dtype: "u8" },
  { a: [2, 0], b: [0, 3] },
  { a: [0, 2], b: [2, 3] },
];

describe.each(TARGETS)("matmul on $name", (target) => {
  test.each(MATMUL)("$a times $b $dtype", ({ a, b, dtype }) => {
    for (const constant of [true, false])
      checkCase(
        { def: matmul, schedule: matmulSchedule, operands: { a: { shape: a, dtype: dtype ?? "f32" }, b: { shape: b, dtype: dtype ?? "f32", constant } } },
        target,
      );
  });
});
