import { isMask, lanesOfType } from "../../kernel/build.ts";
import { ELEM_BYTES, type At, type Elem, type Expr, type Kernel, type Type } from "../../kernel/kernel.ts";
import { typeText } from "../../kernel/ops.ts";
import { expressionType } from "../../kernel/walk.ts";
import { InternalError } from "../../support/errors.ts";
import { relaxedMadd, type BinaryenApi, type Module, type Ref } from "./binaryen.ts";
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
type Shape = { readonly elem: Elem; readonly lanes: number };
type Method = (...args: (Ref | readonly number[])[]) => Ref;

const VECTOR: Readonly<Record<Elem, "f32x4" | "f64x2" | "i32x4" | "i64x2" | "i16x8" | "i8x16">> = {
  f32: "f32x4", f64: "f64x2", i32: "i32x4", i64: "i64x2", i16: "i16x8", u16: "i16x8", i8: "i8x16", u8: "i8x16",
};

/**
 * Builds the expressions of one kernel. Vectors are v128; short ones use its low bytes, what stands above is anybody's. A mask of
 * n lanes has lanes of 16/n bytes, -1 or 0; a mask of one lane is an i32, 1 or 0.
 */
export class ExpressionEmitter {
  private readonly c: EmitContext;
  private readonly m: Module;

  constructor(context: EmitContext) {
    this.c = context;
    this.m = context.module;
  }

  private typeOf(expr: Expr): Type {
    const type = expressionType(this.c.kernel, expr);
    if (!type) throw this.fault(`no register for ${JSON.stringify(expr)}`);
    return type;
  }

  emit(expr: Expr): Ref {
    switch (expr.kind) {
      case "reg":
        return this.c.locals.get(`r:${expr.name}`);
      case "const":
        return this.constant(expr.type, expr.value);
      case "load":
        return this.load(this.shape(expr.type), expr.at);
      case "splat": {
        const { elem } = this.shape(expr.type);
        return this.m.v128[`load${(ELEM_BYTES[elem] * 8) as 8 | 16 | 32 | 64}_splat`](...this.memarg(expr.at, elem), this.base(expr.at));
      }
      case "widen":
        return this.widen(this.shape(expr.from), this.shape(expr.type), expr.at);
      case "op":
        return this.op(expr);
    }
  }

  store(type: Type, at: At, value: Ref): Ref {
    const { elem, lanes } = this.shape(type);
    const [offset, align] = this.memarg(at, elem);
    const base = this.base(at);
    if (lanes === 1) {
      switch (elem) {
        case "u8":
        case "i8":
          return this.m.i32.store8(offset, align, base, value);
        case "u16":
        case "i16":
          return this.m.i32.store16(offset, align, base, value);
        default:
          return this.m[elem].store(offset, align, base, value);
      }
    }
    switch (lanes * ELEM_BYTES[elem]) {
      case 16:
        return this.m.v128.store(offset, align, base, value);
      case 8:
        return this.m.v128.store64_lane(offset, align, 0, base, value);
      case 4:
        return this.m.v128.store32_lane(offset, align, 0, base, value);
      case 2:
        return this.m.v128.store16_lane(offset, align, 0, base, value);
      default:
        throw this.fault(`${typeText(type)} can't be stored`);
    }
  }

  private load({ elem, lanes }: Shape, at: At): Ref {
    const [offset, align] = this.memarg(at, elem);
    const base = this.base(at);
    const { m } = this;
    if (lanes === 1) {
      switch (elem) {
        case "u8":
          return m.i32.load8_u(offset, align, base);
        case "i8":
          return m.i32.load8_s(offset, align, base);
        case "u16":
          return m.i32.load16_u(offset, align, base);
        case "i16":
          return m.i32.load16_s(offset, align, base);
        default:
          return m[elem].load(offset, align, base);
      }
    }
    switch (lanes * ELEM_BYTES[elem]) {
      case 16:
        return m.v128.load(offset, align, base);
      case 8:
        return m.v128.load64_zero(offset, align, base);
      case 4:
        return m.v128.load32_zero(offset, align, base);
      case 2:
        return m.v128.load16_lane(offset, align, 0, base, this.zero());
      default:
        throw this.fault(`vectors of ${lanes} ${elem} can't be loaded`);
    }
  }

