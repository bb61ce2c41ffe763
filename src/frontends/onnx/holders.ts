import { Value } from "../../ir/graph.ts";
import type { DType } from "../../ir/types.ts";
import { dtypeOf } from "./element-types.ts";
import { inputSpecs, valueSpec, type Bindings, type ValueSpec } from "./inputs.ts";
import type { Size } from "../../support/size-range.ts";
import type { Problems } from "./problems.ts";
import type { GraphProto, TypeProto } from "./schema.ts";

/**
 * An input that is a map. Its one reader says which keys count: what comes in is a row with a column each, 0 for those that the map has
 * not. A session makes the row of a map by the labels of the input.
 */
export class MapInput {
  readonly name: string;
  readonly keys: "string" | "i64";
  readonly dtype: DType;
  /** Once somebody asked. */
  row: { readonly value: Value; readonly labels: readonly string[] } | undefined;

  constructor(name: string, keys: "string" | "i64", dtype: DType) {
    this.name = name;
    this.keys = keys;
    this.dtype = dtype;
  }

  /** The row of these keys; undefined where another reader asked for other ones. */
  ask(labels: readonly string[]): Value | undefined {
    this.row ??= { labels, value: new Value({ dtype: this.dtype, shape: [1, labels.length] }, this.name) };
    return JSON.stringify(this.row.labels) === JSON.stringify(labels) ? this.row.value : undefined;
  }
}

/** What an input is that is no tensor. */
export type Holder =
  { readonly kind: "sequence"; readonly items: readonly string[]; readonly dtype: DType | undefined } | { readonly kind: "absent" } | MapInput;

export interface HeldInputs {
  /** Of tensors: each one of a sequence is an input of its own, `x[0]`, `x[1]` … */
  readonly specs: readonly ValueSpec[];
  readonly shapes: NonNullable<Bindings["shapes"]>;
  readonly holders: ReadonlyMap<string, Holder>;
}

/** Inputs with sequences, optionals and maps taken apart. How long a sequence is the binding of its name says: `x=2`. */
export function heldInputs(graph: GraphProto, bindings: Bindings, absent: readonly string[], problems: Problems): HeldInputs {
  const shapes = { ...bindings.shapes };
  const types = new Map(graph.input.map((input) => [input.name ?? "", input.type]));
  const holders = new Map<string, Holder>();
  const left = new Set(absent);
  const specs = inputSpecs(graph).flatMap((spec): readonly ValueSpec[] => {
    const { name } = spec;
    const declared = types.get(name);
    const type = declared?.optionalType ? declared.optionalType.elemType : declared;
    if (declared?.optionalType && left.delete(name)) {
      holders.set(name, { kind: "absent" });
      return [];
    }
    if (type?.mapType) {
      const [key, dtype] = [dtypeOf(type.mapType.keyType), dtypeOf(type.mapType.valueType?.tensorType?.elemType)];
      if (dtype && (key === "string" || key === "i64")) {
        holders.set(name, new MapInput(name, key, dtype));
        return [];
      }
    }
    if (type?.sequenceType) return itemsOf(name, type.sequenceType.elemType, shapes, holders, problems);
    return [declared === type ? spec : valueSpec({ name, type })];
  });
  for (const name of left) problems.add("binding", name, "is left out, and is no optional input");
  return { specs, shapes, holders };
}

function itemsOf(
  name: string,
  type: TypeProto | undefined,
  shapes: Record<string, Size | readonly Size[]>,
  holders: Map<string, Holder>,
  problems: Problems,
): readonly ValueSpec[] {
  const given = shapes[name];
  delete shapes[name];
  const length: unknown = Array.isArray(given) && given.length === 1 ? given[0] : given;
  if (!type?.tensorType || typeof length !== "number" || !Number.isSafeInteger(length) || length < 0 || length > MOST_ITEMS) {
    if (!type?.tensorType) problems.add("type", name, "is a sequence of what is no tensor");
    else problems.add("dim", name, "is a sequence, and nothing says of how many tensors", { hint: `say how many there are: \`--shape ${name}=2\`` });
    return [];
  }
  const specs = Array.from({ length }, (_, i) => {
    const item = `${name}[${i}]`;
    const spec = valueSpec({ name: item, type });
    // A named dim of the file need not be the same in all of them.
    return { ...spec, dims: spec.dims?.map((dim, axis) => (typeof dim === "number" ? dim : `${item}.${axis}`)) };
  });
  holders.set(name, { kind: "sequence", items: specs.map((spec) => spec.name), dtype: valueSpec({ name, type }).dtype });
  return specs;
}

/** Each is an input of the program. */
const MOST_ITEMS = 1024;
