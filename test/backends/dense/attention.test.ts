import { describe, test } from "vitest";
import { attention } from "../../../src/ir/ops/attention.ts";
import { attentionSchedule } from "../../../src/backends/schedules/attention.ts";
import { checkCase, TARGETS, type Operand } from "./lowered.ts";

const CASES: readonly {
  q: readonly number[];
  k: readonly number[];
  v: readonly number[];
  mask?: readonly number[];
  bool?: boolean;
  dtype?: "f64";
  attrs?: Record<string, unknown>;
}[] = [
  { q: [2, 3, 4, 5], k: [2, 3, 6, 5], v: [2, 3, 6, 2] },
  { q: [1, 4, 3, 2], k: [1, 2, 5, 2], v: [1, 2, 5, 2], mask: [1, 1, 3, 5], attrs: { scale: 0.5, softcap: 2 } },
  { q: [2, 2, 4, 3], k: [2, 2, 4, 3], v: [2, 2, 4, 3], attrs: { causal: true } },
  { q: [1, 2, 2, 3], k: [1, 1, 5, 3], v: [1, 1, 5, 4], mask: [2, 5], bool: true, attrs: { causal: true, offset: 3 } },
  { q: [1, 2, 17, 8], k: [1, 2, 33, 8], v: [1, 2, 33, 16] },
  { q: [1, 1, 1, 4], k: [1, 1, 19, 4], v: [1, 1, 19, 32], mask: [1, 19], attrs: { causal: true, offset: 18 } },
  { q: [2, 1, 3, 4], k: [2, 1, 16, 4], v: [2, 1, 16, 4], mask: [2, 1, 1, 1] },
  { q: [2, 1, 3, 4], k: [2, 1, 16, 4], v: [2, 1, 16, 4], mask: [2, 1, 3, 1], bool: true },
  { q: [1, 1, 3, 4], k: [1, 1, 0, 4], v: [1, 1, 0, 4] },
  { q: [1, 2, 3, 4], k: [1, 1, 5, 4], v: [1, 1, 5, 4], mask: [3, 5], dtype: "f64", attrs: { causal: true, softcap: 3 } },
];

describe.each(TARGETS)("attention on $name", (target) => {
  test.each(CASES)("$q over $k mask $mask $attrs", ({ q, k, v, mask, bool, attrs, ...c }) => {
    const dtype = c.dtype ?? "f32";
    const operands: Record<string, Operand | undefined> = {
      q: { shape: q, dtype },
      k: { shape: k, dtype },
      v: { shape: v, dtype },
      mask: mask && { shape: mask, dtype: bool ? "bool" : dtype },
    };
    checkCase({ def: attention, schedule: attentionSchedule, operands, attrs: attrs ?? {} }, target);
  });
});