  private widen(from: Shape, to: Shape, at: At): Ref {
    const [source, target] = [ELEM_BYTES[from.elem], ELEM_BYTES[to.elem]];
    const sign = from.elem.startsWith("u") ? "u" : "s";
    if (from.elem === "f32") return this.m.f64x2.promote_low_f32x4(this.load(from, at));
    if (from.lanes * source === 8 && target === 2 * source) {
      const name = `load${source * 8}x${from.lanes}_${sign}` as "load8x8_s";
      return this.m.v128[name](...this.memarg(at, from.elem), this.base(at));
    }
    let value = this.load(from, at);
    for (let bytes = source; bytes < target; bytes *= 2) value = this.extendLow(value, bytes, sign);
    return value;
  }

  /** The low half of the lanes, twice as wide. */
  private extendLow(value: Ref, bytes: number, sign: "s" | "u"): Ref {
    if (bytes === 1) return this.m.i16x8[`extend_low_i8x16_${sign}`](value);
    return bytes === 2 ? this.m.i32x4[`extend_low_i16x8_${sign}`](value) : this.m.i64x2[`extend_low_i32x4_${sign}`](value);
  }

  /** Address and hint. Cursor offsets are not negative, as memarg wants. */
  private memarg(at: At, elem: Elem): [number, number] {
    return [at.offset * ELEM_BYTES[elem], ELEM_BYTES[elem]];
  }

  private base(at: At): Ref {
    const cursor = this.c.locals.get(`c:${at.cursor}`);
    if (!at.index) return cursor;
    const bytes = ELEM_BYTES[this.c.kernel.cursors[at.cursor]!.elem];
    const index = this.emit(at.index);
    return this.m.i32.add(cursor, bytes === 1 ? index : this.m.i32.shl(index, this.m.i32.const(Math.log2(bytes))));
  }

  private constant(type: Type, value: number | bigint): Ref {
    const { m } = this;
    const { elem, lanes } = this.shape(type);
    if (isMask(type)) return lanes === 1 ? m.i32.const(value ? 1 : 0) : this.bytes(new Uint8Array(16).fill(value ? 255 : 0));
    if (lanes === 1) {
      switch (elem) {
        case "f32":
          return m.f32.const(Number(value));
        case "f64":
          return m.f64.const(Number(value));
        case "i64":
          return m.i64.const(BigInt.asIntN(64, BigInt(value)));
        default:
          return m.i32.const(Number(BigInt.asIntN(32, BigInt(value))));
      }
    }
    const lane = new DataView(new ArrayBuffer(8));
    switch (elem) {
      case "f32":
        lane.setFloat32(0, Number(value), true);
        break;
      case "f64":
        lane.setFloat64(0, Number(value), true);
        break;
      default:
        lane.setBigInt64(0, BigInt.asIntN(64, BigInt(value)), true);
    }
    return this.bytes(Uint8Array.from({ length: 16 }, (_, i) => lane.getUint8(i % ELEM_BYTES[elem])));
  }

  private bytes(bytes: Uint8Array): Ref {
    return this.m.v128.const([...bytes]);
  }

  private zero(): Ref {
    return this.bytes(new Uint8Array(16));
  }

