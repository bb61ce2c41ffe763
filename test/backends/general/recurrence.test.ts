import { describe, test } from "vitest";
import { recurrenceSchedule } from "../../../src/backends/schedules/recurrence.ts";
import type { AnyOpDef, Sample } from "../../../src/ir/op-def.ts";
import { gru, lstm, rnn } from "../../../src/ir/ops/recurrence.ts";
import { targetOf } from "../synthetic-target.ts";
import { checkOp, TARGETS } from "./lowered.ts";

const GATES = { lstm: 4, gru: 3, rnn: 1 } as const;

function layer(def: AnyOpDef, t: number, b: number, i: number, h: number, d: number, dtype: string, more: Sample = {}): Sample {
  const g = GATES[def.name as keyof typeof GATES];
  return {
    x: `${t}x${b}x${i}x${dtype}`,
    w: `${d}x${g * h}x${i}x${dtype} in -0.5..0.5`,
    r: `${d}x${g * h}x${h}x${dtype} in -0.5..0.5`,
    bias: `${d}x${2 * g * h}x${dtype}`,
    initialH: `${d}x${b}x${h}x${dtype}`,
    sequenceLengths: `${b}xi64 in 0..${t}`,
    ...(def === lstm ? { initialC: `${d}x${b}x${h}x${dtype}`, peephole: `${d}x${3 * h}x${dtype}` } : {}),
    ...more,
  };
}

describe.each([...TARGETS, targetOf(4, 0, { name: "wasm", registers: 15, fma: "no", pressure: "hoist" })])("recurrent layers on $name", (target) => {
  test.each([lstm, gru, rnn].map((def) => [def.name, def] as const))("%s gives what its samples say", (_, def) => {
    for (const sample of def.samples) {
      checkOp(def, recurrenceSchedule, sample, { target });
      checkOp(def, recurrenceSchedule, sample, { target, border: true, constants: ["w", "r", "bias", "peephole"] });
    }
  });
  test.each([lstm, gru, rnn].map((def) => [def.name, def] as const))("%s of more units than lanes, with every operand", (_, def) => {
    for (const constants of [[], ["w", "r", "bias", "peephole"]]) {
      checkOp(def, recurrenceSchedule, layer(def, 3, 7, 5, 19, 2, "f32", { attrs: { hidden: 19, direction: "bidirectional" } }), { target, constants });
      checkOp(def, recurrenceSchedule, layer(def, 2, 1, 3, 33, 1, "f32", { attrs: { hidden: 33, direction: "reverse" }, sequenceLengths: undefined }), {
        target,
        constants,
      });
    }
  });
  test("f64 and f16", () => {
    for (const dtype of ["f64", "f16"])
      for (const def of [lstm, gru]) checkOp(def, recurrenceSchedule, layer(def, 2, 2, 3, 5, 1, dtype, { attrs: { hidden: 5 } }), { target });
  });
});

const NAMES = ["relu", "tanh", "sigmoid", "affine", "leakyrelu", "thresholdedrelu", "scaledtanh", "hardsigmoid", "elu", "softsign", "softplus"];
test.each(NAMES)("activation %s", (name) => {
  const sample = layer(rnn, 2, 2, 3, 9, 1, "f32", { attrs: { hidden: 9, activations: [name], clip: 1.5 } });
  checkOp(rnn, recurrenceSchedule, sample, { target: targetOf(4, 4) });
});
