import { dtypeBytes } from "../package/dtypes.ts";
import type { ManifestPort, SelfTestOutput, Tolerance } from "../package/manifest.ts";
import { loadElements } from "./tensors.ts";

/** How far an output is from the stored answer. */
export interface AnswerReport {
  readonly output: string;
  readonly ok: boolean;
  readonly maxAbs: number;
  /** The element that is farthest beyond the tolerance, or farthest at all. */
  readonly index: number;
  readonly found: number;
  readonly wanted: number;
}

export interface SelfTestReport {
  readonly ok: boolean;
  readonly vectors: readonly { readonly program: string; readonly ok: boolean; readonly outputs: readonly AnswerReport[] }[];
}

/** Compares an output with its stored elements: |found - wanted| <= abs + rel * |wanted|, and NaN only where NaN is wanted. */
export function checkAnswer(port: ManifestPort, found: Uint8Array, stored: Uint8Array, { stride }: SelfTestOutput, tolerance: Tolerance): AnswerReport {
  const elements = loadElements(found, port.dtype);
  const answers = loadElements(stored.subarray(0, stored.length - (stored.length % dtypeBytes(port.dtype)!)), port.dtype);
  let maxAbs = 0;
  let worst = { index: 0, excess: -Infinity };
  for (let i = 0; i < answers.length; i++) {
    const [x, y] = [Number(elements[i * stride]), Number(answers[i])];
    const distance = x === y || (Number.isNaN(x) && Number.isNaN(y)) ? 0 : Number.isNaN(x - y) ? Infinity : Math.abs(x - y);
    maxAbs = Math.max(maxAbs, distance);
    const excess = distance - (tolerance.abs + tolerance.rel * (Number.isFinite(y) ? Math.abs(y) : 0));
    if (excess > worst.excess) worst = { index: i, excess };
  }
  const index = worst.index * stride;
  return { output: port.name, ok: worst.excess <= 0, maxAbs, index, found: Number(elements[index] ?? NaN), wanted: Number(answers[worst.index] ?? NaN) };
}
