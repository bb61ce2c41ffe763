import type { At, Cursor, Expr, Kernel, Stmt } from "../kernel.ts";
import { accessesOf, childrenOf, expressionsOf, walkExpression, walkStatements, withChildren } from "../walk.ts";

/** The kernel without registers that nobody reads, cursors that nothing is reached through, and loops that thereby became empty. */
export function removeDead(kernel: Kernel): Kernel {
  let { body } = kernel;
  for (;;) {
    const read = readRegisters(body);
    const kept = keep(body, (stmt) => stmt.kind !== "set" || read.has(stmt.reg));
    if (countStatements(kept) === countStatements(body)) break;
    body = kept;
  }
  const read = readRegisters(body);
  const reached = new Set<string>();
  walkStatements(body, (stmt) => {
    if (stmt.kind === "launder") reached.add(stmt.cursor);
    for (const access of accessesOf(stmt)) reached.add(access.at.cursor);
  });
  const loops = new Set<string>();
  walkStatements(body, (stmt) => stmt.kind === "for" && loops.add(stmt.name));
  const cursors = Object.fromEntries(Object.entries(kernel.cursors).flatMap(([name, cursor]) => (reached.has(name) ? [[name, withLoops(cursor, loops)]] : [])));
  const registers = Object.fromEntries(Object.entries(kernel.registers).filter(([name]) => read.has(name)));
  return { ...kernel, body, registers, cursors };
}

function readRegisters(body: readonly Stmt[]): Set<string> {
  const read = new Set<string>();
  walkStatements(body, (stmt) => {
    for (const root of expressionsOf(stmt)) walkExpression(root, (expr) => expr.kind === "reg" && read.add(expr.name));
  });
  return read;
}

function keep(body: readonly Stmt[], wanted: (stmt: Stmt) => boolean): Stmt[] {
  return body.flatMap((stmt): Stmt[] => {
    if (stmt.kind !== "for") return wanted(stmt) ? [stmt] : [];
    const inside = keep(stmt.body, wanted);
    return inside.length > 0 || stmt.mode === "parallel" ? [{ ...stmt, body: inside }] : [];
  });
}

function countStatements(body: readonly Stmt[]): number {
  let count = 0;
  walkStatements(body, () => count++);
  return count;
}

function withLoops(cursor: Cursor, loops: ReadonlySet<string>): Cursor {
  return { ...cursor, steps: Object.fromEntries(Object.entries(cursor.steps).filter(([loop]) => loops.has(loop))) };
}

/** The kernel with no offset below 0: where one is, its cursor begins further down. */
export function liftOffsets(kernel: Kernel): Kernel {
  const lowest = new Map<string, number>();
  walkStatements(kernel.body, (stmt) => {
    for (const { at } of accessesOf(stmt)) if (at.offset < (lowest.get(at.cursor) ?? 0)) lowest.set(at.cursor, at.offset);
  });
  if (lowest.size === 0) return kernel;
  const cursors = Object.fromEntries(
    Object.entries(kernel.cursors).map(([name, cursor]) => [name, { ...cursor, base: cursor.base + (lowest.get(name) ?? 0) }]),
  );
  const liftAt = (at: At): At => ({ ...at, offset: at.offset - (lowest.get(at.cursor) ?? 0), ...(at.index ? { index: lift(at.index) } : {}) });
  const lift = (expr: Expr): Expr => ("at" in expr ? { ...expr, at: liftAt(expr.at) } : withChildren(expr, childrenOf(expr).map(lift)));
  const liftBody = (body: readonly Stmt[]): Stmt[] =>
    body.map((stmt): Stmt => {
      switch (stmt.kind) {
        case "for":
          return { ...stmt, body: liftBody(stmt.body) };
        case "set":
          return { ...stmt, value: lift(stmt.value) };
        case "store":
          return { ...stmt, at: liftAt(stmt.at), value: lift(stmt.value) };
        case "prefetch":
          return { ...stmt, at: liftAt(stmt.at) };
        case "launder":
          return stmt;
      }
    });
  return { ...kernel, cursors, body: liftBody(kernel.body) };
}
