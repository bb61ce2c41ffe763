import { narrowRange } from "../checked-ops.ts";
import { anything, equalIntervals, exactly, hull, isInside, opInterval, type Interval } from "../interval.ts";
import { ELEM_BYTES, type At, type Elem, type Expr, type Kernel, type Stmt, type Type } from "../kernel.ts";
import { isFloat, typeText } from "../ops.ts";
import { lanesIn, mostTrips, walkExpression, walkStatements, type Loop } from "../walk.ts";
import { excludesDivisor } from "./divisor.ts";
import type { Findings } from "./finding.ts";

type State = Map<string, Interval>;

/** Iterations that are followed one by one where a register is carried round a loop. */
const EXACT_ITERATIONS = 64;

/**
 * Follows the intervals of all registers through the kernel: every access stays inside its parameter, operands stay inside the
 * ranges that the op table promises to printers, registers are set before they are read.
 */
export function checkRanges(kernel: Kernel, findings: Findings): void {
  new RangeWalk(kernel, findings).statements(kernel.body, new Map(), []);
}

class RangeWalk {
  private readonly kernel: Kernel;
  private readonly findings: Findings;
  private readonly thresholds: readonly number[];
  /** While a loop's fixed point is being sought, nothing is reported. */
  private silent = 0;
  /** What was added to each register, while that is asked. */
  private increments: Map<string, Interval> | undefined;

  constructor(kernel: Kernel, findings: Findings) {
    this.kernel = kernel;
    this.findings = findings;
    this.thresholds = constantsOf(kernel);
  }

  statements(body: readonly Stmt[], state: State, loops: readonly Loop[]): void {
    for (const stmt of body) this.statement(stmt, state, loops);
  }

  private report(rule: "bounds" | "ranges" | "registers" | "access", text: string): void {
    if (this.silent === 0) this.findings.add(rule, text);
  }

  private statement(stmt: Stmt, state: State, loops: readonly Loop[]): void {
    switch (stmt.kind) {
      case "set":
        this.noteIncrement(stmt, state, loops);
        state.set(stmt.reg, this.value(stmt.value, state, loops));
        return;
      case "store": {
        this.value(stmt.value, state, loops);
        const cursor = this.kernel.cursors[stmt.at.cursor]!;
        const param = this.kernel.params.find((p) => p.name === cursor.param)!;
        if (param.access === "in") this.report("access", `store to ${param.name}, which is only read`);
        this.access("store", stmt.type, lanesIn(stmt.type), stmt.at, state, loops);
        return;
      }
      case "for":
        return this.loop(stmt, state, loops);
      case "prefetch":
        if (stmt.at.index) this.value(stmt.at.index, state, loops);
        return;
      case "launder":
        return;
    }
  }

  private loop(loop: Loop, state: State, outer: readonly Loop[]): void {
    const loops = [...outer, loop];
    const entry = new Map(state);
    const carried = carriedRegisters(loop.body);
    const trips = mostTrips(loop.trips);
    for (const reg of [...carried]) {
      const type = this.kernel.registers[reg];
      if (type && !("mask" in type) && !isFloat(type.elem)) continue;
      if (state.has(reg)) state.set(reg, everything(type));
      carried.delete(reg);
    }
    if (carried.size === 0) this.statements(loop.body, state, loops);
    else if (trips <= EXACT_ITERATIONS) this.iterate(loop.body, state, loops, trips, carried);
    else this.settle(loop.body, state, loops, trips, carried);
    if (typeof loop.trips !== "number") join(state, entry);
  }

  private iterate(body: readonly Stmt[], state: State, loops: readonly Loop[], trips: number, carried: ReadonlySet<string>): void {
    for (let i = 0; i < trips; i++) {
      const before = new Map(state);
      this.statements(body, state, loops);
      if ([...carried].every((reg) => sameAt(reg, before, state))) return;
    }
  }

  /** The state at the head of a long loop: sums move by so much an iteration, other bounds go to the next constant of the kernel until they hold. */
  private settle(body: readonly Stmt[], state: State, loops: readonly Loop[], trips: number, carried: ReadonlySet<string>): void {
    const sums = new Set([...carried].filter((reg) => isSum(body, reg)));
    this.silent++;
    const head = new Map(state);
    for (const reg of sums) head.set(reg, everything(this.kernel.registers[reg]));
    for (let round = 0; ; round++) {
      const after = new Map(head);
      this.statements(body, after, loops);
      let changed = false;
      for (const reg of carried) {
        if (sums.has(reg)) continue;
        const wider = this.widened(reg, head.get(reg), after.get(reg), round);
        if (!wider) continue;
        head.set(reg, wider);
        changed = true;
      }
      if (!changed) break;
    }
    const outer = this.increments;
    this.increments = new Map();
    this.statements(body, new Map(head), loops);
    for (const reg of sums) head.set(reg, this.summed(reg, state.get(reg), this.increments.get(reg), trips * timesSet(body, reg)));
    this.increments = outer;
    this.silent--;
    for (const [reg, interval] of head) state.set(reg, interval);
    this.statements(body, state, loops);
    for (const reg of carried) if (head.has(reg)) state.set(reg, hull(head.get(reg)!, state.get(reg)!));
  }

