/**
 * Makers of elementwise op records. `compute` works on one element as a number; `wide` on i64 and u64, whose results wrap.
 * Floats are computed in doubles and rounded once.
 */
import { InternalError } from "../support/errors.ts";
import type { AttrSchema, AttrsOf } from "./attr.ts";
import { broadcastShapes, forEachRow } from "./broadcast.ts";
import { defineOp, TypeMismatch, type OpDef, type Sample } from "./op-def.ts";
import { allocate, type Data } from "./tensor.ts";
import { elementCount, isFloat, isInteger, isWide, tensorType, type DType, type StaticType, type TensorType } from "./types.ts";

/** Which dtypes an operand may have. */
export type Domain = "float" | "integer" | "number" | "bool" | "any";

interface Tolerance {
  readonly abs: number;
  readonly rel: number;
}

/** One rounding of the dtype: what add or max may differ by between executors. */
const EXACT: Tolerance = { abs: 0, rel: 1e-6 };

/** Ops behind exp, log, sin and their like: vectorised approximations are allowed this much. */
export const TRANSCENDENTAL: Tolerance = { abs: 1e-5, rel: 1e-5 };

interface UnaryRecord<A extends AttrSchema> {
  readonly name: string;
  readonly summary: string;
  readonly on: Domain;
  readonly attrs?: A;
  /** Dtype of the result; else that of the operand. */
  readonly result?: DType;
  readonly samples?: readonly Sample[];
  readonly tolerance?: Tolerance;
  readonly compute: (x: number, attrs: AttrsOf<A>) => number;
  readonly wide?: (x: bigint, attrs: AttrsOf<A>) => bigint;
}

export function unary<A extends AttrSchema = {}>(record: UnaryRecord<A>): OpDef<readonly ["x"], A> {
  return defineOp<readonly ["x"], A>({
    name: record.name,
    summary: record.summary,
    operands: ["x"],
    attrs: record.attrs ?? ({} as A),
    samples: record.samples ?? UNARY_SAMPLES[record.on],
    elementwise: true,
    tolerance: record.tolerance ?? EXACT,
    infer({ x }) {
      wantDtype("x", x, record.on);
      return tensorType(record.result ?? x.dtype, x.shape);
    },
    evaluate({ x }, attrs, result, types) {
      const { compute, wide } = record;
      if (isWide(types.x.dtype)) return mapInto(resultData(result), x, need(wide, record.name) as never, attrs);
      return mapInto(resultData(result), loopData(x), compute, attrs);
    },
  });
}

type Combine<A extends AttrSchema> = (a: number, b: number, attrs: AttrsOf<A>, dtype: DType) => number;

interface BinaryRecord<A extends AttrSchema> {
  readonly name: string;
  readonly summary: string;
  readonly on: Domain;
  readonly attrs?: A;
  readonly result?: DType;
  readonly commutative?: boolean;
  readonly samples?: readonly Sample[];
  readonly tolerance?: Tolerance;
  readonly compute: (a: number, b: number, attrs: AttrsOf<A>) => number;
  /** On integers of at most 32 bits, where it differs from `compute`. */
  readonly integer?: Combine<A>;
  readonly wide?: (a: bigint, b: bigint, attrs: AttrsOf<A>) => bigint | number;
}

/** Both operands have one dtype and broadcast. */
export function binary<A extends AttrSchema = {}>(record: BinaryRecord<A>): OpDef<readonly ["a", "b"], A> {
  return defineOp<readonly ["a", "b"], A>({
    name: record.name,
    summary: record.summary,
    operands: ["a", "b"],
    attrs: record.attrs ?? ({} as A),
    samples: record.samples ?? BINARY_SAMPLES[record.on],
    elementwise: true,
    commutative: record.commutative ?? false,
    tolerance: record.tolerance ?? EXACT,
    infer: ({ a, b }) => tensorType(record.result ?? wantSame("a", a, "b", b, record.on), broadcastShapes(a.shape, b.shape)),
    evaluate({ a, b }, attrs, result, types) {
      const y = resultData(result);
      const [dataA, dataB] = [loopData(a), loopData(b)];
      const { dtype } = types.a;
      const { compute, integer, wide } = record;
      const f = (isWide(dtype) ? need(wide, record.name) : isInteger(dtype) && integer ? integer : compute) as Combine<A>;
      forEachRow(result.shape, [types.a.shape, types.b.shape], (start, count, [atA, atB], [stepA, stepB]) => {
        for (let i = 0; i < count; i++) y[start + i] = f(dataA[atA! + i * stepA!]!, dataB[atB! + i * stepB!]!, attrs, dtype);
      });
      return y;
    },
  });
}

