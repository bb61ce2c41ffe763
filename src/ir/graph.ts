import { InternalError } from "../support/errors.ts";
import type { AttrValue } from "./attr.ts";
import { operandSlot, type AnyOpDef } from "./op-def.ts";
import type { TableFacts } from "./table-facts.ts";
import type { TensorType } from "./types.ts";

/** One result of an op or one parameter of a graph; assigned once. */
export class Value {
  type: TensorType;
  /** A name for people: the tensor's name in the source file where it has one, else "". Not unique. */
  name: string;
  /** undefined: a parameter of the graph. */
  producer: Op | undefined;
  readonly uses: Set<Op> = new Set();

  constructor(type: TensorType, name = "", producer?: Op) {
    this.type = type;
    this.name = name;
    this.producer = producer;
  }
}

export class Op {
  readonly def: AnyOpDef;
  /** By position of `def.operands`; a variadic operand is the tail. undefined: an absent optional operand. */
  readonly operands: (Value | undefined)[] = [];
  readonly attrs: Readonly<Record<string, AttrValue>>;
  readonly results: Value[];
  readonly regions: readonly Graph[];
  /** Source nodes this op came from, in the user's own names. */
  readonly loc: readonly string[];

  constructor(
    def: AnyOpDef,
    operands: readonly (Value | undefined)[],
    attrs: Readonly<Record<string, AttrValue>>,
    types: readonly TensorType[],
    loc: readonly string[] = [],
    regions: readonly Graph[] = [],
  ) {
    this.def = def;
    this.attrs = attrs;
    this.loc = loc;
    this.regions = regions;
    this.results = types.map((type) => new Value(type, "", this));
    operands.forEach((value) => this.operands.push(value));
    operands.forEach((value) => value?.uses.add(this));
  }

  get name(): string {
    return this.def.name;
  }

  /** The single result of an op that has one. */
  get result(): Value {
    if (this.results.length !== 1) throw new InternalError(this.def.name, `has ${this.results.length} results, one was asked for`);
    return this.results[0]!;
  }

  /** Operand by its declared name; undefined when it is optional and absent. */
  operand(name: string): Value | undefined {
    const index = this.def.operands.findIndex((declaration: string) => operandSlot(declaration).name === name);
    if (index < 0) throw new InternalError(this.def.name, `no operand ${name}`);
    return this.operands[index];
  }

  /** The values of the variadic operand. */
  get variadic(): readonly Value[] {
    return this.operands.slice(this.def.operands.length - 1) as Value[];
  }

  setOperand(index: number, value: Value | undefined): void {
    const old = this.operands[index];
    this.operands[index] = value;
    if (old && !this.operands.includes(old)) old.uses.delete(this);
    value?.uses.add(this);
  }
}

/** A list of ops in an order in which each comes after those it reads; the last is `return`, whose operands are the results. */
export class Graph {
  readonly name: string;
  readonly params: Value[];
  ops: Op[] = [];
  /** Names of what outputs hold, by the name of the output: of the columns of scores, or of what whole numbers stand for. */
  readonly labels = new Map<string, readonly string[]>();
  /** What files of rows for an input leave out or call by names, by the name of the input. */
  readonly tables = new Map<string, TableFacts>();
  /** Sequences at the border, by name, and how many tensors each has: `x[0]`, `x[1]` … are inputs or outputs. */
  readonly lists = { inputs: new Map<string, number>(), outputs: new Map<string, number>() };

  constructor(name: string, params: readonly Value[] = []) {
    this.name = name;
    this.params = [...params];
  }

  /** The op `return`. */
  get terminator(): Op {
    const last = this.ops.at(-1);
    if (!last || last.def.name !== "return") throw new InternalError("graph", `@${this.name} does not end in return`);
    return last;
  }

  /** Values the graph gives back; their `name`s are the names of the outputs. */
  get outputs(): readonly Value[] {
    return this.terminator.operands as Value[];
  }

  /** Every use of `from` reads `to` instead. Names of outputs stay. */
  replaceUses(from: Value, to: Value): void {
    for (const op of [...from.uses]) op.operands.forEach((value, i) => value === from && op.setOperand(i, to));
    if (!to.name) to.name = from.name;
  }

  /** Removes ops and unlinks them from what they read. They must have no uses left. */
  erase(dead: ReadonlySet<Op>): void {
    for (const op of dead) op.operands.forEach((_, i) => op.setOperand(i, undefined));
    this.ops = this.ops.filter((op) => !dead.has(op));
  }
}
