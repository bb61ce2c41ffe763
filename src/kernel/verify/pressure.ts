import type { Expr, Kernel, Stmt, Type } from "../kernel.ts";
import { expressionsOf, walkExpression, walkStatements } from "../walk.ts";
import type { Findings } from "./finding.ts";

/** What a verifier must know of the machine. A target profile will do. */
export interface Limits {
  readonly registers: number;
  /** How the compiler behind orders loads within a block: as they stand, or all of a block first. */
  readonly pressure: "order" | "hoist";
  readonly fma: "yes" | "lane" | "no";
}

/** Tiles that need more registers than there are run at half speed, so they are an error. */
export function checkPressure(kernel: Kernel, limits: Limits, findings: Findings): void {
  const needed = pressureOf(kernel, limits.pressure, limits.fma !== "no" && kernel.mode === "fast");
  if (needed > limits.registers)
    findings.add("pressure", `the innermost block needs ${needed} vector registers (${limits.pressure}), there are ${limits.registers}`);
}

/**
 * Vector registers that the worst accumulating block needs at once: an innermost block with a `madd` into a register that is
 * carried round the loop. In model "hoist" all loads of the block come first.
 */
export function pressureOf(kernel: Kernel, model: Limits["pressure"], fused: boolean): number {
  let worst = 0;
  walkStatements(kernel.body, (stmt) => {
    if (stmt.kind === "for" && stmt.body.every((s) => s.kind !== "for")) worst = Math.max(worst, blockPressure(kernel, stmt.body, model, fused));
  });
  return worst;
}

function blockPressure(kernel: Kernel, body: readonly Stmt[], model: Limits["pressure"], fused: boolean): number {
  const isHeld = (reg: string): boolean => takesVectorRegister(kernel.registers[reg]);
  const uses = body.map((stmt) => registersIn(stmt).filter(isHeld));
  const sets = body.map((stmt) => (stmt.kind === "set" && isHeld(stmt.reg) ? stmt.reg : undefined));
  const carried = readFirst(uses, sets);
  const accumulates = body.some((stmt) => stmt.kind === "set" && carried.has(stmt.reg) && hasMadd(stmt.value));
  if (!accumulates) return 0;
  const live = new Set(carried);
  const loads = new Set(model === "hoist" ? body.flatMap((stmt) => (stmt.kind === "set" && isHeld(stmt.reg) && isLoad(stmt.value) ? [stmt.reg] : [])) : []);
  let most = live.size;
  for (let i = body.length - 1; i >= 0; i--) {
    const reg = sets[i];
    if (reg && !carried.has(reg) && !loads.has(reg)) live.delete(reg);
    for (const used of uses[i]!) live.add(used);
    most = Math.max(most, live.size);
  }
  if (model === "hoist") most = Math.max(most, carried.size + loadCount(body, isHeld, carried));
  return most + (fused ? 0 : 1);
}

/** Loads in a block, each into a register of its own, as a compiler that renames sees them. */
function loadCount(body: readonly Stmt[], isHeld: (reg: string) => boolean, carried: ReadonlySet<string>): number {
  return body.filter((stmt) => stmt.kind === "set" && isHeld(stmt.reg) && !carried.has(stmt.reg) && isLoad(stmt.value)).length;
}

function readFirst(uses: readonly (readonly string[])[], sets: readonly (string | undefined)[]): Set<string> {
  const defined = new Set<string>();
  const first = new Set<string>();
  uses.forEach((used, i) => {
    for (const reg of used) if (!defined.has(reg)) first.add(reg);
    const reg = sets[i];
    if (reg) defined.add(reg);
  });
  return first;
}

function registersIn(stmt: Stmt): string[] {
  const found: string[] = [];
  for (const root of expressionsOf(stmt)) walkExpression(root, (expr) => expr.kind === "reg" && found.push(expr.name));
  return found;
}

/** Vectors and scalar floats share the vector registers. */
function takesVectorRegister(type: Type | undefined): boolean {
  return type !== undefined && !("mask" in type) && (type.lanes > 1 || type.elem === "f32" || type.elem === "f64");
}

function hasMadd(expr: Expr): boolean {
  let found = false;
  walkExpression(expr, (e) => {
    if (e.kind === "op" && (e.op === "madd" || e.op === "dot2" || e.op === "dot4")) found = true;
  });
  return found;
}

function isLoad(expr: Expr): boolean {
  return expr.kind === "load" || expr.kind === "splat" || expr.kind === "widen";
}
