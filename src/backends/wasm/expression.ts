import { isMask } from "../../kernel/build.ts";
import { ELEM_BYTES, type At, type Elem, type Expr, type Kernel, type Type } from "../../kernel/kernel.ts";
import { typeText } from "../../kernel/ops.ts";
import { expressionType, mostTrips, walkStatements } from "../../kernel/walk.ts";
import { relaxedMadd, type BinaryenApi, type Module, type Ref } from "./binaryen.ts";
import { bitmask, compare, convert, dot4, expand, extremum, lookup, narrow, spread8 } from "./composite.ts";
import { isFloat, Lanes, signOf, type Method, type Shape } from "./lanes.ts";
import type { Locals } from "./locals.ts";

export interface EmitContext {
  readonly api: BinaryenApi;
  readonly module: Module;
  readonly kernel: Kernel;
  readonly locals: Locals;
  /** `madd` of fast kernels becomes relaxed_madd. */
  readonly relaxed: boolean;
}

type OpExpr = Extract<Expr, { kind: "op" }>;

/** Builds the expressions and stores of one kernel. */
export class ExpressionEmitter {
  private readonly c: EmitContext;
  private readonly m: Module;
  private readonly e: Lanes;

  /** Cursors that may point below their parameter. */
  private readonly low: ReadonlySet<string>;

  constructor(context: EmitContext) {
    this.c = context;
    this.low = cursorsBelow(context.kernel);
    this.m = context.module;
    this.e = new Lanes(context.module, context.locals, context.api.auto, context.kernel.name);
  }

  emit(expr: Expr): Ref {
    switch (expr.kind) {
      case "reg":
        return this.c.locals.get(`r:${expr.name}`);
      case "const":
        return this.constant(expr.type, expr.value);
      case "load":
        return this.load(expr.type, expr.at);
      case "splat": {
        const { elem } = this.e.shape(expr.type);
        return this.m.v128[`load${(ELEM_BYTES[elem] * 8) as 8 | 16 | 32 | 64}_splat`](...this.address(expr.at, elem));
      }
      case "widen":
        return this.widen(this.e.shape(expr.from), this.e.shape(expr.type), expr.at);
      case "op":
        return this.op(expr);
    }
  }

  store(type: Type, at: At, value: Ref): Ref {
    const { elem, lanes } = this.e.shape(type);
    const { m } = this;
    const [offset, align, base] = this.address(at, elem);
    if (lanes === 1) {
      if (ELEM_BYTES[elem] === 1) return m.i32.store8(offset, align, base, value);
      if (ELEM_BYTES[elem] === 2) return m.i32.store16(offset, align, base, value);
      return this.e.method({ elem, lanes }, "store")(offset, align, base, value);
    }
    switch (lanes * ELEM_BYTES[elem]) {
      case 16:
        return m.v128.store(offset, align, base, value);
      case 8:
        return m.v128.store64_lane(offset, align, 0, base, value);
      case 4:
        return m.v128.store32_lane(offset, align, 0, base, value);
      case 2:
        return m.v128.store16_lane(offset, align, 0, base, value);
      default:
        throw this.e.fault(`${typeText(type)} can't be stored`);
    }
  }

  private load(type: Type, at: At): Ref {
    const { elem, lanes } = this.e.shape(type);
    const { m } = this;
    const [offset, align, base] = this.address(at, elem);
    if (lanes === 1) {
      const bits = 8 * ELEM_BYTES[elem];
      return this.e.method({ elem, lanes }, bits < 32 ? `load${bits}_${signOf(elem)}` : "load")(offset, align, base);
    }
    switch (lanes * ELEM_BYTES[elem]) {
      case 16:
        return m.v128.load(offset, align, base);
      case 8:
        return m.v128.load64_zero(offset, align, base);
      case 4:
        return m.v128.load32_zero(offset, align, base);
      case 2:
        return m.v128.load16_lane(offset, align, 0, base, this.e.zero());
      default:
        throw this.e.fault(`${typeText(type)} can't be loaded`);
    }
  }

