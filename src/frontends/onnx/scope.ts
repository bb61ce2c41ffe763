import type { Value } from "../../ir/graph.ts";
import type { DType } from "../../ir/types.ts";
import type { MapInput } from "./holders.ts";

/** Tensors in a row: how many is known when a model is imported. */
export class Sequence {
  readonly items: readonly Value[];
  /** Of the tensors; undefined where nothing says it. */
  readonly dtype: DType | undefined;

  constructor(items: readonly Value[], dtype = items[0]?.type.dtype) {
    this.items = items;
    this.dtype = dtype;
  }
}

/** Tensors in a row whose number a run tells: the slices of one tensor along its first axis, which may be open. */
export class OpenSequence {
  readonly rows: Value;

  constructor(rows: Value) {
    this.rows = rows;
  }
}

/** An optional of which a run tells whether it holds something; `value` is zeros where it does not. */
export class OpenOptional {
  readonly value: Value;
  readonly has: Value;

  constructor(value: Value, has: Value) {
    this.value = value;
    this.has = has;
  }
}

/** What a node can be handed: "absent" is an optional that holds nothing, or an input that is left out. */
export type Given = Value | Sequence | OpenSequence | OpenOptional | MapInput | "absent";

/**
 * What a name stands for while nodes are imported. "failed": the node that gives it has a problem, which was noted; "unsupported": an output that the importer of its node does not compute.
 */
export type Meaning = Given | "failed" | "unsupported";

/** Names of one list of nodes, inside those of the lists round it. */
export class Scope {
  private readonly meanings = new Map<string, Meaning>();
  /** Initializers become constants when somebody reads them. */
  private readonly lazy = new Map<string, () => Meaning>();
  private readonly outer: Scope | undefined;

  constructor(outer?: Scope) {
    this.outer = outer;
  }

  set(name: string, meaning: Meaning): void {
    this.meanings.set(name, meaning);
  }

  setLazy(name: string, make: () => Meaning): void {
    this.lazy.set(name, make);
  }

  get(name: string): Meaning | undefined {
    const known = this.meanings.get(name);
    if (known !== undefined) return known;
    const make = this.lazy.get(name);
    if (!make) return this.outer?.get(name);
    const made = make();
    this.meanings.set(name, made);
    return made;
  }
}
