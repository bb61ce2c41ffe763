/** Kernels that put lengths into the words where calls and sessions look for them. */
import { I32, KernelBuilder, type Term } from "../kernel/build.ts";
import type { Elem, Kernel } from "../kernel/kernel.ts";
import { lanesOf, type TargetProfile } from "../target/profile.ts";
import { loadIndex } from "./schedules/indexing.ts";

/** y = x, at least 0 and at most `most`. x: an i32 or i64 in front of `size` elements, y: a word. */
export function lengthToWord(elem: Elem, size: number, most: number, target: TargetProfile, loc: readonly string[]): Kernel {
  const b = new KernelBuilder(`length_${elem}_${size}_most${most}`, { lanes: lanesOf(target), mode: "fast", loc });
  b.param("x", elem, size, "in");
  b.param("y", "i32", 1, "out");
  const from = b.cursor("i", "x");
  const length: Term =
    elem === "i64" ? loadIndex(b, "i64", most + 1, from, 0, false).at : b.pmin(b.pmax(b.load(I32, from), b.constant(I32, 0)), b.constant(I32, most));
  b.store(b.cursor("o", "y"), 0, length);
  return b.finish();
}

/** y = x * factor + offset, from 0 to `cap`. */
export function liveCount(most: number, factor: number, offset: number, cap: number): Kernel {
  const b = new KernelBuilder(`live_${most}_times${factor}_${offset < 0 ? "less" : "plus"}${Math.abs(offset)}_cap${cap}`, { lanes: 1, mode: "exact" });
  b.param("x", "i32", 1, "in");
  b.param("y", "i32", 1, "out");
  const c = (value: number): Term => b.constant(I32, value);
  const length = b.let("n", b.pmin(b.pmax(b.load(I32, b.cursor("i", "x")), c(0)), c(most)));
  b.store(b.cursor("o", "y"), 0, b.pmin(b.pmax(b.add(b.mul(length, c(factor)), c(offset)), c(0)), c(cap)));
  return b.finish();
}

/** y = x, at least 0 and at most `most`; the word is the greatest x so far. x: one i32 or i64. */
export function limitKernel(elem: Elem, most: number, target: TargetProfile, loc: readonly string[]): Kernel {
  const b = new KernelBuilder(`limit_${elem}_most${most}`, { lanes: lanesOf(target), mode: "fast", loc });
  b.param("x", elem, 1, "in");
  b.param("y", elem, 1, "out");
  b.param("word", "i32", 1, "inout");
  const word = b.cursor("w", "word");
  const { at } = loadIndex(b, elem === "i64" ? "i64" : "i32", 2 ** 31, b.cursor("i", "x"), 0, false);
  const length = b.let("n", at);
  b.store(word, 0, b.pmax(b.load(I32, word), length));
  const kept = b.pmin(length, b.constant(I32, Math.min(most, 2 ** 31 - 1)));
  b.store(b.cursor("o", "y"), 0, elem === "i64" ? b.convert(kept, "i64") : kept);
  return b.finish();
}
