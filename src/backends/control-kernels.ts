/** The small kernels between tensors and the words that steps look at. */
import type { DType } from "../ir/types.ts";
import { I32, KernelBuilder, scalar, type Term } from "../kernel/build.ts";
import type { Elem, Kernel } from "../kernel/kernel.ts";
import { lanesOf, type TargetProfile } from "../target/profile.ts";
import { copyRun, loadIndex, unitOfRun } from "./schedules/indexing.ts";

function builder(name: string, target: TargetProfile, loc: readonly string[]): KernelBuilder {
  return new KernelBuilder(name, { lanes: lanesOf(target), mode: "fast", loc });
}

/** y = x != 0. x: one bool, y: a word. */
export function flagToWord(target: TargetProfile, loc: readonly string[]): Kernel {
  const b = builder("flag_to_word", target, loc);
  b.param("x", "u8", 1, "in");
  b.param("y", "i32", 1, "out");
  const flag = b.load(scalar("u8"), b.cursor("i", "x"));
  b.store(b.cursor("o", "y"), 0, b.select(b.compare("ne", flag, b.constant(I32, 0)), b.constant(I32, 1), b.constant(I32, 0)));
  return b.finish();
}

/** y = x, at least 0 and at most `most`. x: one i64, y: a word. */
export function tripsToWord(most: number, target: TargetProfile, loc: readonly string[]): Kernel {
  const b = builder(`trips_to_word_${most}`, target, loc);
  b.param("x", "i64", 1, "in");
  b.param("y", "i32", 1, "out");
  b.store(b.cursor("o", "y"), 0, loadIndex(b, "i64", most + 1, b.cursor("i", "x"), 0, false).at);
  return b.finish();
}

/** y = value. */
export function setWord(value: number, target: TargetProfile, loc: readonly string[]): Kernel {
  const b = builder(`set_word_${value}`, target, loc);
  b.param("y", "i32", 1, "out");
  b.store(b.cursor("o", "y"), 0, b.constant(I32, value));
  return b.finish();
}

/** y += 1 */
export function nextTurn(target: TargetProfile, loc: readonly string[]): Kernel {
  const b = builder("next_turn", target, loc);
  b.param("y", "i32", 1, "inout");
  const y = b.cursor("o", "y");
  b.store(y, 0, b.add(b.load(I32, y), b.constant(I32, 1)));
  return b.finish();
}

/** y = turn, as the i64 that bodies see. */
export function turnToTensor(target: TargetProfile, loc: readonly string[]): Kernel {
  const b = builder("turn_to_i64", target, loc);
  b.param("turn", "i32", 1, "in");
  b.param("y", "i64", 1, "out");
  b.store(b.cursor("o", "y"), 0, b.convert(b.load(I32, b.cursor("i", "turn")), "i64"));
  return b.finish();
}

/** y = turn */
export function turnToCount(target: TargetProfile, loc: readonly string[]): Kernel {
  const b = builder("turn_to_count", target, loc);
  b.param("turn", "i32", 1, "in");
  b.param("y", "i32", 1, "out");
  b.store(b.cursor("o", "y"), 0, b.load(I32, b.cursor("i", "turn")));
  return b.finish();
}

/** Slices of `elements` elements, side by side in a tensor of `turns` of them. */
export interface Rows {
  readonly elem: Elem;
  readonly dtype: DType;
  readonly elements: number;
  readonly turns: number;
}

/** rows[turn] = x, or with `"take"`: x = rows[turn]. */
export function rowKernel(way: "put" | "take", { elem, elements, turns }: Rows, target: TargetProfile, loc: readonly string[]): Kernel {
  const b = builder(`${way}_row_${elem}_${turns}x${elements}`, target, loc);
  const unit = unitOfRun(elem, elements, b.lanes);
  b.param("turn", "i32", 1, "in");
  b.param("x", elem, elements, way === "put" ? "in" : "out");
  b.param("rows", elem, turns * elements, way === "put" ? "out" : "in");
  const [x, rows] = [b.cursor("i", "x", 0, unit.elem), b.cursor("o", "rows", 0, unit.elem)];
  const { at } = loadIndex(b, "i32", turns, b.cursor("k", "turn"), 0, false);
  const start: Term = b.let("s", b.mul(at, b.constant(I32, unit.count)));
  if (way === "put") copyRun(b, unit, x, rows, undefined, start);
  else copyRun(b, unit, rows, x, start);
  return b.finish();
}
