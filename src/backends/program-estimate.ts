/**
 * How long code takes, from its kernels alone: instructions of each kind against what the processor does in a cycle, bytes against what
 * memory gives. A figure for decisions between executors; `neo bench` measures.
 */
import { ELEM_BYTES, type Expr, type Kernel, type Stmt, type Type } from "../kernel/kernel.ts";
import type { Program, Step } from "../kernel/program.ts";
import { childrenOf, expressionsOf, lanesIn, mostTrips } from "../kernel/walk.ts";
import type { TargetProfile } from "../target/profile.ts";

/** Cycles a microsecond of processors of a kind; a profile says nothing of clocks. WebAssembly is slower by what its engines add. */
const CYCLES_PER_US: Readonly<Record<TargetProfile["arch"], number>> = { x86_64: 3000, aarch64: 2000, armv7: 1200, riscv64: 1200, wasm32: 2000 };
const CALL_CYCLES = 150;
/** A step of the session: out of the code, into a function over texts or files, and back. */
const HOST_US = 20;
/** Bytes a cycle from memory, and from the second cache where all fits in there. */
const MEMORY_BYTES = 4;
const CACHE_BYTES = 16;
/** Of what the instructions would take if nothing ever waited. */
const WAITING = 1.2;

/** Microseconds of one run on one core. */
export function programUs(program: Program, target: TargetProfile): number {
  const kernels = new Map(program.kernels.map((kernel) => [kernel.name, kernelCycles(kernel, target)]));
  const cyclesOf = (steps: readonly Step[]): number => steps.reduce((sum, step) => sum + stepCycles(step), 0);
  const stepCycles = (step: Step): number => {
    switch (step.kind) {
      case "call":
        return kernels.get(step.kernel)! + CALL_CYCLES;
      case "if":
        return Math.max(cyclesOf(step.then), cyclesOf(step.else));
      case "loop":
        return (typeof step.trips === "number" ? step.trips : 1) * cyclesOf(step.body);
      case "host":
      case "region":
        return HOST_US * CYCLES_PER_US[target.arch];
    }
  };
  return cyclesOf(program.steps) / CYCLES_PER_US[target.arch];
}

interface Counts {
  loads: number;
  stores: number;
  arithmetic: number;
}

function kernelCycles(kernel: Kernel, target: TargetProfile): number {
  const counts: Counts = { loads: 0, stores: 0, arithmetic: 0 };
  countStatements(kernel.body, 1, target, counts);
  const instructions = WAITING * Math.max(counts.loads / target.loadsPerCycle, counts.stores, counts.arithmetic / target.fmaPerCycle);
  const bytes = kernel.params.reduce((sum, { elem, size }) => sum + size * ELEM_BYTES[elem], 0);
  return Math.max(instructions, bytes / (bytes <= target.l2Bytes ? CACHE_BYTES : MEMORY_BYTES));
}

function countStatements(body: readonly Stmt[], times: number, target: TargetProfile, counts: Counts): void {
  for (const stmt of body) {
    if (stmt.kind === "for") {
      counts.arithmetic += times;
      countStatements(stmt.body, times * mostTrips(stmt.trips), target, counts);
      continue;
    }
    if (stmt.kind === "store") counts.stores += times * vectorsOf(stmt.type, target);
    for (const expr of expressionsOf(stmt)) countExpression(expr, times, target, counts);
  }
}

function countExpression(expr: Expr, times: number, target: TargetProfile, counts: Counts): void {
  if (expr.kind === "load" || expr.kind === "splat" || expr.kind === "widen") counts.loads += times * vectorsOf(expr.type, target);
  else if (expr.kind === "op")
    counts.arithmetic += times * vectorsOf(expr.type, target) * (SLOW[expr.op] ?? (expr.op === "madd" && target.fma === "no" ? 2 : 1));
  for (const child of childrenOf(expr)) countExpression(child, times, target, counts);
}

const SLOW: Readonly<Record<string, number>> = { div: 8, rem: 20, sqrt: 10, lookup32: 8 };

/** Registers that a value of this type takes. */
function vectorsOf(type: Type, target: TargetProfile): number {
  const bytes = lanesIn(type) * ("mask" in type ? 4 : Math.max(4, ELEM_BYTES[type.elem]));
  return Math.max(1, bytes / Math.max(4, target.vectorBytes));
}