  private widened(reg: string, head: Interval | undefined, after: Interval | undefined, round: number): Interval | undefined {
    if (!head || !after) return undefined;
    const joined = hull(head, after);
    if (equalIntervals(joined, head)) return undefined;
    const all = everything(this.kernel.registers[reg]);
    if (round > this.thresholds.length + 2) return all;
    const low = joined.low < head.low ? (this.thresholds.findLast((t) => t <= joined.low) ?? all.low) : head.low;
    const high = joined.high > head.high ? (this.thresholds.find((t) => t >= joined.high) ?? all.high) : head.high;
    return { low: Math.max(low, all.low), high: Math.min(high, all.high), nan: joined.nan };
  }

  private summed(reg: string, start: Interval | undefined, step: Interval | undefined, times: number): Interval {
    const all = everything(this.kernel.registers[reg]);
    if (!start || !step) return all;
    const low = start.low + Math.min(0, step.low) * times;
    const high = start.high + Math.max(0, step.high) * times;
    return low >= all.low && high <= all.high ? exactly(low, high) : all;
  }

  private noteIncrement(stmt: Extract<Stmt, { kind: "set" }>, state: State, loops: readonly Loop[]): void {
    const added = this.increments && addend(stmt);
    if (!added) return;
    const interval = this.value(added, state, loops);
    const known = this.increments!.get(stmt.reg);
    this.increments!.set(stmt.reg, known ? hull(known, interval) : interval);
  }

  private value(expr: Expr, state: State, loops: readonly Loop[]): Interval {
    switch (expr.kind) {
      case "const":
        return "mask" in expr.type ? exactly(0, 1) : constantInterval(expr.type.elem, Number(expr.value));
      case "reg": {
        const known = state.get(expr.name);
        if (!known) this.report("registers", `register ${expr.name} is read before it is set`);
        return known ?? everything(this.kernel.registers[expr.name]);
      }
      case "load":
      case "splat":
        this.access(expr.kind, expr.type, expr.kind === "splat" ? 1 : lanesIn(expr.type), expr.at, state, loops);
        return this.loaded(expr.at.cursor, expr.type);
      case "widen":
        this.access(expr.kind, expr.from, lanesIn(expr.from), expr.at, state, loops);
        return this.loaded(expr.at.cursor, expr.from);
      case "op":
        return this.op(expr, state, loops);
    }
  }

  private loaded(name: string, type: Type): Interval {
    const cursor = this.kernel.cursors[name]!;
    const param = this.kernel.params.find((p) => p.name === cursor.param)!;
    const elem = "mask" in type ? "u8" : type.elem;
    return param.range && param.elem === elem && param.access === "in" ? exactly(...param.range) : anything(elem);
  }

  private op(expr: Extract<Expr, { kind: "op" }>, state: State, loops: readonly Loop[]): Interval {
    const args = expr.args.map((arg) => this.value(arg, state, loops));
    this.checkOperands(expr, args);
    return opInterval(expr.op, expr.type, args, expr.imm ?? []);
  }

  /** What the op table marks as "Range". */
  private checkOperands(expr: Extract<Expr, { kind: "op" }>, args: readonly Interval[]): void {
    const [a, b] = args;
    const want = (fine: boolean, what: string): void => {
      if (!fine) this.report("ranges", `${expr.op} ${typeText(expr.type)} ${what}`);
    };
    switch (expr.op) {
      case "div":
      case "rem": {
        if ("mask" in expr.type || isFloat(expr.type.elem)) return;
        const zero = b!.low <= 0 && b!.high >= 0 && !excludesDivisor(expr.args[1]!, 0);
        want(!zero, `divides by ${text(b!)}, which may be 0`);
        const overflow = a!.low <= anything(expr.type.elem).low && b!.low <= -1 && b!.high >= -1 && !excludesDivisor(expr.args[1]!, -1);
        return want(!overflow, `divides ${text(a!)} by ${text(b!)}, which may be the smallest integer by -1`);
      }
      case "roundToInt":
        return want(a!.low > -(2 ** 22) && a!.high < 2 ** 22, `gets ${text(a!)}, wants less than 2^22 either way`);
      case "truncToInt":
        return want(isInside(a!, -(2 ** 31), 2 ** 31 - 128), `gets ${text(a!)}, wants an i32`);
      case "narrow": {
        const [low, high] = narrowRange("mask" in expr.type ? "u8" : expr.type.elem) ?? [0, 0];
        return want(isInside(a!, low, high), `gets ${text(a!)}, wants ${low}..${high}`);
      }
      case "lookup8":
      case "lookup32": {
        const entries = expr.imm?.[0] ?? (args.length - 1) * lanesIn(expr.type);
        return want(isInside(args.at(-1)!, 0, entries - 1), `gets index ${text(args.at(-1)!)} for ${entries} entries`);
      }
      default:
        return;
    }
  }