  private op(expr: OpExpr): Ref {
    const { m } = this;
    const { type, imm = [] } = expr;
    const shape = this.shape(type);
    const scalar = shape.lanes === 1;
    const arg = (i: number): Ref => this.emit(expr.args[i]!);
    const all = (): Ref[] => expr.args.map((a) => this.emit(a));
    /** The method of the type's namespace, scalar or vector. */
    const typed = (name: string, of: Shape = shape): Method => this.method(of.lanes === 1 ? this.scalarSpace(of) : VECTOR[of.elem], name);
    switch (expr.op) {
      case "add":
      case "sub":
      case "mul":
        return typed(expr.op)(...all());
      case "div":
        return typed(isFloat(shape.elem) ? "div" : "div_s")(...all());
      case "rem":
        return typed("rem_s")(...all());
      case "madd":
        if (this.c.relaxed && this.c.kernel.mode === "fast" && !scalar) return relaxedMadd(this.c.api, m, shape.elem as "f32" | "f64", arg(0), arg(1), arg(2));
        return typed("add")(typed("mul")(arg(0), arg(1)), arg(2));
      case "neg":
        if (scalar && !isFloat(shape.elem)) return typed("sub")(this.constant(type, 0), arg(0));
        return typed("neg")(arg(0));
      case "abs":
        if (scalar && !isFloat(shape.elem)) return this.twice(shape, arg(0), (a) => m.select(typed("lt_s")(a(), this.constant(type, 0)), typed("sub")(this.constant(type, 0), a()), a()));
        return typed("abs")(arg(0));
      case "sqrt":
      case "floor":
      case "ceil":
      case "trunc":
      case "nearest":
        return typed(expr.op)(arg(0));
      case "pmax":
      case "pmin":
        return this.extremum(expr.op, shape, arg(0), arg(1));
      case "roundToInt":
        if (scalar) return m.i32.trunc_s_sat.f32(m.f32.nearest(arg(0)));
        return m.i32x4.trunc_sat_f32x4_s(m.f32x4.nearest(arg(0)));
      case "truncToInt":
        return scalar ? m.i32.trunc_s_sat.f32(arg(0)) : m.i32x4.trunc_sat_f32x4_s(arg(0));
      case "toFloat":
        return scalar ? m.f32.convert_s.i32(arg(0)) : m.f32x4.convert_i32x4_s(arg(0));
      case "narrow":
        return this.narrow(this.shapeOf(expr.args[0]!), shape, arg(0));
      case "convert":
        return this.convert(this.shapeOf(expr.args[0]!).elem, shape.elem, arg(0));
      case "bitcast":
        return scalar && this.shapeOf(expr.args[0]!).elem !== shape.elem ? this.method(this.scalarSpace(shape), "reinterpret")(arg(0)) : arg(0);
      case "and":
      case "or":
      case "xor":
        return (scalar ? typed(expr.op) : m.v128[expr.op])(arg(0), arg(1));
      case "not":
        if (!scalar) return m.v128.not(arg(0));
        return isMask(type) ? m.i32.eqz(arg(0)) : typed("xor")(arg(0), this.constant(type, -1));
      case "shl":
      case "shrS":
      case "shrU":
        return this.shift(expr, shape);
      case "popcnt":
      case "ctz":
        return typed(expr.op)(arg(0));
      case "lt":
      case "le":
      case "gt":
      case "ge":
      case "eq":
      case "ne":
        return this.compare(expr.op, this.shapeOf(expr.args[0]!), arg(0), arg(1));
      case "select":
        if (scalar) return m.select(arg(0), arg(1), arg(2));
        return m.v128.bitselect(arg(1), arg(2), this.maskAs(arg(0), 16 / shape.lanes, ELEM_BYTES[shape.elem]));
      case "mux":
        if (!scalar) return m.v128.bitselect(arg(2), arg(1), arg(0));
        return this.twice(shape, arg(1), (a) => typed("xor")(a(), typed("and")(arg(0), typed("xor")(a(), arg(2)))));
      case "bitmask":
        return this.bitmask(expr);
      case "expand":
        return this.expand(shape, this.shapeOf(expr.args[0]!).elem, arg(0));
      case "spread8":
        return this.spread8(arg(0));
      case "shuffle":
        return m.i8x16.shuffle(arg(0), expr.args[1] ? arg(1) : this.zero(), shuffleBytes(imm, shape));
      case "splatScalar":
        return typed("splat")(arg(0));
      case "laneSplat":
        return m.i8x16.shuffle(arg(0), this.zero(), shuffleBytes(new Array<number>(shape.lanes).fill(imm[0]!), shape));
      case "extract": {
        const vector = this.shapeOf(expr.args[0]!);
        const narrow = ELEM_BYTES[vector.elem] < 4 ? (vector.elem.startsWith("u") ? "_u" : "_s") : "";
        return this.method(VECTOR[vector.elem], `extract_lane${narrow}`)(arg(0), imm[0]!);
      }
      case "lookup8":
      case "lookup32":
        return this.lookup(expr, shape);
      case "dot2":
        return m.i32x4.add(arg(0), m.i32x4.dot_i16x8_s(arg(1), arg(2)));
      case "dot4":
        return this.dot4(arg(0), this.shapeOf(expr.args[1]!), arg(1), arg(2));
    }
  }

