import { ELEM_BYTES, type At, type Expr, type Kernel, type Stmt, type Type } from "../kernel.ts";
import { isNarrow, OP_SPECS, registerType, sameType, typeText } from "../ops.ts";
import { accessesOf, childrenOf, expressionsOf, expressionType, walkStatements } from "../walk.ts";
import type { Findings } from "./finding.ts";

/** Types of all expressions by the op table, registers and views; vectors are as wide as the kernel says. */
export function checkTypes(kernel: Kernel, findings: Findings): void {
  const width = 4 * kernel.lanes;
  for (const [name, type] of Object.entries(kernel.registers)) {
    const problem = formProblem(type, width, true);
    if (problem) findings.add("types", `register ${name}: ${problem}`);
    if (!("mask" in type) && type.lanes === 1 && isNarrow(type.elem)) findings.add("types", `register ${name}: ${type.elem} scalars live in i32 registers`);
  }
  const check = (expr: Expr): void => {
    for (const child of childrenOf(expr)) check(child);
    const problem = expressionProblem(kernel, expr, width);
    if (problem) findings.add("types", problem);
  };
  walkStatements(kernel.body, (stmt) => {
    for (const expr of expressionsOf(stmt)) check(expr);
    const problem = statementProblem(kernel, stmt, width);
    if (problem) findings.add("types", problem);
    for (const access of accessesOf(stmt)) {
      const wrong = accessProblem(kernel, access.type, access.at);
      if (wrong) findings.add(wrong.startsWith("offset") ? "access" : "types", `${access.what} through ${access.at.cursor}: ${wrong}`);
    }
  });
}

function expressionProblem(kernel: Kernel, expr: Expr, width: number): string | undefined {
  switch (expr.kind) {
    case "reg":
      return kernel.registers[expr.name] ? undefined : `there is no register ${expr.name}`;
    case "const":
      return (
        formProblem(expr.type, width, false) ??
        (!("mask" in expr.type) && expr.type.lanes === 1 && isNarrow(expr.type.elem)
          ? `a constant of type ${expr.type.elem}: narrow scalars are i32`
          : undefined)
      );
    case "load":
      return "mask" in expr.type ? "masks have no memory form" : formProblem(expr.type, width, false);
    case "splat":
      return "mask" in expr.type || expr.type.lanes === 1 ? `splat gives vectors, not ${typeText(expr.type)}` : formProblem(expr.type, width, false);
    case "widen":
      return widenProblem(expr.type, expr.from) ?? formProblem(expr.type, width, false);
    case "op": {
      const args = expr.args.map((arg) => expressionType(kernel, arg));
      if (args.some((arg) => arg === undefined)) return undefined;
      const problem = OP_SPECS[expr.op].check({ type: expr.type, args: args as Type[], imm: expr.imm ?? [] });
      return (problem && `${expr.op}: ${problem}`) ?? formProblem(expr.type, width, expr.op === "narrow");
    }
  }
}

/** Vectors fill V bytes; narrow ones that wait to be stored may fill V/2 or V/4. */
function formProblem(type: Type, width: number, parts: boolean): string | undefined {
  if ("mask" in type) return type.mask === 1 || [1, 2, 4, 8].includes(width / type.mask) ? undefined : `${typeText(type)} fits no vector of ${width} bytes`;
  if (type.lanes === 1) return undefined;
  const bytes = type.lanes * ELEM_BYTES[type.elem];
  const fits = bytes === width || (parts && isNarrow(type.elem) && (bytes * 2 === width || bytes * 4 === width));
  return fits ? undefined : `${typeText(type)} is not as wide as the kernel's vectors of ${width} bytes`;
}

function widenProblem(type: Type, from: Type): string | undefined {
  if ("mask" in type || "mask" in from || type.lanes === 1 || type.lanes !== from.lanes) return `widen cannot make ${typeText(type)} of ${typeText(from)}`;
  const ratio = ELEM_BYTES[type.elem] / ELEM_BYTES[from.elem];
  const integers = type.elem !== "f32" && type.elem !== "f64" && from.elem !== "f32" && from.elem !== "f64" && type.elem !== "i64";
  return integers && (ratio === 2 || ratio === 4) ? undefined : `widen cannot make ${typeText(type)} of ${typeText(from)}`;
}

function statementProblem(kernel: Kernel, stmt: Stmt, width: number): string | undefined {
  if (stmt.kind === "set") {
    const reg = kernel.registers[stmt.reg];
    const value = expressionType(kernel, stmt.value);
    if (!reg) return `there is no register ${stmt.reg}`;
    return value && !sameType(reg, value) ? `register ${stmt.reg} of ${typeText(reg)} is set to ${typeText(value)}` : undefined;
  }
  if (stmt.kind === "store") {
    if ("mask" in stmt.type) return "masks have no memory form";
    const value = expressionType(kernel, stmt.value);
    if (value && !sameType(registerType(stmt.type), value)) return `${typeText(value)} is stored as ${typeText(stmt.type)}`;
    return formProblem(stmt.type, width, true);
  }
  return undefined;
}

function accessProblem(kernel: Kernel, type: Type | undefined, at: At): string | undefined {
  const elem = kernel.cursors[at.cursor]!.elem;
  if (!Number.isInteger(at.offset) || at.offset < 0) return `offset ${at.offset} is not a number from 0`;
  if (at.index) {
    const index = expressionType(kernel, at.index);
    if (index && !sameType(index, { elem: "i32", lanes: 1 })) return `the index is ${typeText(index)}, wants i32`;
  }
  return type && !("mask" in type) && type.elem !== elem ? `${typeText(type)} in a view of ${elem}` : undefined;
}
