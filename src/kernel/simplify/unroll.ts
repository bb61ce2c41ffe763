import type { At, Cursor, Expr, Kernel, Stmt } from "../kernel.ts";
import { childrenOf, walkStatements, withChildren } from "../walk.ts";

/** Elements by which a copy of a body lies behind the first one, by cursor. */
type Shifts = ReadonlyMap<string, number>;

/** The kernel without unrolled loops, loops of one trip, and empty loops: their steps are offsets. Parallel loops stay. */
export function unrollLoops(kernel: Kernel): Kernel {
  const unroller = new Unroller(kernel);
  const body = unroller.body(kernel.body, new Map());
  return { ...kernel, body, cursors: unroller.cursors };
}

class Unroller {
  /** With the steps of the loops that are left. */
  readonly cursors: Readonly<Record<string, Cursor>>;
  private readonly kernel: Kernel;
  private readonly steps: Readonly<Record<string, Record<string, number>>>;
  private readonly taken: Set<string>;
  private readonly used = new Set<string>();

  constructor(kernel: Kernel) {
    this.kernel = kernel;
    this.steps = Object.fromEntries(Object.keys(kernel.cursors).map((name) => [name, {}]));
    this.cursors = Object.fromEntries(Object.entries(kernel.cursors).map(([name, cursor]) => [name, { ...cursor, steps: this.steps[name]! }]));
    this.taken = new Set([...kernel.params.map((param) => param.name), ...Object.keys(kernel.cursors), ...Object.keys(kernel.registers)]);
    walkStatements(kernel.body, (stmt) => {
      if (stmt.kind !== "for") return;
      this.taken.add(stmt.name);
      if (typeof stmt.trips !== "number") this.taken.add(stmt.trips.extent);
    });
  }

  body(body: readonly Stmt[], shifts: Shifts): Stmt[] {
    return body.flatMap((stmt) => this.statement(stmt, shifts));
  }

  private statement(stmt: Stmt, shifts: Shifts): readonly Stmt[] {
    switch (stmt.kind) {
      case "for":
        return this.loop(stmt, shifts);
      case "set":
        return [{ ...stmt, value: shiftExpression(stmt.value, shifts) }];
      case "store":
        return [{ ...stmt, at: shiftAt(stmt.at, shifts), value: shiftExpression(stmt.value, shifts) }];
      case "prefetch":
        return [{ ...stmt, at: shiftAt(stmt.at, shifts) }];
      case "launder":
        return [stmt];
    }
  }

  private loop(stmt: Extract<Stmt, { kind: "for" }>, shifts: Shifts): readonly Stmt[] {
    if (stmt.mode !== "parallel" && typeof stmt.trips === "number" && (stmt.mode === "unrolled" || stmt.trips === 1)) {
      return Array.from({ length: stmt.trips }, (_, i) => this.body(stmt.body, this.shifted(shifts, stmt.name, i))).flat();
    }
    const name = this.loopName(stmt.name);
    const body = this.body(stmt.body, shifts);
    if (body.length === 0 && stmt.mode !== "parallel") return [];
    for (const [cursor, { steps }] of Object.entries(this.kernel.cursors)) if (steps[stmt.name]) this.steps[cursor]![name] = steps[stmt.name]!;
    return [{ ...stmt, name, body }];
  }

  private shifted(shifts: Shifts, loop: string, iteration: number): Shifts {
    const next = new Map(shifts);
    for (const [cursor, { steps }] of Object.entries(this.kernel.cursors)) {
      const step = steps[loop] ?? 0;
      if (step !== 0) next.set(cursor, (next.get(cursor) ?? 0) + step * iteration);
    }
    return next;
  }

  /** The first copy of a loop keeps its name. */
  private loopName(stem: string): string {
    let name = stem;
    if (this.used.has(stem)) for (let i = 1; this.taken.has(name); i++) name = `${stem}_${i}`;
    this.taken.add(name);
    this.used.add(stem);
    return name;
  }
}

function shiftAt(at: At, shifts: Shifts): At {
  const offset = at.offset + (shifts.get(at.cursor) ?? 0);
  return at.index ? { ...at, offset, index: shiftExpression(at.index, shifts) } : { ...at, offset };
}

function shiftExpression(expr: Expr, shifts: Shifts): Expr {
  if (shifts.size === 0) return expr;
  const moved = withChildren(
    expr,
    childrenOf(expr).map((child) => shiftExpression(child, shifts)),
  );
  return "at" in moved ? { ...moved, at: { ...moved.at, offset: moved.at.offset + (shifts.get(moved.at.cursor) ?? 0) } } : moved;
}