  /** Integers know signed and unsigned maxima (but for i64); floats have pmax. Scalars compare and select. */
  private extremum(op: "pmax" | "pmin", shape: Shape, a: Ref, b: Ref): Ref {
    const { m } = this;
    const vector = shape.lanes > 1;
    if (vector && isFloat(shape.elem)) return this.method(VECTOR[shape.elem], op)(a, b);
    if (vector && shape.elem !== "i64") return this.method(VECTOR[shape.elem], `${op.slice(1)}_${shape.elem.startsWith("u") ? "u" : "s"}`)(a, b);
    return this.twice(shape, a, (first) =>
      this.twice(shape, b, (second) => {
        const test = op === "pmax" ? this.compare("lt", shape, first(), second()) : this.compare("lt", shape, second(), first());
        return vector ? m.v128.bitselect(second(), first(), test) : m.select(test, second(), first());
      }),
    );
  }

  private compare(name: string, shape: Shape, a: Ref, b: Ref): Ref {
    const sign = isFloat(shape.elem) || name === "eq" || name === "ne" ? "" : shape.elem.startsWith("u") ? "_u" : "_s";
    if (shape.lanes === 1) return this.method(this.scalarSpace(shape), `${name}${sign}`)(a, b);
    return this.maskAs(this.method(VECTOR[shape.elem], `${name}${sign}`)(a, b), ELEM_BYTES[shape.elem], 16 / shape.lanes);
  }

  /** The same mask with lanes of other bytes. */
  private maskAs(mask: Ref, from: number, to: number): Ref {
    const { m } = this;
    let value = mask;
    for (let bytes = from; bytes < to; bytes *= 2) value = this.extendLow(value, bytes, "s");
    for (let bytes = from; bytes > to; bytes /= 2) {
      if (bytes === 8) value = m.i8x16.shuffle(value, this.zero(), shuffleBytes([0, 2, 4, 4], { elem: "i32", lanes: 4 }));
      else value = bytes === 4 ? m.i16x8.narrow_i32x4_s(value, this.zero()) : m.i8x16.narrow_i16x8_s(value, this.zero());
    }
    return value;
  }

  private narrow(from: Shape, to: Shape, x: Ref): Ref {
    const { m } = this;
    const unsigned = to.elem.startsWith("u");
    if (from.elem === "i16") return m.i8x16[unsigned ? "narrow_i16x8_u" : "narrow_i16x8_s"](x, this.zero());
    const words = m.i16x8[to.elem === "u16" ? "narrow_i32x4_u" : "narrow_i32x4_s"](x, this.zero());
    if (ELEM_BYTES[to.elem] === 2) return words;
    return m.i8x16[unsigned ? "narrow_i16x8_u" : "narrow_i16x8_s"](words, this.zero());
  }

  private convert(from: Elem, to: Elem, x: Ref): Ref {
    const { m } = this;
    if (isFloat(from)) {
      if (isFloat(to)) return to === "f64" ? m.f64.promote(x) : m.f32.demote(x);
      return (to === "i64" ? m.i64 : m.i32).trunc_s_sat[from as "f32" | "f64"](x);
    }
    if (isFloat(to)) return m[to as "f32" | "f64"].convert_s[from as "i32" | "i64"](x);
    return to === "i64" ? m.i64.extend_s(x) : m.i32.wrap(x);
  }

