import type { At, Expr, Kernel, Stmt, Trips, Type } from "./kernel.ts";
import { registerType } from "./ops.ts";

export type Loop = Extract<Stmt, { kind: "for" }>;

/** Every statement in program order, a loop before its body, with the loops round it, outermost first. */
export function walkStatements(body: readonly Stmt[], visit: (stmt: Stmt, loops: readonly Loop[]) => void, loops: readonly Loop[] = []): void {
  for (const stmt of body) {
    visit(stmt, loops);
    if (stmt.kind === "for") walkStatements(stmt.body, visit, [...loops, stmt]);
  }
}

/** The expressions that stand in a statement itself: value and address index. */
export function expressionsOf(stmt: Stmt): readonly Expr[] {
  switch (stmt.kind) {
    case "set":
      return [stmt.value];
    case "store":
      return stmt.at.index ? [stmt.at.index, stmt.value] : [stmt.value];
    case "prefetch":
      return stmt.at.index ? [stmt.at.index] : [];
    case "for":
    case "launder":
      return [];
  }
}

/** An expression and all inside it, operands first. */
export function walkExpression(expr: Expr, visit: (expr: Expr) => void): void {
  for (const child of childrenOf(expr)) walkExpression(child, visit);
  visit(expr);
}

export function childrenOf(expr: Expr): readonly Expr[] {
  switch (expr.kind) {
    case "op":
      return expr.args;
    case "load":
    case "splat":
    case "widen":
      return expr.at.index ? [expr.at.index] : [];
    case "const":
    case "reg":
      return [];
  }
}

/** Rebuilds an expression with other children, in the order of `childrenOf`. */
export function withChildren(expr: Expr, children: readonly Expr[]): Expr {
  switch (expr.kind) {
    case "op":
      return { ...expr, args: children };
    case "load":
    case "splat":
    case "widen":
      return expr.at.index ? { ...expr, at: { ...expr.at, index: children[0]! } } : expr;
    case "const":
    case "reg":
      return expr;
  }
}

/** The type an expression has in a register; undefined for a register that is not declared. */
export function expressionType(kernel: Kernel, expr: Expr): Type | undefined {
  return expr.kind === "reg" ? kernel.registers[expr.name] : registerType(expr.type);
}

export function lanesIn(type: Type): number {
  return "mask" in type ? type.mask : type.lanes;
}

/** The most trips there can be. */
export function mostTrips(trips: Trips): number {
  return typeof trips === "number" ? trips : trips.max;
}

/** Extents a kernel takes as arguments, sorted. */
export function extentNames(kernel: Kernel): string[] {
  const names = new Set<string>();
  walkStatements(kernel.body, (stmt) => {
    if (stmt.kind === "for" && typeof stmt.trips !== "number") names.add(stmt.trips.extent);
  });
  return [...names].sort();
}

/** The parallel loop, if there is one. */
export function parallelLoop(kernel: Kernel): Loop | undefined {
  return kernel.body.find((stmt): stmt is Loop => stmt.kind === "for" && stmt.mode === "parallel");
}

export interface Access {
  readonly what: "load" | "splat" | "widen" | "store" | "prefetch";
  /** In memory. */
  readonly type: Type | undefined;
  readonly at: At;
}

/** The accesses of a statement itself, in the order in which they happen. */
export function accessesOf(stmt: Stmt): Access[] {
  const found: Access[] = [];
  for (const root of expressionsOf(stmt)) {
    walkExpression(root, (expr) => {
      if (expr.kind === "load" || expr.kind === "splat") found.push({ what: expr.kind, type: expr.type, at: expr.at });
      else if (expr.kind === "widen") found.push({ what: expr.kind, type: expr.from, at: expr.at });
    });
  }
  if (stmt.kind === "store") found.push({ what: "store", type: stmt.type, at: stmt.at });
  if (stmt.kind === "prefetch") found.push({ what: "prefetch", type: undefined, at: stmt.at });
  return found;
}