  /** To twice the width in one load; further by extending the low half. */
  private widen(from: Shape, to: Shape, at: At): Ref {
    const [source, target] = [ELEM_BYTES[from.elem], ELEM_BYTES[to.elem]];
    const sign = signOf(from.elem);
    if (from.elem === "f32") return this.m.f64x2.promote_low_f32x4(this.load(from, at));
    if (from.lanes * source === 8 && target === 2 * source) {
      const name = `load${source * 8}x${from.lanes}_${sign}` as "load8x8_s";
      return this.m.v128[name](...this.address(at, from.elem));
    }
    let value = this.load(from, at);
    for (let bytes = source; bytes < target; bytes *= 2) value = this.e.extendLow(value, bytes, sign);
    return value;
  }

  /**
   * Offset and alignment hint in bytes, and the address they are counted from. WebAssembly adds an offset without wrapping: where
   * the sum of cursor and index may lie below the parameter, and so below 0, the offset is added to the address.
   */
  private address(at: At, elem: Elem): [number, number, Ref] {
    const { m } = this;
    const cursor = this.c.locals.get(`c:${at.cursor}`);
    const offset = at.offset * ELEM_BYTES[elem];
    const wraps = offset > 0 && (this.low.has(at.cursor) || (at.index !== undefined && !this.isNatural(at.index)));
    const base = at.index ? m.i32.add(cursor, this.scaled(at.index, ELEM_BYTES[this.c.kernel.cursors[at.cursor]!.elem])) : cursor;
    return wraps ? [0, ELEM_BYTES[elem], m.i32.add(base, m.i32.const(offset))] : [offset, ELEM_BYTES[elem], base];
  }

  private scaled(index: Expr, bytes: number): Ref {
    return bytes === 1 ? this.emit(index) : this.m.i32.shl(this.emit(index), this.m.i32.const(Math.log2(bytes)));
  }

  /** A number that was loaded from a table of numbers from 0 up. */
  private isNatural(index: Expr): boolean {
    if (index.kind !== "load") return false;
    const param = this.c.kernel.params.find(({ name }) => name === this.c.kernel.cursors[index.at.cursor]!.param);
    return param?.range !== undefined && param.range[0] >= 0;
  }

  private constant(type: Type, value: number | bigint): Ref {
    if (!isMask(type)) return this.e.constant(this.e.shape(type), value);
    return this.e.constant(this.e.shape(type), value ? (type.mask === 1 ? 1 : -1) : 0);
  }

