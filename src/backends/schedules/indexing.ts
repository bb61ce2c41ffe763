import type { DType } from "../../ir/types.ts";
import { I32, scalar, vector, type KernelBuilder, type Term } from "../../kernel/build.ts";
import { ELEM_BYTES, type Elem } from "../../kernel/kernel.ts";

/** A run-time index brought inside 0 … count - 1: negative ones count from the end, the others become the nearest. */
export interface Index {
  readonly at: Term;
  /** 1 where nothing had to be brought inside, else 0. */
  readonly wasInside: Term;
}

/** Loads an i64 or i32 index. `wraps` false: negative ones are outside. */
export function loadIndex(b: KernelBuilder, dtype: DType, count: number, cursor: string, offset = 0, wraps = true): Index {
  const c = (value: number): Term => b.constant(I32, value);
  let raw: Term;
  if (dtype === "i64") {
    const long = scalar("i64");
    const bounded = b.pmin(b.pmax(b.load(long, cursor, offset), b.constant(long, -(2n ** 31n))), b.constant(long, 2n ** 31n - 1n));
    raw = b.let("x", b.op("convert", I32, [b.let("x", bounded)]));
  } else raw = b.let("x", b.load(I32, cursor, offset));
  const counted = wraps ? b.let("x", b.select(b.compare("lt", raw, c(0)), b.add(raw, c(count)), raw)) : raw;
  const at = b.let("x", b.pmin(b.pmax(counted, c(0)), c(Math.max(0, count - 1))));
  return { at, wasInside: b.select(b.compare("eq", at, counted), c(1), c(0)) };
}

/** Elements that lie in a row and are moved together: how many units of memory they are. */
interface RunUnit {
  readonly elem: Elem;
  readonly count: number;
  readonly lanes: number;
}

const UNSIGNED: Readonly<Record<number, Elem>> = { 1: "u8", 2: "u16", 4: "i32", 8: "i64" };

/** Words where the run is a number of them, else bytes if vectors of them fit, else the elements. Addresses are multiples of the run. */
export function unitOfRun(elem: Elem, count: number, lanes: number): RunUnit {
  const bytes = count * ELEM_BYTES[elem];
  if (bytes % 4 === 0) return { elem: "i32", count: bytes / 4, lanes: bytes / 4 >= lanes ? lanes : 1 };
  if (bytes >= 4 * lanes && lanes > 1) return { elem: "u8", count: bytes, lanes: 4 * lanes };
  return { elem: UNSIGNED[ELEM_BYTES[elem]]!, count, lanes: 1 };
}

/** Visits a run in vectors; the last may overlap the one before it. `cursors` walk along with it. */
export function emitRun(b: KernelBuilder, unit: RunUnit, cursors: readonly string[], visit: (lanes: number, offset: number) => void): void {
  const whole = Math.floor(unit.count / unit.lanes);
  const rest = unit.count % unit.lanes;
  if (whole <= 4) for (let i = 0; i < whole; i++) visit(unit.lanes, i * unit.lanes);
  else b.loop("r", whole, Object.fromEntries(cursors.map((cursor) => [cursor, unit.lanes])), () => visit(unit.lanes, 0));
  if (rest > 0) visit(unit.lanes, unit.count - unit.lanes);
}

/** Copies a run from `from[fromAt]` to `to[toAt]`; both indices in units, absent: 0. */
export function copyRun(b: KernelBuilder, unit: RunUnit, from: string, to: string, fromAt?: Term, toAt?: Term): void {
  emitRun(b, unit, [from, to], (lanes, offset) => {
    const type = vector(unit.elem, lanes);
    b.storeAs(type, to, offset, b.load(type, from, offset, fromAt), toAt);
  });
}