  private shift({ op, args, imm }: OpExpr, shape: Shape): Ref {
    const name = op === "shl" ? "shl" : op === "shrS" ? "shr_s" : "shr_u";
    const x = this.emit(args[0]!);
    const count = imm?.length ? this.m.i32.const(imm[0]!) : this.emit(args[1]!);
    if (shape.lanes > 1) return this.method(VECTOR[shape.elem], name)(x, count);
    return this.method(this.scalarSpace(shape), name)(x, shape.elem === "i64" ? this.m.i64.extend_u(count) : count);
  }

  /** Four masks of four lanes become bytes before their signs are gathered; what is left goes one by one. */
  private bitmask({ args }: OpExpr): Ref {
    const { m } = this;
    const lanes = lanesOfType(this.typeOf(args[0]!));
    const perWord = lanes === 4 || lanes === 8 ? 16 / lanes : 1;
    let result: Ref | undefined;
    for (let k = 0; k < args.length; ) {
      const group = args.length - k >= perWord ? perWord : 1;
      const masks = args.slice(k, k + group).map((a) => this.emit(a));
      const bits = m.i64.extend_u(this.gatherSigns(masks, lanes));
      const placed = k === 0 ? bits : m.i64.shl(bits, m.i64.const(BigInt(k * lanes)));
      result = result === undefined ? placed : m.i64.or(result, placed);
      k += group;
    }
    return result!;
  }

  private gatherSigns(masks: readonly Ref[], lanes: number): Ref {
    const { m } = this;
    if (lanes === 1) return masks[0]!;
    if (masks.length === 4) return m.i8x16.bitmask(m.i8x16.narrow_i16x8_s(m.i16x8.narrow_i32x4_s(masks[0]!, masks[1]!), m.i16x8.narrow_i32x4_s(masks[2]!, masks[3]!)));
    if (masks.length === 2) return m.i8x16.bitmask(m.i8x16.narrow_i16x8_s(masks[0]!, masks[1]!));
    return m[lanes === 16 ? "i8x16" : lanes === 8 ? "i16x8" : lanes === 4 ? "i32x4" : "i64x2"].bitmask(masks[0]!);
  }

  /** Each lane keeps its own bit of the number and compares. */
  private expand(mask: Shape, bits: Elem, value: Ref): Ref {
    const { m } = this;
    const word = bits === "i64" ? m.i32.wrap(value) : value;
    if (mask.lanes === 1) return m.i32.and(word, m.i32.const(1));
    const width = 16 / mask.lanes;
    const weights = (): Ref => this.bytes(Uint8Array.from({ length: 16 }, (_, i) => (width === 1 ? 1 << (i % 8) : i % width === 0 ? 1 << (i / width) : 0)));
    const spread = width === 1 ? m.i8x16.shuffle(m.i32x4.splat(word), this.zero(), Array.from({ length: 16 }, (_, i) => i >> 3)) : m.i32x4.splat(word);
    // Lanes of 8 bytes see bit 1 of the number in their upper half, too: it is not among their weights.
    return this.method(width === 1 ? "i8x16" : width === 2 ? "i16x8" : width === 4 ? "i32x4" : "i64x2", "eq")(m.v128.and(width === 2 ? m.i16x8.splat(word) : spread, weights()), weights());
  }

  private spread8(byte: Ref): Ref {
    const { m } = this;
    return this.twice({ elem: "i32", lanes: 1 }, byte, (b) =>
      m.i64.or(
        m.i64.and(m.i64.mul(m.i64.extend_u(m.i32.and(b(), m.i32.const(127))), m.i64.const(0x0002040810204081n)), m.i64.const(0x0101010101010101n)),
        m.i64.shl(m.i64.extend_u(m.i32.and(b(), m.i32.const(128))), m.i64.const(49n)),
      ),
    );
  }

