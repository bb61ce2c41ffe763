/**
 * Loops that need not run to the bound. Who reads a buffer only as far as a run-time length says leaves what lies behind unread, so
 * the calls that write it may stop there, and need less of what they read in turn. Found in the kernels themselves: a loop all of
 * whose stores move forward by `step` bytes a turn writes nothing before byte `step * i` from turn i on.
 */
import { ELEM_BYTES, type Kernel, type Stmt } from "../kernel/kernel.ts";
import { accessesOf, expressionsOf, lanesIn, mostTrips, walkExpression, walkStatements, type Access, type Loop } from "../kernel/walk.ts";

/** The first `extent` + `slack` times `bytes` bytes of a buffer are looked at. */
export interface Live {
  readonly extent: string;
  readonly bytes: number;
  readonly slack: number;
}

export type Demand = "all" | Live;

/** What two readers look at. */
export function joined(a: Demand | undefined, b: Demand): Demand {
  if (a === undefined) return b;
  if (a === "all" || b === "all" || a.extent !== b.extent || a.bytes !== b.bytes) return "all";
  return { ...a, slack: Math.max(a.slack, b.slack) };
}

/** A loop that may stop early, and the bytes by which a turn of it moves on. */
export interface Stop {
  readonly loop: Loop;
  readonly step: number;
}

/** The loop of a kernel that may stop behind the live bytes of `param`: of those that may, the one with the longest turns. */
export function stopFor(kernel: Kernel, param: string): Stop | undefined {
  let best: Stop | undefined;
  walkStatements(kernel.body, (stmt) => {
    if (stmt.kind !== "for" || typeof stmt.trips !== "number" || stmt.trips < 2) return;
    const step = stepOf(kernel, stmt, param);
    if (step !== undefined && !(best && best.step >= step) && !leaksRegisters(kernel.body, stmt)) best = { loop: stmt, step };
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

/** Whether somebody outside of the loop may read what it left in a register. */
function leaksRegisters(body: readonly Stmt[], loop: Loop): boolean {
  const set = registersSet(loop.body);
  const reads = (stmt: Stmt, left: ReadonlySet<string>): boolean => {
    let found = false;
    for (const root of expressionsOf(stmt)) walkExpression(root, (expr) => void (found ||= expr.kind === "reg" && left.has(expr.name)));
    return found;
  };
  // `left`: registers that may hold what the loop left there.
  const leaks = (list: readonly Stmt[], left: Set<string>): boolean => {
    for (const stmt of list) {
      if (reads(stmt, left)) return true;
      if (stmt.kind === "set") left.delete(stmt.reg);
      if (stmt.kind !== "for") continue;
      const holds = stmt === loop || contains(stmt, loop);
      if (stmt !== loop && leaks(stmt.body, new Set(holds ? set : left))) return true;
      if (holds) for (const reg of set) left.add(reg);
    }
    return false;
  };
  return leaks(body, new Set());
}

function registersSet(body: readonly Stmt[]): ReadonlySet<string> {
  const set = new Set<string>();
  walkStatements(body, (stmt) => void (stmt.kind === "set" && set.add(stmt.reg)));
  return set;
}

function contains(outer: Loop, inner: Loop): boolean {
  let found = false;
  walkStatements(outer.body, (stmt) => void (found ||= stmt === inner));
  return found;
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

/**
 * What a kernel looks at of `param` where only the live bytes of `out` matter. Each access must stand in a loop whose stores and loads
 * move on together, at the rate of all the others: what a turn reads is then wanted only if what it writes is.
 */
export function demandOf(kernel: Kernel, param: string, out: string, live: Live): Demand {
  let demand: Demand | undefined;
  walkStatements(kernel.body, (stmt, loops) => {
    for (const access of accessesOf(stmt)) {
      if (kernel.cursors[access.at.cursor]!.param !== param || access.what === "store" || access.what === "prefetch") continue;
      const loop = loops.find((one) => moving(kernel, access, one).bytes > 0 && stepOf(kernel, one, out) !== undefined && !leaksRegisters(kernel.body, one));
      demand = joined(demand, loop ? alongLoop(kernel, access, loops, loop, out, live) : "all");
    }
  });
  return demand ?? { ...live, slack: 0 };
}

/** A turn begins to write at `first` + i * step and reads up to `end` + i * step * rate. */
function alongLoop(kernel: Kernel, access: Access, loops: readonly Loop[], loop: Loop, out: string, live: Live): Demand {
  const { cursor, bytes } = moving(kernel, access, loop);
  const step = stepOf(kernel, loop, out)!;
  const wanted = (live.bytes * bytes) / step;
  if (access.at.index || bytes <= 0 || !Number.isInteger(wanted) || !isForward(kernel, access)) return "all";
  const end = reach(cursor, access, loops, loop);
  const first = firstStore(kernel, loop);
  return { extent: live.extent, bytes: wanted, slack: live.slack + Math.max(0, Math.ceil((end - (first * bytes) / step) / wanted)) };
}

/** The least byte that turn 0 of a loop writes, in the first turn of those round it. */
function firstStore(kernel: Kernel, loop: Loop): number {
  let first = Infinity;
  walkStatements(loop.body, (stmt) => {
    for (const access of accessesOf(stmt)) {
      if (access.what !== "store") continue;
      const cursor = kernel.cursors[access.at.cursor]!;
      first = Math.min(first, (cursor.base + access.at.offset) * ELEM_BYTES[cursor.elem]);
    }
  });
  return first;
}

/** What a kernel looks at of `param` where one of its own loops ends at an extent. */
export function demandOfExtentLoop(kernel: Kernel, param: string, loop: Loop, extent: string): Demand {
  const { per } = loop.trips as Exclude<Loop["trips"], number>;
  let demand: Demand | undefined;
  walkStatements(kernel.body, (stmt, loops) => {
    for (const access of accessesOf(stmt)) {
      if (kernel.cursors[access.at.cursor]!.param !== param || access.what === "store" || access.what === "prefetch") continue;
      const { cursor, bytes } = moving(kernel, access, loop);
      const isPlain = loops.includes(loop) && !access.at.index && bytes > 0 && bytes % per === 0 && isForward(kernel, access);
      const slack = per - 1 + Math.max(0, Math.ceil((reach(cursor, access, loops, loop) - bytes) / (bytes / per)));
      demand = joined(demand, isPlain ? { extent, bytes: bytes / per, slack } : "all");
    }
  });
  return demand ?? "all";
}

/** Bytes from where a turn of `loop` begins to the end of what the access reads in it. */
function reach(cursor: Kernel["cursors"][string], access: Access, loops: readonly Loop[], loop: Loop): number {
  const others = loops.filter((other) => other !== loop).reduce((sum, other) => sum + (cursor.steps[other.name] ?? 0) * (mostTrips(other.trips) - 1), 0);
  const width = access.what === "splat" || !access.type ? 1 : lanesIn(access.type);
  return (cursor.base + access.at.offset + others + width) * ELEM_BYTES[cursor.elem];
}
