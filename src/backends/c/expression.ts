import { isMask } from "../../kernel/build.ts";
import { ELEM_BYTES, type At, type Elem, type Expr, type Kernel, type Type } from "../../kernel/kernel.ts";
import { expressionType } from "../../kernel/walk.ts";
import { InternalError } from "../../support/errors.ts";
import { absolute, bitsOf, extremum, multiplexer, nameOf, rounding, selection, squareRoot, type Shape } from "./arithmetic.ts";
import { expandBits, fourMaskBits, maskBits, populationCount, spreadByte, trailingZeros } from "./bits.ts";
import { conversion, longDivision, narrowing, roundToInteger, scalarBits, widening } from "./conversion.ts";
import { literal } from "./literal.ts";
import { identifier, storageOf, typeName } from "./names.ts";
import type { Support } from "./support.ts";
import { dotOfBytes, dotOfPairs, lookup } from "./tables.ts";

/** C text and how tightly it binds: an operand that binds less tightly than its operator needs parentheses. */
interface Printed {
  readonly text: string;
  readonly level: number;
}

const ATOM = 0;
const UNARY = 1;
const PRODUCT = 2;
const SUM = 3;
/** Everything whose mixture readers (and -Wparentheses) want in parentheses. */
const OTHER = 4;
const LOOSE = 5;

type OpExpr = Extract<Expr, { kind: "op" }>;

/** Prints the expressions of one kernel. */
export class ExpressionPrinter {
  private readonly kernel: Kernel;
  private readonly support: Support;

  constructor(kernel: Kernel, support: Support) {
    this.kernel = kernel;
    this.support = support;
  }

  /** As the right side of an assignment. */
  print(expr: Expr): string {
    return this.expr(expr).text;
  }

  /** "*(f32x8 *)(o + 8)" or "o[8]". */
  place(type: Type, at: At, writable: boolean): string {
    const name = this.type(type);
    if (!isMask(type) && type.lanes === 1) {
      if (!at.index) return `${identifier(at.cursor)}[${at.offset}]`;
      return `${identifier(at.cursor)}[${this.operand(at.index, at.offset ? SUM : LOOSE)}${at.offset ? ` + ${at.offset}` : ""}]`;
    }
    const address = this.address(at);
    return `*(${writable ? "" : "const "}${name} *)${address.includes(" ") ? `(${address})` : address}`;
  }

  /** "o", or "o + i + 8". */
  address(at: At): string {
    return `${identifier(at.cursor)}${at.index ? ` + ${this.operand(at.index, PRODUCT)}` : ""}${at.offset ? ` + ${at.offset}` : ""}`;
  }

  type(type: Type): string {
    return this.support.type(typeName(type, this.kernel.lanes));
  }

  private typeOf(expr: Expr): Type {
    const type = expressionType(this.kernel, expr);
    if (!type) throw new InternalError("printC", `${this.kernel.name} has no register for ${JSON.stringify(expr)}`);
    return type;
  }

  private operand(expr: Expr, level: number): string {
    const printed = this.expr(expr);
    return printed.level > level ? `(${printed.text})` : printed.text;
  }

