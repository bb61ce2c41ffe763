/**
 * Loops of a kernel that need not run to the end of an axis. A loop all of whose stores move forward by `per` elements a turn
 * writes nothing before element `start + per * i` from turn i on, counted in each turn of the axes outside.
 */
import { ELEM_BYTES, type Kernel, type Stmt } from "../kernel/kernel.ts";
import { accessesOf, expressionsOf, lanesIn, mostTrips, walkExpression, walkStatements, type Access, type Loop } from "../kernel/walk.ts";
import type { Layout } from "./layout.ts";

export interface AxisLoop {
  readonly loop: Loop;
  /** The element, counted in what one turn of the axes outside holds, that the first turn begins at, and elements that each turn moves on. */
  readonly start: number;
  readonly per: number;
  /** Elements from one place of the axis to the next. */
  readonly stride: number;
}

/** The outermost loops that move along `axis` of the tensor that `param` holds in `layout`. `isOwn`: parameters that nobody else looks at. */
export function loopsAlong(kernel: Kernel, param: string, layout: Layout, axis: number, isOwn: (param: string) => boolean): readonly AxisLoop[] {
  const stride = layout.strides[axis]!;
  if (layout.block?.axis === axis || layout.shape[axis]! < 2 || layout.shape.some((dim, i) => dim > 1 && i !== axis && layout.strides[i] === stride)) return [];
  const found: AxisLoop[] = [];
  walkStatements(kernel.body, (stmt, loops) => {
    if (stmt.kind !== "for" || stmt.mode !== "serial" || typeof stmt.trips !== "number" || stmt.trips < 2) return;
    if (loops.some((outer) => found.some(({ loop }) => loop === outer))) return;
    const along = stepAlong(kernel, stmt, param, layout, axis, isOwn);
    if (along && !leaksRegisters(kernel.body, stmt)) found.push({ loop: stmt, ...along });
  });
  return found;
}

/**
 * The loops that move through the rows of a scratch matrix of `pitch` columns which the kernel alone uses, whatever they do there;
 * undefined where one begins in the middle of a row, or reads behind the vector of `lanes` in which the end lies. Those that write less
 * than whole vectors are left as they are: others read the whole vector in which the end lies.
 */
export function loopsThroughRows(kernel: Kernel, param: string, pitch: number, lanes: number): readonly AxisLoop[] | undefined {
  const found: AxisLoop[] = [];
  const whole = new Set<Loop>();
  let fine = true;
  walkStatements(kernel.body, (stmt, loops) => {
    for (const access of accessesOf(stmt)) {
      const cursor = kernel.cursors[access.at.cursor]!;
      if (cursor.param !== param || access.what === "prefetch") continue;
      const inRow = loops.filter((loop) => (cursor.steps[loop.name] ?? 0) % pitch !== 0);
      if (inRow.length === 0) continue;
      const [loop] = inRow as [Loop];
      const per = cursor.steps[loop.name]!;
      const width = access.what === "splat" || !access.type ? 1 : lanesIn(access.type);
      const isRead = access.what !== "store";
      const end = ((cursor.base + access.at.offset) % pitch) + width;
      fine &&= inRow.length === 1 && typeof loop.trips === "number" && per > 0 && end <= per && !access.at.index && (!isRead || lanes % per === 0);
      if (!isRead && per % lanes !== 0) whole.add(loop);
      if (!found.some((other) => other.loop === loop)) found.push({ loop, start: 0, per, stride: 1 });
    }
  });
  return fine ? found.filter(({ loop }) => !whole.has(loop)) : undefined;
}

function stepAlong(
  kernel: Kernel,
  loop: Loop,
  param: string,
  layout: Layout,
  axis: number,
  isOwn: (param: string) => boolean,
): Omit<AxisLoop, "loop"> | undefined {
  const [stride, room] = [layout.strides[axis]!, roomBehind(layout, axis)];
  let [per, start, fine] = [0, Infinity, true];
  walkStatements(loop.body, (stmt) => {
    for (const access of accessesOf(stmt)) {
      if (access.what !== "store") continue;
      const cursor = kernel.cursors[access.at.cursor]!;
      if (cursor.param !== param && isOwn(cursor.param)) continue;
      const step = cursor.steps[loop.name] ?? 0;
      const isAlong =
        cursor.param === param &&
        ELEM_BYTES[cursor.elem] === ELEM_BYTES[layout.elem] &&
        !access.at.index &&
        step > 0 &&
        step < room &&
        step * (loop.trips as number) > stride;
      fine &&= isAlong && (per ||= step) === step && staysInside(kernel, access, layout, room);
      const first = cursor.base + access.at.offset - layout.offset;
      start = Math.min(start, room === Infinity ? first : first % room);
    }
  });
  return fine && per > 0 ? { start, per, stride } : undefined;
}

/** The stride of the next axis outwards: what an address may move along this axis and those inside it. */
function roomBehind(layout: Layout, axis: number): number {
  const stride = layout.strides[axis]!;
  const outer = layout.strides.filter((other, i) => layout.shape[i]! > 1 && other > stride);
  const { block } = layout;
  if (block && block.stride > stride && layout.shape[block.axis]! > block.size) outer.push(block.stride);
  return Math.min(Infinity, ...outer);
}

/** Whether no turn of any loop carries the address over into the next axis outwards, or before the tensor. */
function staysInside(kernel: Kernel, access: Access, layout: Layout, room: number): boolean {
  const cursor = kernel.cursors[access.at.cursor]!;
  const first = cursor.base + access.at.offset - layout.offset;
  if (first < 0) return false;
  let most = room === Infinity ? 0 : first % room;
  for (const [name, step] of Object.entries(cursor.steps)) {
    if (step < 0) return false;
    if (step >= room) {
      if (step % room !== 0) return false;
    } else most += step * (tripsOf(kernel, name) - 1);
  }
  return most + (access.type ? lanesIn(access.type) : 1) <= room;
}

function tripsOf(kernel: Kernel, name: string): number {
  let trips = 1;
  walkStatements(kernel.body, (stmt) => void (stmt.kind === "for" && stmt.name === name && (trips = Math.max(trips, mostTrips(stmt.trips)))));
  return trips;
}

/** The kernel with each loop running to `ceil(extent / per)`, an extent in elements behind its start. */
export function endedAt(kernel: Kernel, loops: readonly (AxisLoop & { readonly extent: string })[]): Kernel {
  const replaced = (body: readonly Stmt[]): readonly Stmt[] =>
    body.map((stmt) => {
      if (stmt.kind !== "for") return stmt;
      const found = loops.find(({ loop }) => loop === stmt);
      return { ...stmt, ...(found ? { trips: { extent: found.extent, per: found.per, max: mostTrips(stmt.trips) } } : {}), body: replaced(stmt.body) };
    });
  return { ...kernel, name: `${kernel.name}_live`, body: replaced(kernel.body) };
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
