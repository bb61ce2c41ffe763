import { checkedLaneOp } from "../checked-ops.ts";
import type { At, Elem, Expr, Kernel, Stmt, Type } from "../kernel.ts";
import { constantLane, converter, type Lane } from "../lane-ops.ts";
import { isNarrow } from "../ops.ts";
import { childrenOf, walkStatements, withChildren } from "../walk.ts";

type Constant = Extract<Expr, { kind: "const" }>;
type OpExpr = Extract<Expr, { kind: "op" }>;

/** Registers that hold a known whole number here. */
type Known = Map<string, Constant>;

/** Computes what is constant, and reads whole numbers through registers. Every result has the bits it had. */
export function foldConstants(kernel: Kernel): Kernel {
  return { ...kernel, body: foldBody(kernel, kernel.body, new Map()) };
}

function foldBody(kernel: Kernel, body: readonly Stmt[], known: Known): Stmt[] {
  return body.map((stmt): Stmt => {
    switch (stmt.kind) {
      case "set": {
        const value = foldExpression(stmt.value, known);
        if (value.kind === "const" && isWholeScalar(value.type)) known.set(stmt.reg, value);
        else known.delete(stmt.reg);
        return { ...stmt, value };
      }
      case "store":
        return { ...stmt, at: foldAt(stmt.at, known), value: foldExpression(stmt.value, known) };
      case "prefetch":
        return { ...stmt, at: foldAt(stmt.at, known) };
      case "launder":
        return stmt;
      case "for": {
        walkStatements(stmt.body, (inner) => inner.kind === "set" && known.delete(inner.reg));
        const inside = foldBody(kernel, stmt.body, new Map(known));
        return { ...stmt, body: inside };
      }
    }
  });
}

function isWholeScalar(type: Type): boolean {
  return !("mask" in type) && type.lanes === 1 && (type.elem === "i32" || type.elem === "i64");
}

/** A constant index is part of the offset. */
function foldAt(at: At, known: Known): At {
  if (!at.index) return at;
  const index = foldExpression(at.index, known);
  return index.kind === "const" ? { cursor: at.cursor, offset: at.offset + Number(constantLane(index.type, index.value)) } : { ...at, index };
}

function foldExpression(expr: Expr, known: Known): Expr {
  switch (expr.kind) {
    case "const":
      return expr;
    case "reg":
      return known.get(expr.name) ?? expr;
    case "load":
    case "splat":
      return { ...expr, at: foldAt(expr.at, known) };
    case "widen":
      return { ...expr, at: foldAt(expr.at, known) };
    case "op": {
      const folded = withChildren(
        expr,
        childrenOf(expr).map((child) => foldExpression(child, known)),
      ) as OpExpr;
      return constantOf(folded) ?? identity(folded) ?? folded;
    }
  }
}

/** The value of an op over constants, or undefined where it is better left to be computed. */
function constantOf(expr: OpExpr): Constant | undefined {
  if (!expr.args.every((arg): arg is Constant => arg.kind === "const")) return undefined;
  const [first] = expr.args as readonly Constant[];
  if (!first || !isFoldable(expr.type) || !expr.args.every((arg) => isFoldable((arg as Constant).type))) return undefined;
  const lanes = expr.args.map((arg) => constantLane((arg as Constant).type, (arg as Constant).value));
  const value = compute(expr, first, lanes);
  if (value === undefined || Number.isNaN(value)) return undefined;
  return { kind: "const", type: expr.type, value };
}

/** Masks, and elements that fill a register. */
function isFoldable(type: Type): boolean {
  return "mask" in type || !isNarrow(type.elem);
}

/** Lanes of a constant are equal, so that one stands for all. */
function compute(expr: OpExpr, first: Constant, lanes: readonly Lane[]): Lane | undefined {
  switch (expr.op) {
    case "madd":
    case "bitcast":
    case "select":
      return undefined;
    case "splatScalar":
    case "extract":
    case "laneSplat":
      return lanes[0];
    case "convert":
      return converter(elemOf(first.type), elemOf(expr.type))(lanes[0]!);
    default: {
      if ("mask" in first.type) return undefined;
      const f = checkedLaneOp(expr.op, elemOf("mask" in expr.type ? first.type : expr.type), false, leave) as ((...lanes: Lane[]) => Lane) | undefined;
      if (!f) return undefined;
      try {
        return f(...lanes, ...(expr.imm ?? []));
      } catch (error) {
        if (error === OUT_OF_RANGE) return undefined;
        throw error;
      }
    }
  }
}

const OUT_OF_RANGE = new Error("out of range");

function leave(): never {
  throw OUT_OF_RANGE;
}

function elemOf(type: Type): Elem {
  return "mask" in type ? "u8" : type.elem;
}

/** What an op leaves as it is, or does not look at. Floats only where no bit can change. */
function identity(expr: OpExpr): Expr | undefined {
  const [a, b, c] = expr.args;
  if (expr.op === "select" && a?.kind === "const") return a.value ? b : c;
  if ("mask" in expr.type || expr.type.elem === "f32" || expr.type.elem === "f64") return undefined;
  const is = (arg: Expr | undefined, value: number): boolean => arg?.kind === "const" && Number(arg.value) === value;
  switch (expr.op) {
    case "add":
    case "or":
    case "xor":
      return is(a, 0) ? b : is(b, 0) ? a : undefined;
    case "sub":
      return is(b, 0) ? a : undefined;
    case "mul":
      if (is(a, 0) || is(b, 0)) return { kind: "const", type: expr.type, value: expr.type.elem === "i64" ? 0n : 0 };
      return is(a, 1) ? b : is(b, 1) ? a : undefined;
    case "div":
      return is(b, 1) ? a : undefined;
    case "shl":
    case "shrS":
    case "shrU":
      return expr.imm?.[0] === 0 || is(b, 0) ? a : undefined;
    default:
      return undefined;
  }
}