  private access(what: string, type: Type, width: number, at: At, state: State, loops: readonly Loop[]): void {
    const cursor = this.kernel.cursors[at.cursor]!;
    const param = this.kernel.params.find((p) => p.name === cursor.param)!;
    let low = cursor.base + at.offset;
    let high = low;
    for (const loop of loops) {
      const reach = (cursor.steps[loop.name] ?? 0) * Math.max(0, mostTrips(loop.trips) - 1);
      low += Math.min(0, reach);
      high += Math.max(0, reach);
    }
    if (at.index) {
      const index = this.value(at.index, state, loops);
      low += index.low;
      high += index.high;
    }
    const size = Math.floor((param.size * ELEM_BYTES[param.elem]) / ELEM_BYTES[cursor.elem]);
    if (low < 0 || high + width > size)
      this.report("bounds", `${what} ${typeText(type)} ${param.name}[${low}..${high + width - 1}] through ${at.cursor} is outside [0, ${size})`);
  }
}

function constantInterval(elem: Elem, value: number): Interval {
  if (Number.isNaN(value)) return { ...anything(elem), nan: true };
  return exactly(elem === "f32" ? Math.fround(value) : value);
}

function everything(type: Type | undefined): Interval {
  return !type || "mask" in type ? exactly(0, 1) : anything(type.elem);
}

function text(x: Interval): string {
  return `${x.low}..${x.high}${x.nan ? " or NaN" : ""}`;
}

/** Registers that a body reads before it sets them, and sets. */
function carriedRegisters(body: readonly Stmt[]): Set<string> {
  const set = new Set<string>();
  const readFirst = new Set<string>();
  walkStatements(body, (stmt) => {
    const roots = stmt.kind === "set" ? [stmt.value] : stmt.kind === "store" ? [stmt.value, ...(stmt.at.index ? [stmt.at.index] : [])] : [];
    for (const root of roots) walkExpression(root, (expr) => expr.kind === "reg" && !set.has(expr.name) && readFirst.add(expr.name));
    if (stmt.kind === "set") set.add(stmt.reg);
  });
  return new Set([...readFirst].filter((reg) => set.has(reg)));
}

/** In `r = r + e`: e. */
function addend(stmt: Extract<Stmt, { kind: "set" }>): Expr | undefined {
  const { value } = stmt;
  if (value.kind !== "op" || value.op !== "add") return undefined;
  const [a, b] = value.args as [Expr, Expr];
  if (a.kind === "reg" && a.name === stmt.reg) return b;
  return b.kind === "reg" && b.name === stmt.reg ? a : undefined;
}

/** All that happens to the register in the body is that something is added. */
function isSum(body: readonly Stmt[], reg: string): boolean {
  let all = true;
  walkStatements(body, (stmt) => {
    if (stmt.kind === "set" && stmt.reg === reg && !addend(stmt)) all = false;
  });
  return all;
}

/** How often a register is set in one run of the body, at most. */
function timesSet(body: readonly Stmt[], reg: string): number {
  let times = 0;
  walkStatements(body, (stmt, loops) => {
    if (stmt.kind === "set" && stmt.reg === reg) times += loops.reduce((n, loop) => n * mostTrips(loop.trips), 1);
  });
  return times;
}

function constantsOf(kernel: Kernel): number[] {
  const found = new Set<number>([0]);
  for (const param of kernel.params) param.range?.forEach((bound) => found.add(bound));
  walkStatements(kernel.body, (stmt) => {
    if (stmt.kind !== "set") return;
    walkExpression(stmt.value, (expr) => {
      if (expr.kind === "const") for (const near of [-1, 0, 1]) found.add(Number(expr.value) + near);
    });
  });
  return [...found].filter(Number.isFinite).sort((a, b) => a - b);
}

function sameAt(reg: string, a: State, b: State): boolean {
  const [x, y] = [a.get(reg), b.get(reg)];
  return x === y || (x !== undefined && y !== undefined && equalIntervals(x, y));
}

function join(state: State, other: State): void {
  for (const [reg, interval] of other) {
    const here = state.get(reg);
    state.set(reg, here ? hull(here, interval) : interval);
  }
}