  private op(expr: OpExpr): Ref {
    const { m, e } = this;
    const { type, imm = [] } = expr;
    const shape = e.shape(type);
    const scalar = shape.lanes === 1;
    const arg = (i: number): Ref => this.emit(expr.args[i]!);
    const from = (i = 0): Shape => this.shapeOf(expr.args[i]!);
    const own = (name: string): Method => e.method(shape, name);
    switch (expr.op) {
      case "add":
      case "sub":
      case "mul":
        return own(expr.op)(arg(0), arg(1));
      case "div":
        return own(isFloat(shape.elem) ? "div" : "div_s")(arg(0), arg(1));
      case "rem":
        return own("rem_s")(arg(0), arg(1));
      case "madd":
        if (this.c.relaxed && this.c.kernel.mode === "fast" && !scalar) return relaxedMadd(this.c.api, m, shape.elem as "f32" | "f64", arg(0), arg(1), arg(2));
        return own("add")(own("mul")(arg(0), arg(1)), arg(2));
      case "neg":
        return scalar && !isFloat(shape.elem) ? own("sub")(e.constant(shape, 0), arg(0)) : own("neg")(arg(0));
      case "abs":
        return scalar && !isFloat(shape.elem) ? this.absolute(shape, arg(0)) : own("abs")(arg(0));
      case "sqrt":
      case "floor":
      case "ceil":
      case "trunc":
      case "nearest":
      case "popcnt":
      case "ctz":
        return own(expr.op)(arg(0));
      case "pmax":
      case "pmin":
        return extremum(e, expr.op, shape, arg(0), arg(1));
      case "roundToInt":
        return scalar ? m.i32.trunc_s_sat.f32(m.f32.nearest(arg(0))) : m.i32x4.trunc_sat_f32x4_s(m.f32x4.nearest(arg(0)));
      case "truncToInt":
        return scalar ? m.i32.trunc_s_sat.f32(arg(0)) : m.i32x4.trunc_sat_f32x4_s(arg(0));
      case "toFloat":
        return scalar ? m.f32.convert_s.i32(arg(0)) : m.f32x4.convert_i32x4_s(arg(0));
      case "narrow":
        return narrow(e, from(), shape, arg(0));
      case "convert":
        return convert(e, from().elem, shape.elem, arg(0));
      case "bitcast":
        return scalar && from().elem !== shape.elem ? own("reinterpret")(arg(0)) : arg(0);
      case "and":
      case "or":
      case "xor":
        return (scalar ? own(expr.op) : m.v128[expr.op])(arg(0), arg(1));
      case "not":
        if (!scalar) return m.v128.not(arg(0));
        return isMask(type) ? m.i32.eqz(arg(0)) : own("xor")(arg(0), e.constant(shape, -1));
      case "shl":
        return this.shift(expr, own("shl"));
      case "shrS":
        return this.shift(expr, own("shr_s"));
      case "shrU":
        return this.shift(expr, own("shr_u"));
      case "lt":
      case "le":
      case "gt":
      case "ge":
      case "eq":
      case "ne":
        return compare(e, expr.op, from(), arg(0), arg(1));
      case "select":
        if (scalar) return m.select(arg(0), arg(1), arg(2));
        return m.v128.bitselect(arg(1), arg(2), e.maskAs(arg(0), 16 / shape.lanes, ELEM_BYTES[shape.elem]));
      case "mux":
        if (!scalar) return m.v128.bitselect(arg(2), arg(1), arg(0));
        return e.twice(shape, arg(1), (a) => own("xor")(a(), own("and")(arg(0), own("xor")(a(), arg(2)))));
      case "bitmask":
        return bitmask(
          e,
          expr.args.map((a) => this.emit(a)),
          from().lanes,
        );
      case "expand":
        return expand(e, shape, from().elem, arg(0));
      case "spread8":
        return spread8(e, arg(0));
      case "shuffle":
        return e.shuffle(arg(0), expr.args[1] && arg(1), imm, shape);
      case "splatScalar":
        return own("splat")(arg(0));
      case "laneSplat":
        return e.shuffle(arg(0), undefined, new Array<number>(shape.lanes).fill(imm[0]!), shape);
      case "extract": {
        const { elem } = from();
        return e.method(from(), ELEM_BYTES[elem] < 4 ? `extract_lane_${signOf(elem)}` : "extract_lane")(arg(0), imm[0]!);
      }
      case "lookup8":
      case "lookup32": {
        const tables = expr.args.slice(0, -1).map((table) => this.emit(table));
        return lookup(e, tables, arg(tables.length), shape);
      }
      case "dot2":
        return m.i32x4.add(arg(0), m.i32x4.dot_i16x8_s(arg(1), arg(2)));
      case "dot4":
        return dot4(e, arg(0), from(1), arg(1), arg(2));
    }
  }

  private absolute(shape: Shape, x: Ref): Ref {
    const { e } = this;
    return e.twice(shape, x, (a) => this.m.select(e.method(shape, "lt_s")(a(), e.constant(shape, 0)), e.method(shape, "sub")(e.constant(shape, 0), a()), a()));
  }

  /** WebAssembly takes counts modulo the bits, of a scalar i64 as an i64. */
  private shift({ args, imm, type }: OpExpr, method: Method): Ref {
    const shape = this.e.shape(type);
    const x = this.emit(args[0]!);
    const count = imm?.length ? this.m.i32.const(imm[0]!) : this.emit(args[1]!);
    return method(x, shape.elem === "i64" && shape.lanes === 1 ? this.m.i64.extend_u(count) : count);
  }

  private shapeOf(expr: Expr): Shape {
    const type = expressionType(this.c.kernel, expr);
    if (!type) throw this.e.fault(`no register for ${JSON.stringify(expr)}`);
    return this.e.shape(type);
  }
}

/** Cursors that steps backwards, or their base, bring below their parameter in some turn. */
function cursorsBelow(kernel: Kernel): ReadonlySet<string> {
  const lowest = new Map(Object.entries(kernel.cursors).map(([name, { base }]) => [name, base]));
  walkStatements(kernel.body, (stmt) => {
    if (stmt.kind !== "for") return;
    for (const [name, { steps }] of Object.entries(kernel.cursors))
      lowest.set(name, lowest.get(name)! + Math.min(0, (steps[stmt.name] ?? 0) * (mostTrips(stmt.trips) - 1)));
  });
  return new Set([...lowest].filter(([, at]) => at < 0).map(([name]) => name));
}