  private expr(expr: Expr): Printed {
    switch (expr.kind) {
      case "reg":
        return { text: identifier(expr.name), level: ATOM };
      case "const": {
        const text = this.constant(expr.type, expr.value);
        const isSplat = this.shape(expr.type).lanes > 1 && !/^~?\(\w+\)\{/.test(text);
        return { text, level: isSplat ? SUM : /^[-(~]/.test(text) ? UNARY : ATOM };
      }
      case "load":
        return { text: this.place(expr.type, expr.at, false), level: UNARY };
      case "splat": {
        const { elem } = this.shape(expr.type);
        return this.splat(this.place({ elem, lanes: 1 }, expr.at, false), expr.type);
      }
      case "widen":
        return call(widening(this.support, this.shape(expr.from), this.shape(expr.type)), [this.place(expr.from, expr.at, false)]);
      case "op":
        return this.op(expr);
    }
  }

  private constant(type: Type, value: number | bigint): string {
    this.type(type);
    if (!isMask(type) && type.lanes > 1) this.support.type(type.elem);
    return literal(type, value, this.kernel.lanes);
  }

  /** x - 0 is x for every x and leaves one broadcast; x + 0 would leave an addition. */
  private splat(scalar: string, type: Type): Printed {
    return { text: `${scalar} - (${this.type(type)}){0}`, level: SUM };
  }

  private op(expr: OpExpr): Printed {
    const { args, type, imm } = expr;
    const support = this.support;
    const shape = this.shape(type);
    const from = (i = 0): Shape => this.shape(this.typeOf(args[i]!));
    const helper = (name: string): Printed =>
      call(
        name,
        args.map((arg) => this.print(arg)),
      );
    switch (expr.op) {
      case "add":
        return this.infix(expr, "+", SUM);
      case "sub":
        return this.infix(expr, "-", SUM);
      case "mul":
        return this.infix(expr, "*", PRODUCT);
      case "div":
      case "rem":
        if (shape.elem === "i64" && support.arch === "armv7") return helper(longDivision(support, expr.op));
        return this.infix(expr, expr.op === "div" ? "/" : "%", PRODUCT);
      case "madd":
        return { text: `${this.operand(args[0]!, PRODUCT)} * ${this.operand(args[1]!, UNARY)} + ${this.operand(args[2]!, PRODUCT)}`, level: SUM };
      case "neg":
        return { text: `-${this.operand(args[0]!, ATOM)}`, level: UNARY };
      case "abs":
        return helper(absolute(support, shape));
      case "sqrt":
        return helper(squareRoot(support, shape));
      case "floor":
      case "ceil":
      case "trunc":
      case "nearest":
        return helper(rounding(support, expr.op, shape));
      case "pmax":
        return helper(extremum(support, "max", shape));
      case "pmin":
        return helper(extremum(support, "min", shape));
      case "roundToInt":
        return helper(roundToInteger(support, from()));
      case "truncToInt":
      case "toFloat":
        if (shape.lanes === 1) return this.cast(type, args[0]!);
        return call("__builtin_convertvector", [this.print(args[0]!), this.type(type)]);
      case "narrow":
        return helper(narrowing(support, from(), shape));
      case "convert":
        return helper(conversion(support, from().elem, shape.elem));
      case "bitcast":
        if (from().elem === shape.elem) return this.expr(args[0]!);
        return shape.lanes === 1 ? helper(scalarBits(support, from().elem, shape.elem)) : this.cast(type, args[0]!);
      case "and":
        return this.infix(expr, "&", OTHER);
      case "or":
        return this.infix(expr, "|", OTHER);
      case "xor":
        return this.infix(expr, "^", OTHER);
      case "not":
        return { text: `${isMask(type) && type.mask === 1 ? "!" : "~"}${this.operand(args[0]!, ATOM)}`, level: UNARY };
      case "shl":
      case "shrS":
      case "shrU":
        return this.shift(expr);
      case "popcnt":
        return helper(populationCount(support, shape.elem as "i32" | "i64"));
      case "ctz":
        return helper(trailingZeros(support, shape.elem as "i32" | "i64"));
      case "lt":
        return this.comparison(expr, "<");
      case "le":
        return this.comparison(expr, "<=");
      case "gt":
        return this.comparison(expr, ">");
      case "ge":
        return this.comparison(expr, ">=");
      case "eq":
        return this.comparison(expr, "==");
      case "ne":
        return this.comparison(expr, "!=");
      case "select":
        if (shape.lanes === 1)
          return { text: `${this.operand(args[0]!, SUM)} ? ${this.operand(args[1]!, SUM)} : ${this.operand(args[2]!, SUM)}`, level: LOOSE };
        return call(selection(support, shape), [this.maskAs(args[0]!, bitsOf(shape)), this.print(args[1]!), this.print(args[2]!)]);
      case "mux":
        return helper(multiplexer(support, shape));
      case "bitmask":
        return this.bitmask(expr);
      case "expand":
        return helper(expandBits(support, from().elem, shape));
      case "spread8":
        return helper(spreadByte(support));
      case "shuffle":
        return call("__builtin_shufflevector", [this.print(args[0]!), this.print(args[1] ?? args[0]!), ...imm!.map(String)]);
      case "splatScalar":
        return this.splatScalar(expr, shape);
      case "laneSplat":
        return call("__builtin_shufflevector", [this.print(args[0]!), this.print(args[0]!), ...Array.from({ length: shape.lanes }, () => String(imm![0]!))]);
      case "extract":
        return { text: `${this.operand(args[0]!, ATOM)}[${imm![0]!}]`, level: ATOM };
      case "lookup8":
      case "lookup32":
        return helper(lookup(support, from(), args.length - 1, imm?.[0] ?? shape.lanes * (args.length - 1), from(args.length - 1)));
      case "dot2":
        return helper(dotOfPairs(support, shape, from(1)));
      case "dot4":
        return helper(dotOfBytes(support, shape, from(1), from(2)));
    }
  }

  /** Operators of one level stand without parentheses on the left only, as they are read. */
  private infix({ args }: OpExpr, operator: string, level: number): Printed {
    const [left, right] = level === OTHER ? [UNARY, UNARY] : [level, level - 1];
    return { text: `${this.operand(args[0]!, left)} ${operator} ${this.operand(args[1]!, right)}`, level };
  }

  private cast(type: Type, arg: Expr): Printed {
    return { text: `(${this.type(type)})${this.operand(arg, UNARY)}`, level: UNARY };
  }

  private comparison({ args, type }: OpExpr, operator: string): Printed {
    const [operands, result] = [this.shape(this.typeOf(args[0]!)), this.shape(type)];
    const test = `${this.operand(args[0]!, SUM)} ${operator} ${this.operand(args[1]!, SUM)}`;
    if (operands.lanes === 1) return { text: test, level: OTHER };
    const bits = this.support.type(nameOf(bitsOf(operands)));
    const lanes = { text: `(${bits})(${test})`, level: UNARY };
    return bits === nameOf(result) ? lanes : call("__builtin_convertvector", [lanes.text, this.type(type)]);
  }

  /** A mask with lanes as wide as those of what it chooses between. */
  private maskAs(mask: Expr, bits: Shape): string {
    const own = this.shape(this.typeOf(mask));
    if (own.elem === bits.elem) return this.print(mask);
    return `__builtin_convertvector(${this.print(mask)}, ${this.support.type(nameOf(bits))})`;
  }

  private shift({ op, args, type, imm }: OpExpr): Printed {
    const shape = this.shape(type);
    const count = imm?.length ? String(imm[0]!) : `(${this.operand(args[1]!, UNARY)} & ${ELEM_BYTES[shape.elem] * 8 - 1})`;
    const operator = op === "shl" ? "<<" : ">>";
    const signed = !shape.elem.startsWith("u");
    const x = this.operand(args[0]!, UNARY);
    if (op === "shl" || signed === (op === "shrS")) return { text: `${x} ${operator} ${count}`, level: OTHER };
    const other = shape.lanes === 1 ? `uint${shape.elem.slice(1)}_t` : this.support.type(`${signed ? "u" : "i"}${shape.elem.slice(1)}x${shape.lanes}`);
    return { text: `(${this.type(type)})((${other})${x} ${operator} ${count})`, level: UNARY };
  }

  private bitmask({ args }: OpExpr): Printed {
    const lanes = this.shape(this.typeOf(args[0]!)).lanes;
    const four =
      args.length % 4 === 0 && args.every((arg) => nameOf(this.shape(this.typeOf(arg))) === nameOf(this.shape(this.typeOf(args[0]!))))
        ? fourMaskBits(this.support, this.shape(this.typeOf(args[0]!)))
        : undefined;
    if (four) {
      const groups = Array.from({ length: args.length / 4 }, (_, k) => {
        const bits = `${four}(${args
          .slice(4 * k, 4 * k + 4)
          .map((arg) => this.print(arg))
          .join(", ")})`;
        return k === 0 ? bits : `(${bits} << ${4 * k * lanes})`;
      });
      return { text: groups.join(" | "), level: groups.length > 1 ? OTHER : ATOM };
    }
    const words = args.map((arg, k) => {
      const shape = this.shape(this.typeOf(arg));
      const bits = `${maskBits(this.support, shape)}(${this.print(arg)})`;
      return k === 0 ? bits : `(${bits} << ${k * lanes})`;
    });
    return { text: words.join(" | "), level: words.length > 1 ? OTHER : ATOM };
  }

  private splatScalar({ args, type }: OpExpr, shape: Shape): Printed {
    if (ELEM_BYTES[shape.elem] >= 4) return this.splat(this.operand(args[0]!, PRODUCT), type);
    return this.splat(`(${this.support.type(shape.elem)})${this.operand(args[0]!, UNARY)}`, type);
  }

  private shape(type: Type): { readonly elem: Elem; readonly lanes: number } {
    const storage = storageOf(type, this.kernel.lanes);
    this.support.type(nameOf(storage));
    return storage;
  }
}

function call(name: string, args: readonly string[]): Printed {
  return { text: `${name}(${args.join(", ")})`, level: ATOM };
}
