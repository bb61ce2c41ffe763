import type { AttrsOf, AttrSchema } from "../ir/attr.ts";
import type { Builder } from "../ir/builder.ts";
import type { Op, Value } from "../ir/graph.ts";
import { operandSlot, type AnyOpDef, type OpDef, type OperandsOf } from "../ir/op-def.ts";
import type { Tensor } from "../ir/tensor.ts";

/** Matches any value. */
export interface ValuePattern {
  readonly kind: "value";
}

/** Matches the result of a `constant`; the match gives its tensor. */
export interface ConstantPattern {
  readonly kind: "constant";
}

/** Matches the first result of an op of one def whose operands match. */
export interface OpPattern<A extends AttrSchema = AttrSchema> {
  readonly kind: "op";
  readonly def: AnyOpDef;
  readonly operands: Readonly<Record<string, Pattern | undefined>>;
  readonly single: boolean;
  /** Only for the type system. */
  readonly attrs?: A;
}

export type Pattern = ValuePattern | ConstantPattern | OpPattern;

export function value(): ValuePattern {
  return { kind: "value" };
}

export function constantOf(): ConstantPattern {
  return { kind: "constant" };
}

type OperandPatterns<O extends readonly string[]> = { readonly [K in keyof OperandsOf<O, Pattern>]?: Pattern };

/** Operands that are not named match anything, present or not. */
export function op<O extends readonly string[], A extends AttrSchema>(def: OpDef<O, A>, operands: OperandPatterns<O> = {}): OpPattern<A> {
  return { kind: "op", def, operands: operands as Readonly<Record<string, Pattern | undefined>>, single: false };
}

/** The same pattern where nobody else reads the value. */
export function onlyUse<A extends AttrSchema>(pattern: OpPattern<A>): OpPattern<A> {
  return { ...pattern, single: true, origin: pattern } as OpPattern<A>;
}

type Found = Value | Op;

/** What each part of a pattern met. */
export interface Match {
  get<A extends AttrSchema>(pattern: OpPattern<A>): Op & { readonly attrs: AttrsOf<A> };
  get(pattern: ValuePattern): Value;
  get(pattern: ConstantPattern): Tensor;
  /** The value a constant pattern met. */
  value(pattern: Pattern): Value;
  /** Every op of the match, for source locations. */
  readonly ops: readonly Op[];
}

export interface Rule {
  readonly name: string;
  readonly root: OpPattern;
  /** The value (or values) to read instead of the root's results, or undefined: not here. */
  readonly apply: (match: Match, builder: Builder) => Value | readonly Value[] | undefined;
}

export function rule<A extends AttrSchema>(name: string, root: OpPattern<A>, apply: Rule["apply"]): Rule {
  return { name, root, apply };
}

/** Matches `root` at `op`; commutative ops are tried in both orders. */
export function matchAt(root: OpPattern, at: Op): Match | undefined {
  const found = new Map<Pattern, Found>();
  return matchOp(root, at, found) ? new FoundMatch(found) : undefined;
}

function matchOp(pattern: OpPattern, at: Op, found: Map<Pattern, Found>): boolean {
  if (at.def !== pattern.def) return false;
  const orders = at.def.commutative ? [at.operands, [at.operands[1], at.operands[0]]] : [at.operands];
  for (const operands of orders) {
    const trial = new Map(found);
    if (matchOperands(pattern, at, operands, trial)) {
      trial.set(pattern, at);
      const origin = (pattern as { origin?: Pattern }).origin;
      if (origin) trial.set(origin, at);
      for (const [key, met] of trial) found.set(key, met);
      return true;
    }
  }
  return false;
}

function matchOperands(pattern: OpPattern, at: Op, operands: readonly (Value | undefined)[], found: Map<Pattern, Found>): boolean {
  return (at.def.operands as readonly string[]).every((declaration, i) => {
    const wanted = pattern.operands[operandSlot(declaration).name];
    return wanted === undefined || (operands[i] !== undefined && matchValue(wanted, operands[i], found));
  });
}

function matchValue(pattern: Pattern, met: Value, found: Map<Pattern, Found>): boolean {
  const before = found.get(pattern);
  if (pattern.kind === "op") {
    const producer = met.producer;
    if (!producer || producer.results[0] !== met || (before && before !== producer)) return false;
    if (pattern.single && !isOnlyUse(met)) return false;
    return before !== undefined || matchOp(pattern, producer, found);
  }
  if (pattern.kind === "constant" && met.producer?.name !== "constant") return false;
  if (before && before !== met) return false;
  found.set(pattern, met);
  return true;
}

/** One op reads the value, once. */
export function isOnlyUse(value: Value): boolean {
  if (value.uses.size !== 1) return false;
  const [user] = value.uses;
  return user!.operands.filter((v) => v === value).length === 1;
}

class FoundMatch implements Match {
  private readonly found: ReadonlyMap<Pattern, Found>;

  constructor(found: ReadonlyMap<Pattern, Found>) {
    this.found = found;
  }

  get(pattern: Pattern): never {
    const met = this.found.get(pattern);
    return (pattern.kind === "constant" ? (met as Value).producer!.attrs["value"] : met) as never;
  }

  value(pattern: Pattern): Value {
    const met = this.found.get(pattern)!;
    return pattern.kind === "op" ? (met as Op).results[0]! : (met as Value);
  }

  get ops(): readonly Op[] {
    return [...new Set([...this.found.entries()].filter(([pattern]) => pattern.kind === "op").map(([, met]) => met as Op))];
  }
}