/** Refuses a dtype outside the domain, and quantised types: arithmetic on those means something else. */
export function wantDtype(name: string, type: TensorType, domain: Domain): void {
  if (type.quant) throw new TypeMismatch(`${name} is quantised, wanted plain ${domain === "any" ? "elements" : DOMAIN_WORDS[domain]}`, "dtype");
  if (!DOMAIN_TESTS[domain](type.dtype))
    throw new TypeMismatch(`${name} is ${type.dtype}, wanted ${DOMAIN_WORDS[domain]}`, "dtype", `${name} as ${DOMAIN_WORDS[domain]}`);
}

/** The dtype two operands share. */
export function wantSame(nameA: string, a: TensorType, nameB: string, b: TensorType, domain: Domain): DType {
  wantDtype(nameA, a, domain);
  wantDtype(nameB, b, domain);
  if (a.dtype !== b.dtype) throw new TypeMismatch(`${nameA} is ${a.dtype} and ${nameB} is ${b.dtype}, wanted one dtype`, "dtype", `${nameB} as ${a.dtype}`);
  return a.dtype;
}

/** Zeros for results: bigints for i64 and u64, else doubles, which the caller rounds. Typed as the operands of `evaluate` are. */
export function resultData(type: StaticType): Float64Array {
  return allocate(isWide(type.dtype) ? type.dtype : "f64", elementCount(type.shape)) as Float64Array;
}

/** Numbers as doubles, bigints as they are: loops over one array class are several times faster than over any. */
export function loopData(data: Data): Float64Array {
  return isWideData(data) || data instanceof Float64Array || Array.isArray(data) ? (data as Float64Array) : new Float64Array(data);
}

function mapInto<T>(y: Float64Array, x: Float64Array, f: (x: number, attrs: T) => number, attrs: T): Float64Array {
  for (let i = 0; i < x.length; i++) y[i] = f(x[i]!, attrs);
  return y;
}

function isWideData(data: Data): data is BigInt64Array | BigUint64Array {
  return data instanceof BigInt64Array || data instanceof BigUint64Array;
}

function need<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new InternalError(name, "has no definition on 64-bit integers");
  return value;
}

const DOMAIN_TESTS: Readonly<Record<Domain, (dtype: DType) => boolean>> = {
  float: isFloat,
  integer: isInteger,
  number: (dtype) => isFloat(dtype) || isInteger(dtype),
  bool: (dtype) => dtype === "bool",
  any: () => true,
};

const DOMAIN_WORDS: Readonly<Record<Domain, string>> = { float: "a float", integer: "an integer", number: "a number", bool: "bool", any: "any dtype" };

const UNARY_SAMPLES: Readonly<Record<Domain, readonly Sample[]>> = {
  float: [{ x: "2x3x5xf32" }, { x: "17xf64" }, { x: "f32" }],
  integer: [{ x: "2x3xi32" }, { x: "5xi64" }, { x: "7xu8" }],
  number: [{ x: "2x3x5xf32" }, { x: "17xf64" }, { x: "3xi32" }, { x: "4xi64" }, { x: "5xi8" }],
  bool: [{ x: "2x3xbool" }, { x: "bool" }],
  any: [{ x: "2x3xf32" }, { x: "3xi64" }, { x: "2xbool" }],
};

const BROADCASTS: readonly (readonly [string, string])[] = [
  ["2x3x5x", "2x3x5x"],
  ["2x3x5x", "3x1x"],
  ["", "4x"],
  ["2x1x3x", "5x1x"],
];

const pairs = (dtype: string, count: number): readonly Sample[] => BROADCASTS.slice(0, count).map(([a, b]) => ({ a: a + dtype, b: b + dtype }));

const BINARY_SAMPLES: Readonly<Record<Domain, readonly Sample[]>> = {
  float: pairs("f32", 4),
  integer: [...pairs("i32", 2), { a: "4xi64", b: "i64" }, { a: "4xu8", b: "4xu8" }],
  number: [...pairs("f32", 4), { a: "4xi32", b: "4xi32" }, { a: "2x3xi64", b: "3xi64" }, { a: "5xu8", b: "5xu8" }, { a: "3xf64", b: "f64" }],
  bool: pairs("bool", 2),
  any: [...pairs("f32", 2), { a: "4xi64", b: "i64" }, { a: "2xbool", b: "2xbool" }],
};
