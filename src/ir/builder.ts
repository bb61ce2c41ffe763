import { InternalError } from "../support/errors.ts";
import type { AttrsInput, AttrSchema, AttrValue } from "./attr.ts";
import { Op, type Graph, type Value } from "./graph.ts";
import { operandSlot, TypeMismatch, type AnyOpDef, type OpDef, type OperandsOf, type RegionTypes } from "./op-def.ts";
import type { TensorType } from "./types.ts";

type OperandValues<O extends readonly string[]> = { readonly [K in keyof OperandsOf<O, Value>]?: OperandsOf<O, Value>[K] | undefined };

/** Appends ops to a list, inferring the types of their results. */
export class Builder {
  readonly ops: Op[];
  /** Source location given to every op created from now on. */
  loc: readonly string[] = [];

  constructor(ops: Op[] = []) {
    this.ops = ops;
  }

  /** Creates an op and gives its first result. Throws `TypeMismatch` when the operands don't fit. */
  create<O extends readonly string[], A extends AttrSchema>(def: OpDef<O, A>, operands: OperandValues<O>, attrs: AttrsInput<A> = {}): Value {
    return this.createAll(def, operands, attrs)[0]!;
  }

  createAll<O extends readonly string[], A extends AttrSchema>(
    def: OpDef<O, A>,
    operands: OperandValues<O>,
    attrs: AttrsInput<A> = {},
    regions: readonly Graph[] = [],
  ): readonly Value[] {
    const values = positional(def, operands as Record<string, unknown>);
    const complete = completeAttrs(def, attrs as Record<string, unknown>);
    const op = new Op(def, values, complete, inferTypes(def, values, complete, regions), this.loc, regions);
    this.ops.push(op);
    return op.results;
  }
}

/** Operands of `def` by declared order; throws when a required one is missing. */
export function positional(def: AnyOpDef, operands: Readonly<Record<string, unknown>>): (Value | undefined)[] {
  const values: (Value | undefined)[] = [];
  for (const declaration of def.operands as readonly string[]) {
    const slot = operandSlot(declaration);
    const value = operands[slot.name];
    if (slot.variadic) values.push(...((value as readonly Value[] | undefined) ?? []));
    else if (value === undefined && !slot.optional) throw new TypeMismatch(`${def.name} has no operand ${slot.name}`);
    else values.push(value as Value | undefined);
  }
  return values;
}

/** Attributes with defaults filled in, each checked against its kind; unknown ones are refused. */
export function completeAttrs(def: AnyOpDef, attrs: Readonly<Record<string, unknown>>): Readonly<Record<string, AttrValue>> {
  const complete: Record<string, AttrValue> = {};
  for (const name of Object.keys(attrs)) if (!(name in def.attrs)) throw new InternalError(def.name, `no attribute ${name}`);
  for (const [name, kind] of Object.entries(def.attrs as AttrSchema)) {
    const value = attrs[name] ?? kind.fallback;
    if (value === undefined && kind.required) throw new TypeMismatch(`${def.name} wants attribute ${name}`, "attribute");
    if (value !== undefined && !kind.accepts(value))
      throw new TypeMismatch(`${def.name}: attribute ${name} is ${String(value)}, wanted ${kind.kind}`, "attribute");
    complete[name] = value as AttrValue;
  }
  return complete;
}

/** Operand types keyed by name, as records see them. */
export function namedOperands<T>(def: AnyOpDef, values: readonly (T | undefined)[]): Record<string, T | undefined | readonly T[]> {
  const named: Record<string, T | undefined | readonly T[]> = {};
  (def.operands as readonly string[]).forEach((declaration, i) => {
    const slot = operandSlot(declaration);
    named[slot.name] = slot.variadic ? (values.slice(i) as T[]) : values[i];
  });
  return named;
}

export function inferTypes(
  def: AnyOpDef,
  values: readonly (Value | undefined)[],
  attrs: Readonly<Record<string, AttrValue>>,
  regions: readonly Graph[] = [],
): readonly TensorType[] {
  return def.infer(
    namedOperands(
      def,
      values.map((value) => value?.type),
    ),
    attrs,
    regions.map(regionTypes),
  );
}

/** The types a region takes and gives. */
function regionTypes(region: Graph): RegionTypes {
  return { params: region.params.map((value) => value.type), results: region.outputs.map((value) => value.type) };
}
