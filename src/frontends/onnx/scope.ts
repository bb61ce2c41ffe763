import type { Value } from "../../ir/graph.ts";

/**
 * What a name stands for while nodes are imported. "failed": the node that gives it has a problem, which was noted; "absent": an
 * optional input that the caller of a function left out; "unsupported": an output that the importer of its node does not compute.
 */
export type Meaning = Value | "failed" | "absent" | "unsupported";

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
