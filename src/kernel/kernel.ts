/**
 * The lowered IR: loops, vectors, and accesses of moving pointer + constant. A kernel works on dense parameters whose sizes,
 * like all trip counts and offsets, are constants. C, WebAssembly and the interpreter run the same records.
 */

export type Elem = "u8" | "i8" | "u16" | "i16" | "i32" | "i64" | "f32" | "f64";

export const ELEM_BYTES: Readonly<Record<Elem, number>> = { u8: 1, i8: 1, u16: 2, i16: 2, i32: 4, i64: 8, f32: 4, f64: 8 };

/** `lanes` 1 is a scalar (u8..i16 live in i32 registers); more is a vector of that many elements. A mask is the result of a compare and has no memory form. */
export type Type = { readonly elem: Elem; readonly lanes: number } | { readonly mask: number };

/** An address: cursor + constant offset >= 0, both in elements, + an i32 that comes from data. */
export interface At {
  readonly cursor: string;
  readonly offset: number;
  readonly index?: Expr;
}

export const OPS = [
  "add",
  "sub",
  "mul",
  "div",
  "rem",
  "neg",
  "abs",
  "sqrt",
  "floor",
  "ceil",
  "trunc",
  "nearest",
  "madd",
  "pmax",
  "pmin",
  "roundToInt",
  "truncToInt",
  "toFloat",
  "narrow",
  "convert",
  "bitcast",
  "and",
  "or",
  "xor",
  "not",
  "shl",
  "shrS",
  "shrU",
  "popcnt",
  "ctz",
  "lt",
  "le",
  "gt",
  "ge",
  "eq",
  "ne",
  "select",
  "mux",
  "bitmask",
  "expand",
  "spread8",
  "shuffle",
  "splatScalar",
  "laneSplat",
  "extract",
  "lookup8",
  "lookup32",
  "dot2",
  "dot4",
] as const;

export type OpName = (typeof OPS)[number];

export type Expr =
  | { readonly kind: "const"; readonly type: Type; readonly value: number | bigint }
  | { readonly kind: "reg"; readonly name: string }
  | { readonly kind: "load" | "splat"; readonly type: Type; readonly at: At }
  /** Loads V/2 or V/4 bytes of `from` and extends each element to `type`. */
  | { readonly kind: "widen"; readonly type: Type; readonly from: Type; readonly at: At }
  /** `type` is the result type; `imm`: shuffle lanes, shift counts, lane numbers. */
  | { readonly kind: "op"; readonly op: OpName; readonly type: Type; readonly args: readonly Expr[]; readonly imm?: readonly number[] };

/** A constant trip count (>= 1), or ceil(extent / per) with an i32 argument, at most `max` (>= 0 trips must work). */
export type Trips = number | { readonly extent: string; readonly per: number; readonly max: number };

export type Stmt =
  | { readonly kind: "for"; readonly name: string; readonly trips: Trips; readonly mode: "serial" | "unrolled" | "parallel"; readonly body: readonly Stmt[] }
  | { readonly kind: "set"; readonly reg: string; readonly value: Expr }
  | { readonly kind: "store"; readonly type: Type; readonly at: At; readonly value: Expr }
  | { readonly kind: "prefetch"; readonly at: At }
  | { readonly kind: "launder"; readonly cursor: string };

export interface Param {
  readonly name: string;
  readonly elem: Elem;
  /** In elements. */
  readonly size: number;
  readonly access: "in" | "out" | "inout";
  /** Fact about the contents, measured by whoever packed them. */
  readonly range?: readonly [number, number];
}

/** A moving pointer. After each iteration of loop `l` it advances by `steps[l]`; after the loop it is rewound by `steps[l] * trips`. */
export interface Cursor {
  readonly param: string;
  /** May view the param as another element type. */
  readonly elem: Elem;
  readonly base: number;
  readonly steps: Readonly<Record<string, number>>;
}

export interface Kernel {
  /** A formula: `<op>_<dtype>_<shape words>_<tile>[_<epilogue>]`. */
  readonly name: string;
  /** f32 lanes of the target's vectors. */
  readonly lanes: number;
  /** exact: each op rounds once, equal bits everywhere; fast: `madd` may fuse. */
  readonly mode: "fast" | "exact";
  readonly params: readonly Param[];
  readonly cursors: Readonly<Record<string, Cursor>>;
  readonly registers: Readonly<Record<string, Type>>;
  readonly body: readonly Stmt[];
  /** Source nodes, for comments and profiles. */
  readonly loc: readonly string[];
}
