/**
 * Loops that need not run to the bound. Who reads a buffer only as far as a run-time length says leaves what lies behind unread, so
 * the calls that write it may stop there, and need less of what they read in turn. Found in the kernels themselves: a loop all of
 * whose stores move forward by `step` bytes a turn writes nothing before byte `step * i` from turn i on.
 */
import { ELEM_BYTES, type Kernel, type Stmt } from "../kernel/kernel.ts";
import { accessesOf, expressionsOf, lanesIn, mostTrips, walkExpression, walkStatements, type Access, type Loop } from "../kernel/walk.ts";

/** The first `granule`-rounded `extent` times `bytes` bytes of a buffer are looked at. */
export interface Live {
  readonly extent: string;
  readonly bytes: number;
  readonly granule: number;
}

export type Demand = "all" | Live;

/** What two readers look at. */
export function joined(a: Demand | undefined, b: Demand): Demand {
  if (a === undefined) return b;
  if (a === "all" || b === "all" || a.extent !== b.extent || a.bytes !== b.bytes) return "all";
  const [low, high] = [Math.min(a.granule, b.granule), Math.max(a.granule, b.granule)];
  return high % low === 0 ? { ...a, granule: high } : "all";
}

/** A loop that may stop early, and what the turns it runs write. */
export interface Stop {
  readonly loop: Loop;
  /** Bytes of a turn. */
  readonly step: number;
  /** Live bytes are a multiple of a turn, or a turn is so many extents. */
  readonly granule: number;
}

/** The loop of a kernel that may stop behind the live bytes of `param`; undefined: none is worth it, or none is sure. */
export function stopFor(kernel: Kernel, param: string, live: Live): Stop | undefined {
  let best: Stop | undefined;
  walkStatements(kernel.body, (stmt) => {
    if (stmt.kind !== "for" || typeof stmt.trips !== "number" || stmt.trips < 2) return;
    const step = stepOf(kernel, stmt, param);
    if (step === undefined || (best && best.step >= step) || leaksRegisters(kernel.body, stmt)) return;
    if (live.bytes % step === 0) best = { loop: stmt, step, granule: live.granule };
    else if (step % live.bytes === 0 && (step / live.bytes) % live.granule === 0) best = { loop: stmt, step, granule: step / live.bytes };
  });
  return best;
}

/** Bytes by which all stores of a loop move forward; undefined where they differ, go elsewhere, or where data say. */
function stepOf(kernel: Kernel, loop: Loop, param: string): number | undefined {
  let step: number | undefined;
  let fine = true;
  walkStatements(loop.body, (stmt) => {
    for (const access of accessesOf(stmt)) {
      if (access.what !== "store") continue;
      const { cursor, bytes } = moving(kernel, access, loop);
      fine &&= cursor.param === param && !access.at.index && bytes > 0 && (step ??= bytes) === bytes && isForward(kernel, access);
    }
  });
  return fine ? step : undefined;
}

function moving(kernel: Kernel, access: Access, loop: Loop): { readonly cursor: Kernel["cursors"][string]; readonly bytes: number } {
  const cursor = kernel.cursors[access.at.cursor]!;
  return { cursor, bytes: (cursor.steps[loop.name] ?? 0) * ELEM_BYTES[cursor.elem] };
}

/** No loop moves the cursor back, and it does not begin before the buffer. */
function isForward(kernel: Kernel, access: Access): boolean {
  const cursor = kernel.cursors[access.at.cursor]!;
  return cursor.base + access.at.offset >= 0 && Object.values(cursor.steps).every((step) => step >= 0);
}

/** Registers that the loop sets and somebody reads outside of it. */
function leaksRegisters(body: readonly Stmt[], loop: Loop): boolean {
  const set = new Set<string>();
  walkStatements(loop.body, (stmt) => void (stmt.kind === "set" && set.add(stmt.reg)));
  let leaks = false;
  walkStatements(body, (stmt, loops) => {
    if (loops.includes(loop)) return;
    for (const root of expressionsOf(stmt)) walkExpression(root, (expr) => void (leaks ||= expr.kind === "reg" && set.has(expr.name)));
  });
  return leaks;
}

/** The kernel with the loop running to `ceil(extent / step)`, an extent in bytes. */
export function stopped(kernel: Kernel, { loop, step }: Stop, extent: string): Kernel {
  const replaced = (body: readonly Stmt[]): readonly Stmt[] =>
    body.map((stmt) => {
      if (stmt.kind !== "for") return stmt;
      return stmt === loop ? { ...stmt, trips: { extent, per: step, max: mostTrips(stmt.trips) } } : { ...stmt, body: replaced(stmt.body) };
    });
  return { ...kernel, name: `${kernel.name}_live`, body: replaced(kernel.body) };
}

/** How turns of a loop go with an extent: it runs `turns` of them for every `per`, and `granule` extents at a time. */
export interface Pace {
  readonly turns: number;
  readonly per: number;
  readonly granule: number;
}

export function paceOf({ step, granule }: Stop, live: Live): Pace {
  return live.bytes % step === 0 ? { turns: live.bytes / step, per: 1, granule } : { turns: 1, per: granule, granule };
}

/** What a kernel looks at of a parameter when `loop` runs at a pace. */
export function demandOf(kernel: Kernel, param: string, loop: Loop, extent: string, { turns, per, granule }: Pace): Demand {
  let step: number | undefined;
  let fine = true;
  walkStatements(kernel.body, (stmt, loops) => {
    for (const access of accessesOf(stmt)) {
      if (kernel.cursors[access.at.cursor]!.param !== param || access.what === "store" || access.what === "prefetch") continue;
      const { cursor, bytes } = moving(kernel, access, loop);
      fine &&= loops.includes(loop) && !access.at.index && bytes > 0 && (step ??= bytes) === bytes && isForward(kernel, access);
      fine &&= reach(cursor, access, loops, loop) <= bytes;
    }
  });
  if (!fine || step === undefined) return "all";
  const bytes = (step * turns) / per;
  return Number.isInteger(bytes) ? { extent, bytes, granule } : "all";
}

/** Bytes from where a turn of `loop` begins to the end of what the access reads in it. */
function reach(cursor: Kernel["cursors"][string], access: Access, loops: readonly Loop[], loop: Loop): number {
  const others = loops.filter((other) => other !== loop).reduce((sum, other) => sum + (cursor.steps[other.name] ?? 0) * (mostTrips(other.trips) - 1), 0);
  const width = access.what === "splat" || !access.type ? 1 : lanesIn(access.type);
  return (cursor.base + access.at.offset + others + width) * ELEM_BYTES[cursor.elem];
}
