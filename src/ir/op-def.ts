import type { AttrSchema, AttrsOf, AttrValue } from "./attr.ts";
import type { Data, Tensor } from "./tensor.ts";
import type { StaticType, TensorType } from "./types.ts";

/** "x" is required, "bias?" may be absent, "xs*" is any number and stands last. */
type OperandName<S extends string> = S extends `${infer N}?` ? N : S extends `${infer N}*` ? N : S;
export type OperandsOf<O extends readonly string[], T> = {
  readonly [S in O[number] as OperandName<S>]: S extends `${string}?` ? T | undefined : S extends `${string}*` ? readonly T[] : T;
};

/** Data as `evaluate` sees it: indexable numbers. Ops that meet i64, u64 or strings cast to what their dtype says. */
export type Elements = Float64Array;

export interface OpDef<O extends readonly string[] = readonly string[], A extends AttrSchema = AttrSchema> {
  readonly name: string;
  readonly summary: string;
  readonly operands: O;
  readonly results: readonly string[];
  readonly attrs: A;
  /** Names of nested regions (control flow). */
  readonly regions: readonly string[];
  /** Small operand types (and attrs) on which tests run the op; text form of types, e.g. "2x3xf32". */
  readonly samples: readonly Sample[];
  /** True: result i depends only on elements that broadcast to i. */
  readonly elementwise: boolean;
  /** False: must not be folded, merged or dropped (state, randoms, host calls, return). */
  readonly pure: boolean;
  readonly commutative: boolean;
  /** |got - want| <= abs + rel * |want| between executors in fast mode. */
  readonly tolerance: { readonly abs: number; readonly rel: number };
  infer(operands: OperandsOf<O, TensorType>, attrs: AttrsOf<A>, regions?: readonly RegionTypes[]): readonly TensorType[];
  /** The definition: slow and plain. Results are rounded to their dtypes by the caller. */
  evaluate(
    operands: OperandsOf<O, Data>,
    attrs: AttrsOf<A>,
    results: readonly StaticType[],
    types: OperandsOf<O, StaticType>,
  ): readonly ArrayLike<number | bigint | string>[];
  /** For ops with regions or state, instead of `evaluate`: `regions[i](args)` runs a region on tensors; `context.state` outlives the run. */
  readonly execute: Execute | undefined;
  /** Multiply-accumulates, for costs and reports. */
  macs(types: OperandsOf<O, StaticType>, attrs: AttrsOf<A>, results: readonly StaticType[]): number;
}

export type Execute = (
  operands: readonly (Tensor | undefined)[],
  attrs: Readonly<Record<string, AttrValue>>,
  regions: readonly ((args: readonly Tensor[]) => readonly Tensor[])[],
  context: { readonly results: readonly TensorType[]; readonly state: Map<string, Tensor> },
) => readonly Tensor[];

/** What a nested region takes and gives. */
export interface RegionTypes {
  readonly params: readonly TensorType[];
  readonly results: readonly TensorType[];
}

/** Values are types in text form, or attrs under "attrs". */
export type Sample = Readonly<Record<string, unknown>>;

type Evaluated = ArrayLike<number | bigint | string>;

interface OpRecord<O extends readonly string[], A extends AttrSchema> {
  readonly name: string;
  readonly summary: string;
  readonly operands: O;
  readonly results?: readonly string[];
  readonly attrs?: A;
  readonly regions?: readonly string[];
  readonly samples: readonly Sample[];
  readonly elementwise?: boolean;
  readonly pure?: boolean;
  readonly commutative?: boolean;
  readonly tolerance?: { readonly abs: number; readonly rel: number };
  /** Throws `TypeMismatch` with a sentence "found, wanted" when the operands don't fit. */
  infer(operands: OperandsOf<O, TensorType>, attrs: AttrsOf<A>, regions: readonly RegionTypes[]): TensorType | readonly TensorType[];
  /** One result: its elements; several: an array of them. `result` is the first result's type, `all` all of them. */
  evaluate(
    operands: OperandsOf<O, Elements>,
    attrs: AttrsOf<A>,
    result: StaticType,
    types: OperandsOf<O, StaticType>,
    all: readonly StaticType[],
  ): Evaluated | { readonly results: readonly Evaluated[] };
  readonly execute?: Execute;
  macs?(types: OperandsOf<O, StaticType>, attrs: AttrsOf<A>, result: StaticType): number;
}

/** An op record with its defaults filled in. Several results are returned from `evaluate` as `{ results: [...] }`. */
export function defineOp<const O extends readonly string[], A extends AttrSchema = {}>(record: OpRecord<O, A>): OpDef<O, A> {
  return {
    name: record.name,
    summary: record.summary,
    operands: record.operands,
    results: record.results ?? ["y"],
    attrs: record.attrs ?? ({} as A),
    regions: record.regions ?? [],
    samples: record.samples,
    elementwise: record.elementwise ?? false,
    pure: record.pure ?? true,
    commutative: record.commutative ?? false,
    tolerance: record.tolerance ?? { abs: 1e-5, rel: 1e-5 },
    infer(operands, attrs, regions = []) {
      const types = record.infer(operands, attrs, regions);
      return Array.isArray(types) ? (types as readonly TensorType[]) : [types as TensorType];
    },
    evaluate(operands, attrs, results, types) {
      const value = record.evaluate(operands as unknown as OperandsOf<O, Elements>, attrs, results[0]!, types, results);
      return "results" in value ? value.results : [value];
    },
    execute: record.execute,
    macs(types, attrs, results) {
      return record.macs?.(types, attrs, results[0]!) ?? 0;
    },
  };
}

/** Any op record, as graphs hold it. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- existential: the schema of one op is only known at its own call sites
export type AnyOpDef = OpDef<any, any>;

/** The operands of an op do not fit; `infer` throws it, builders and the verifier turn it into their own finding. */
export class TypeMismatch extends Error {
  /** What kind of thing does not fit; "shape" where the rule that refused says nothing narrower. */
  readonly reason: MismatchReason;
  /** What would fit, in words. */
  readonly nearest: string | undefined;

  constructor(message: string, reason: MismatchReason = "shape", nearest?: string) {
    super(message);
    this.reason = reason;
    this.nearest = nearest;
  }
}

export type MismatchReason = "attribute" | "dtype" | "rank" | "shape" | "length";

/** Splits an operand declaration. */
export function operandSlot(declaration: string): { readonly name: string; readonly optional: boolean; readonly variadic: boolean } {
  const mark = declaration.at(-1);
  const marked = mark === "?" || mark === "*";
  return { name: marked ? declaration.slice(0, -1) : declaration, optional: mark === "?", variadic: mark === "*" };
}
