import type { BinaryenApi, Module, Ref } from "./binaryen.ts";

export type LocalType = "i32" | "i64" | "f32" | "f64" | "v128";

/** The locals of one function: parameters first, then what is added by name or as a temporary. */
export class Locals {
  private readonly api: BinaryenApi;
  private readonly module: Module;
  private readonly types: LocalType[];
  private readonly parameters: number;
  private readonly byName = new Map<string, number>();

  constructor(api: BinaryenApi, module: Module, parameters: readonly string[]) {
    this.api = api;
    this.module = module;
    this.parameters = parameters.length;
    this.types = parameters.map(() => "i32");
    parameters.forEach((name, i) => this.byName.set(name, i));
  }

  add(name: string, type: LocalType): number {
    const index = this.temporary(type);
    this.byName.set(name, index);
    return index;
  }

  temporary(type: LocalType): number {
    this.types.push(type);
    return this.types.length - 1;
  }

  get(name: string): Ref {
    return this.at(this.index(name));
  }

  at(index: number): Ref {
    return this.module.local.get(index, this.api[this.types[index]!]);
  }

  set(name: string, value: Ref): Ref {
    return this.module.local.set(this.index(name), value);
  }

  /** Types of all but the parameters. */
  declared(): number[] {
    return this.types.slice(this.parameters).map((type) => this.api[type]);
  }

  private index(name: string): number {
    return this.byName.get(name)!;
  }
}
