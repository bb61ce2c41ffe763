import type { At, Cursor, Expr, Kernel, Param, Stmt, Trips } from "../kernel.ts";
import { printName, printNumber, printType } from "./words.ts";

/** A kernel as text that `parseKernel` reads back to an equal kernel. */
export function printKernel(kernel: Kernel): string {
  const lines = [
    `kernel @${printName(kernel.name)} lanes ${kernel.lanes} ${kernel.mode} {`,
    ...(kernel.loc.length > 0 ? [`  loc ${kernel.loc.map((loc) => JSON.stringify(loc)).join(", ")}`] : []),
    ...kernel.params.map((param) => `  ${printParam(param)}`),
    ...Object.entries(kernel.cursors).map(([name, cursor]) => `  ${printCursor(kernel, name, cursor)}`),
    ...printRegisters(kernel),
    ...printBody(kernel.body, "  "),
    "}",
  ];
  return `${lines.join("\n")}\n`;
}

function printParam(param: Param): string {
  const range = param.range ? ` range ${printNumber(param.range[0])}..${printNumber(param.range[1])}` : "";
  return `${param.access} ${printName(param.name)}: ${param.elem}[${param.size}]${range}`;
}

function printCursor(kernel: Kernel, name: string, cursor: Cursor): string {
  const view = kernel.params.find((param) => param.name === cursor.param)?.elem === cursor.elem ? "" : ` as ${cursor.elem}`;
  const steps = Object.entries(cursor.steps).map(([loop, step]) => `${printName(loop)}: ${step}`);
  return `cursor ${printName(name)} = ${printName(cursor.param)}[${cursor.base}]${view}${steps.length > 0 ? ` {${steps.join(", ")}}` : ""}`;
}

/** One line for each type. */
function printRegisters(kernel: Kernel): string[] {
  const byType = new Map<string, string[]>();
  for (const [name, type] of Object.entries(kernel.registers)) {
    const names = byType.get(printType(type)) ?? [];
    names.push(printName(name));
    byType.set(printType(type), names);
  }
  return [...byType].map(([type, names]) => `  reg ${type} ${names.join(", ")}`);
}

function printBody(body: readonly Stmt[], indent: string): string[] {
  return body.flatMap((stmt) => printStmt(stmt, indent));
}

function printStmt(stmt: Stmt, indent: string): string[] {
  switch (stmt.kind) {
    case "for": {
      const mode = stmt.mode === "serial" ? "" : ` ${stmt.mode}`;
      return [`${indent}for ${printName(stmt.name)} ${printTrips(stmt.trips)}${mode} {`, ...printBody(stmt.body, `${indent}  `), `${indent}}`];
    }
    case "set":
      return [`${indent}%${printName(stmt.reg)} = ${printExpr(stmt.value)}`];
    case "store":
      return [`${indent}store ${printType(stmt.type)} ${printAt(stmt.at)} = ${printExpr(stmt.value)}`];
    case "prefetch":
      return [`${indent}prefetch ${printAt(stmt.at)}`];
    case "launder":
      return [`${indent}launder ${printName(stmt.cursor)}`];
  }
}

export function printTrips(trips: Trips): string {
  return typeof trips === "number" ? String(trips) : `ceil(${printName(trips.extent)} / ${trips.per}) max ${trips.max}`;
}

function printAt(at: At): string {
  return `${printName(at.cursor)}[${at.offset}${at.index ? ` + ${printExpr(at.index)}` : ""}]`;
}

/** Registers are marked, so that none can be taken for a word of the language. */
export function printExpr(expr: Expr): string {
  switch (expr.kind) {
    case "reg":
      return `%${printName(expr.name)}`;
    case "const":
      return `${printType(expr.type)} ${printNumber(expr.value)}`;
    case "load":
    case "splat":
      return `${expr.kind} ${printType(expr.type)} ${printAt(expr.at)}`;
    case "widen":
      return `widen ${printType(expr.type)} of ${printType(expr.from)} ${printAt(expr.at)}`;
    case "op":
      return `${expr.op} ${printType(expr.type)}(${expr.args.map(printExpr).join(", ")})${expr.imm ? ` [${expr.imm.join(", ")}]` : ""}`;
  }
}