  /** swizzle gives 0 for indices past its 16 bytes, so that the tables are joined by or. */
  private lookup({ args, op }: OpExpr, shape: Shape): Ref {
    const { m } = this;
    const index = this.emit(args.at(-1)!);
    const bytes = op === "lookup8" ? index : m.i32x4.add(m.i32x4.mul(index, this.constant({ elem: "i32", lanes: 4 }, 0x04040404)), this.constant({ elem: "i32", lanes: 4 }, 0x03020100));
    const tableBytes = ELEM_BYTES[shape.elem] * shape.lanes;
    return this.twice({ elem: "u8", lanes: 16 }, bytes, (i) =>
      args.slice(0, -1).map((table, k) => {
        const local = k === 0 ? i() : m.i8x16.sub(i(), this.constant({ elem: "u8", lanes: 16 }, k * tableBytes));
        return m.i8x16.swizzle(this.emit(table), local);
      }).reduce((a, b) => m.v128.or(a, b)),
    );
  }

  /** Bytes as 16-bit words: pairs are added by the dot product, pairs of pairs by two shuffles. */
  private dot4(acc: Ref, x: Shape, xs: Ref, ws: Ref): Ref {
    const { m } = this;
    const wide: Shape = { elem: "u8", lanes: 16 };
    const sign = x.elem === "u8" ? "u" : "s";
    return this.twice(wide, xs, (a) =>
      this.twice(wide, ws, (w) => {
        const low = m.i32x4.dot_i16x8_s(m.i16x8[`extend_low_i8x16_${sign}`](a()), m.i16x8.extend_low_i8x16_s(w()));
        const high = m.i32x4.dot_i16x8_s(m.i16x8[`extend_high_i8x16_${sign}`](a()), m.i16x8.extend_high_i8x16_s(w()));
        return this.twice(wide, low, (p) =>
          this.twice(wide, high, (q) => {
            const pick = (first: number): Ref => m.i8x16.shuffle(p(), q(), shuffleBytes([first, first + 2, first + 4, first + 6], { elem: "i32", lanes: 4 }));
            return m.i32x4.add(acc, m.i32x4.add(pick(0), pick(1)));
          }),
        );
      }),
    );
  }

  /** A value used more than once goes through a local: a node stands at one place of the tree. */
  private twice(shape: Shape, value: Ref, use: (again: () => Ref) => Ref): Ref {
    const local = this.c.locals.temporary(shape.lanes > 1 ? "v128" : this.scalarSpace(shape));
    const result = use(() => this.c.locals.at(local));
    return this.m.block(null, [this.m.local.set(local, value), result], this.c.api.auto);
  }

  private shapeOf(expr: Expr): Shape {
    return this.shape(this.typeOf(expr));
  }

  private shape(type: Type): Shape {
    const shape: Shape = isMask(type) ? { elem: type.mask === 1 ? "i32" : type.mask === 2 ? "i64" : type.mask === 4 ? "i32" : type.mask === 8 ? "i16" : "i8", lanes: type.mask } : type;
    if (shape.lanes * ELEM_BYTES[shape.elem] > 16 && shape.lanes > 1) throw this.fault(`${typeText(type)} is longer than 16 bytes`);
    return shape;
  }

  private scalarSpace({ elem }: Shape): "i32" | "i64" | "f32" | "f64" {
    return elem === "f32" || elem === "f64" || elem === "i64" ? elem : "i32";
  }

  private method(space: keyof Module, name: string): Method {
    const found = (this.m[space] as unknown as Readonly<Record<string, Method>>)[name];
    if (!found) throw this.fault(`WebAssembly has no ${String(space)}.${name}`);
    return found;
  }

  private fault(message: string): InternalError {
    return new InternalError("emitWasm", `${this.c.kernel.name}: ${message}`);
  }
}

function isFloat(elem: Elem): boolean {
  return elem === "f32" || elem === "f64";
}

/** Lane numbers as byte numbers: lanes from `lanes` on are the second operand's. Bytes that no lane takes are the first operand's. */
function shuffleBytes(lanes: readonly number[], { elem, lanes: count }: Shape): number[] {
  const size = ELEM_BYTES[elem];
  const bytes = lanes.flatMap((lane) => Array.from({ length: size }, (_, i) => (lane < count ? lane * size : 16 + (lane - count) * size) + i));
  return [...bytes, ...new Array<number>(16 - bytes.length).fill(0)];
}
