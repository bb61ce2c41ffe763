import { InternalError } from "../support/errors.ts";
import type { At, Cursor, Elem, Expr, Kernel, OpName, Param, Stmt, Trips, Type } from "./kernel.ts";

/** An expression with its type: what builder methods take and give. */
export interface Term {
  readonly expr: Expr;
  readonly type: Type;
}

/** Elements per iteration by cursor name. */
export type Advance = Readonly<Record<string, number>>;

export const scalar = (elem: Elem): Type => ({ elem, lanes: 1 });
export const vector = (elem: Elem, lanes: number): Type => ({ elem, lanes });
export const I32: Type = scalar("i32");
export const F32: Type = scalar("f32");

export function isMask(type: Type): type is { readonly mask: number } {
  return "mask" in type;
}

export function lanesOfType(type: Type): number {
  return isMask(type) ? type.mask : type.lanes;
}

/** Writes a kernel statement by statement; `finish` gives the record. Names share one namespace per kernel. */
export class KernelBuilder {
  readonly name: string;
  readonly lanes: number;
  readonly mode: "fast" | "exact";
  readonly loc: readonly string[];
  private readonly params: Param[] = [];
  private readonly cursors: Record<string, { param: string; elem: Elem; base: number; steps: Record<string, number> }> = {};
  private readonly registers: Record<string, Type> = {};
  private readonly root: Stmt[] = [];
  private body: Stmt[] = this.root;
  private readonly names = new Set<string>();

  constructor(name: string, options: { readonly lanes: number; readonly mode: "fast" | "exact"; readonly loc?: readonly string[] }) {
    this.name = name;
    this.lanes = options.lanes;
    this.mode = options.mode;
    this.loc = options.loc ?? [];
  }

  /** A fresh name beginning with `stem`. */
  unique(stem: string): string {
    let name = stem;
    for (let i = 1; this.names.has(name); i++) name = `${stem}_${i}`;
    this.names.add(name);
    return name;
  }

  /** A dense parameter of `size` elements. Gives its name. */
  param(name: string, elem: Elem, size: number, access: Param["access"], range?: readonly [number, number]): string {
    if (this.names.has(name)) throw new InternalError(this.name, `name ${name} is taken`);
    this.names.add(name);
    this.params.push({ name, elem, size, access, ...(range ? { range } : {}) });
    return name;
  }

  /** A moving pointer into `param`, starting at element `base` of the view as `elem`. Loops advance it. Gives its name. */
  cursor(stem: string, param: string, base = 0, elem?: Elem): string {
    const of = this.params.find((p) => p.name === param);
    if (!of) throw new InternalError(this.name, `no parameter ${param}`);
    const name = this.unique(stem);
    this.cursors[name] = { param, elem: elem ?? of.elem, base, steps: {} };
    return name;
  }

  /** `body` runs `trips` times; after each, every cursor named in `advance` moves by so many elements; after the loop they are back where they were. */
  loop(stem: string, trips: Trips, advance: Advance, body: () => void, mode: "serial" | "unrolled" | "parallel" = "serial"): void {
    const name = this.unique(stem);
    for (const [cursor, step] of Object.entries(advance)) {
      const record = this.cursors[cursor];
      if (!record) throw new InternalError(this.name, `no cursor ${cursor}`);
      if (step !== 0) record.steps[name] = step;
    }
    const outer = this.body;
    const inner: Stmt[] = [];
    this.body = inner;
    body();
    this.body = outer;
    outer.push({ kind: "for", name, trips, mode, body: inner });
  }

  /** A register that holds `value` from here on; may be assigned again with `set`. */
  let(stem: string, value: Term): Term {
    const reg = this.register(stem, value.type);
    this.set(reg, value);
    return reg;
  }

  register(stem: string, type: Type): Term {
    const name = this.unique(stem);
    this.registers[name] = type;
    return { expr: { kind: "reg", name }, type };
  }

  set(reg: Term, value: Term): void {
    if (reg.expr.kind !== "reg") throw new InternalError(this.name, "only registers can be set");
    this.body.push({ kind: "set", reg: reg.expr.name, value: value.expr });
  }

  store(cursor: string, offset: number, value: Term, index?: Term): void {
    this.body.push({ kind: "store", type: value.type, at: at(cursor, offset, index), value: value.expr });
  }

  /** Stores a 32-bit register as a narrow element of the cursor's view. */
  storeAs(type: Type, cursor: string, offset: number, value: Term, index?: Term): void {
    this.body.push({ kind: "store", type, at: at(cursor, offset, index), value: value.expr });
  }

  prefetch(cursor: string, offset: number): void {
    this.body.push({ kind: "prefetch", at: { cursor, offset } });
  }

  launder(cursor: string): void {
    this.body.push({ kind: "launder", cursor });
  }

  /** Loads `type` from the cursor. Narrow scalars (u8..i16) extend to an i32 register, so the term's type is i32. */
  load(type: Type, cursor: string, offset = 0, index?: Term): Term {
    const narrow = !isMask(type) && type.lanes === 1 && (type.elem === "u8" || type.elem === "i8" || type.elem === "u16" || type.elem === "i16");
    return { expr: { kind: "load", type, at: at(cursor, offset, index) }, type: narrow ? I32 : type };
  }

