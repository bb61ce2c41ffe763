import { copyOp } from "./copy.ts";
import { Graph, Op, Value } from "./graph.ts";
import { constant, returnOp } from "./ops/control.ts";

/** A graph of its own, and which values of the old graph its parameters and results stand for. */
export interface Extract {
  readonly graph: Graph;
  readonly params: readonly Value[];
  readonly results: readonly Value[];
}

export interface ExtractOptions {
  /** Every op reads parameters only, also where another of the ops computes the value. */
  readonly apart?: boolean;
  /** All results are results of the graph, not only those that something else reads. */
  readonly all?: boolean;
}

/**
 * The graph of some ops of another, in their order, which stays as it is. What they read from outside becomes parameters, constants
 * come along. Parameters and results are called as the values are, made unique; regions are copied.
 */
export function extract(ops: readonly Op[], name: string, { apart = false, all = false }: ExtractOptions = {}): Extract {
  const taken = new Set(ops);
  const inside = new Map<Value, Value>();
  const params = new Map<Value, Value>();
  const constants = new Map<Value, Op>();
  const copies: Op[] = [];
  const copyOf = (value: Value): Value => {
    const computed = inside.get(value);
    if (computed && !apart) return computed;
    const { producer } = value;
    if (producer?.def === constant) {
      if (!constants.has(value)) constants.set(value, copyOp(producer, []));
      return constants.get(value)!.result;
    }
    if (!params.has(value)) params.set(value, new Value(value.type, value.name));
    return params.get(value)!;
  };
  for (const op of ops) {
    if (op.def === constant) continue;
    const copy = copyOp(
      op,
      op.operands.map((operand) => operand && copyOf(operand)),
    );
    op.results.forEach((value, i) => inside.set(value, copy.results[i]!));
    copies.push(copy);
  }
  const isRead = (value: Value): boolean => all || [...value.uses].some((user) => !taken.has(user));
  const results = ops.flatMap((op) => (op.def === constant ? [] : op.results.filter(isRead)));
  const graph = new Graph(name, [...params.values()]);
  const words = uniqueNames([...params.keys(), ...results]);
  graph.params.forEach((param, i) => (param.name = words[i]!));
  const last = new Op(
    returnOp,
    results.map((value) => inside.get(value)),
    { names: words.slice(params.size) },
    [],
  );
  graph.ops = [...constants.values(), ...copies, last];
  return { graph, params: [...params.keys()], results };
}

/** What people call a value: its own name, else the source nodes of its op. */
export function valueName(value: Value): string {
  return value.name || value.producer?.loc.join("+") || value.producer?.name || "value";
}

function uniqueNames(values: readonly Value[]): string[] {
  const used = new Set<string>();
  return values.map((value) => {
    const word = valueName(value);
    let name = word;
    for (let i = 1; used.has(name); i++) name = `${word}_${i}`;
    used.add(name);
    return name;
  });
}