  /** One element to all lanes; of a scalar type, a plain load. */
  splat(type: Type, cursor: string, offset = 0, index?: Term): Term {
    if (lanesOfType(type) === 1) return this.load(type, cursor, offset, index);
    return { expr: { kind: "splat", type, at: at(cursor, offset, index) }, type };
  }

  /** Of a scalar type, a plain load, which extends by itself. */
  widen(type: Type, from: Type, cursor: string, offset = 0): Term {
    if (lanesOfType(type) === 1) return this.load(from, cursor, offset);
    return { expr: { kind: "widen", type, from, at: at(cursor, offset) }, type };
  }

  constant(type: Type, value: number | bigint): Term {
    return { expr: { kind: "const", type, value }, type };
  }

  /** Any op, with its result type given. */
  op(op: OpName, type: Type, args: readonly Term[], imm?: readonly number[]): Term {
    return { expr: { kind: "op", op, type, args: args.map((a) => a.expr), ...(imm ? { imm } : {}) }, type };
  }

  add(a: Term, b: Term): Term {
    return this.op("add", a.type, [a, b]);
  }
  sub(a: Term, b: Term): Term {
    return this.op("sub", a.type, [a, b]);
  }
  mul(a: Term, b: Term): Term {
    return this.op("mul", a.type, [a, b]);
  }
  div(a: Term, b: Term): Term {
    return this.op("div", a.type, [a, b]);
  }
  /** a*b + c; fused in fast kernels where the target has FMA. */
  madd(a: Term, b: Term, c: Term): Term {
    return this.op("madd", a.type, [a, b, c]);
  }
  /** a < b ? b : a: value first, bound second, so that NaN passes. */
  pmax(a: Term, b: Term): Term {
    return this.op("pmax", a.type, [a, b]);
  }
  /** b < a ? b : a */
  pmin(a: Term, b: Term): Term {
    return this.op("pmin", a.type, [a, b]);
  }

  compare(op: "lt" | "le" | "gt" | "ge" | "eq" | "ne", a: Term, b: Term): Term {
    return this.op(op, { mask: lanesOfType(a.type) }, [a, b]);
  }

  /** Per lane: mask ? a : b. */
  select(mask: Term, a: Term, b: Term): Term {
    return this.op("select", a.type, [mask, a, b]);
  }

  neg(x: Term): Term {
    return this.op("neg", x.type, [x]);
  }
  abs(x: Term): Term {
    return this.op("abs", x.type, [x]);
  }
  sqrt(x: Term): Term {
    return this.op("sqrt", x.type, [x]);
  }
  and(a: Term, b: Term): Term {
    return this.op("and", a.type, [a, b]);
  }
  or(a: Term, b: Term): Term {
    return this.op("or", a.type, [a, b]);
  }
  xor(a: Term, b: Term): Term {
    return this.op("xor", a.type, [a, b]);
  }
  not(x: Term): Term {
    return this.op("not", x.type, [x]);
  }
  /** Shifts by a constant. */
  shl(x: Term, count: number): Term {
    return this.op("shl", x.type, [x], [count]);
  }
  shrS(x: Term, count: number): Term {
    return this.op("shrS", x.type, [x], [count]);
  }
  shrU(x: Term, count: number): Term {
    return this.op("shrU", x.type, [x], [count]);
  }
  /** f32 to i32, ties to even; |x| must be provably below 2^22. */
  roundToInt(x: Term): Term {
    return this.op("roundToInt", withElem(x.type, "i32"), [x]);
  }
  /** f32 to i32 towards zero; x must provably be an i32, and no NaN. */
  truncToInt(x: Term): Term {
    return this.op("truncToInt", withElem(x.type, "i32"), [x]);
  }
  toFloat(x: Term): Term {
    return this.op("toFloat", withElem(x.type, "f32"), [x]);
  }
  /** The same bits as elements of another type of equal size. */
  bitcast(x: Term, elem: Elem): Term {
    return this.op("bitcast", withElem(x.type, elem), [x]);
  }
  /** Scalars between i32, i64, f32, f64; nothing where the type is that already. */
  convert(x: Term, elem: Elem): Term {
    return !isMask(x.type) && x.type.elem === elem ? x : this.op("convert", scalar(elem), [x]);
  }
  /** A scalar in all lanes; of one lane, the scalar itself. */
  splatScalar(x: Term, lanes: number): Term {
    return lanes === 1 || isMask(x.type) ? x : this.op("splatScalar", vector(x.type.elem, lanes), [x]);
  }

  finish(): Kernel {
    return {
      name: this.name,
      lanes: this.lanes,
      mode: this.mode,
      params: this.params,
      cursors: this.cursors as Record<string, Cursor>,
      registers: this.registers,
      body: this.root,
      loc: this.loc,
    };
  }
}

function withElem(type: Type, elem: Elem): Type {
  return { elem, lanes: lanesOfType(type) };
}

function at(cursor: string, offset: number, index?: Term): At {
  return index ? { cursor, offset, index: index.expr } : { cursor, offset };
}
