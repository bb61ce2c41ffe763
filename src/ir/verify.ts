/** Says everything that is wrong with a graph. A graph without findings runs in the interpreter and can be lowered. */
import { shapeText } from "./broadcast.ts";
import { inferTypes } from "./builder.ts";
import { symbolsOf } from "./dims.ts";
import type { Graph, Op, Value } from "./graph.ts";
import type { AttrSchema } from "./attr.ts";
import { operandSlot, TypeMismatch } from "./op-def.ts";
import type { Tensor } from "./tensor.ts";
import { elementCount, equalTypes, isInteger, isStatic, type DimSymbol, type TensorType } from "./types.ts";

export interface Finding {
  /** undefined: about the graph as a whole or its parameters. */
  readonly op: Op | undefined;
  readonly graph: Graph;
  /** A sentence of what was found and what was wanted, that names the op. */
  readonly text: string;
}

export function verify(graph: Graph): readonly Finding[] {
  const verification = new Verification();
  verification.graph(graph);
  return verification.findings;
}

/** "2x3xf32", for messages. */
function typeText(type: TensorType): string {
  return `${type.shape.length === 0 ? "" : `${shapeText(type.shape)}x`}${type.quant ? "quantised " : ""}${type.dtype}`;
}

class Verification {
  readonly findings: Finding[] = [];
  private readonly symbols = new Map<string, DimSymbol>();
  private readonly seen = new Set<Value>();

  graph(graph: Graph): void {
    const say = (op: Op | undefined, text: string): void => void this.findings.push({ op, graph, text: op ? `${op.name} ${text}` : `@${graph.name} ${text}` });
    const inside = new Set(graph.ops);
    const defined = new Set<Value>();
    const define = (value: Value, op: Op | undefined, name: string): void => {
      if (this.seen.has(value)) say(op, `defines ${name} a second time`);
      if (value.producer !== op) say(op, `has ${name} whose producer is another op`);
      for (const user of value.uses) if (!inside.has(user)) say(op, `has ${name} with a user outside its graph`);
      this.seen.add(value);
      defined.add(value);
      for (const problem of this.type(value.type)) say(op, `has ${name} whose ${problem}`);
    };
    graph.params.forEach((param, i) => define(param, undefined, `parameter ${param.name || i}`));
    graph.ops.forEach((op, at) => {
      const last = at === graph.ops.length - 1;
      if ((op.name === "return") !== last) say(op, last ? "is the last op, wanted return" : "stands before the end");
      const before = this.findings.length;
      for (const problem of operandProblems(op, defined)) say(op, problem);
      for (const problem of attrProblems(op)) say(op, problem);
      if (op.regions.length !== op.def.regions.length) say(op, `has ${op.regions.length} regions, wanted ${op.def.regions.length}`);
      for (const region of op.regions) this.graph(region);
      // `infer` may count on operands, attributes and regions being there.
      if (this.findings.length === before) for (const problem of resultProblems(op)) say(op, problem);
      op.results.forEach((value, i) => define(value, op, `result ${i}`));
    });
    if (graph.ops.length === 0) say(undefined, "is empty, wanted return");
  }

  private *type(type: TensorType): Generator<string> {
    for (const dim of type.shape) {
      if (typeof dim === "number" && !(Number.isSafeInteger(dim) && dim >= 0)) yield `extent ${dim} is no extent`;
      for (const symbol of symbolsOf(dim)) {
        const known = this.symbols.get(symbol.name) ?? symbol;
        this.symbols.set(symbol.name, known);
        if (!(symbol.low >= 0 && symbol.low <= symbol.high)) yield `symbol ${symbol.name} has bounds ${symbol.low}..${symbol.high}`;
        else if (known.low !== symbol.low || known.high !== symbol.high)
          yield `symbol ${symbol.name} has bounds ${symbol.low}..${symbol.high}, elsewhere ${known.low}..${known.high}`;
      }
    }
    if (type.quant) yield* quantProblems(type);
  }
}

function* quantProblems(type: TensorType): Generator<string> {
  const { scale, zeroPoint, axis, block } = type.quant!;
  if (!isInteger(type.dtype)) yield `quantisation is over ${type.dtype}, wanted an integer`;
  if (scale.length !== zeroPoint.length) yield `quantisation has ${scale.length} scales and ${zeroPoint.length} zero points`;
  if (axis === undefined) {
    if (block !== undefined) yield "quantisation has blocks and no axis";
    if (scale.length !== 1) yield `quantisation has ${scale.length} scales and no axis`;
    return;
  }
  const extent = type.shape[axis];
  if (extent === undefined) yield `quantisation is along axis ${axis} of ${type.shape.length}`;
  else if (block === undefined && typeof extent === "number" && extent !== scale.length) yield `quantisation has ${scale.length} scales for extent ${extent}`;
  else if (block !== undefined && block < 1) yield `quantisation has blocks of ${block}`;
  else if (block !== undefined && isStatic(type)) {
    const wanted = elementCount(type.shape.map((dim, i) => (i === axis ? Math.ceil(dim / block) : dim)));
    if (scale.length !== wanted) yield `quantisation has ${scale.length} scales, wanted ${wanted} for blocks of ${block}`;
  }
}

function* operandProblems(op: Op, defined: ReadonlySet<Value>): Generator<string> {
  const slots = (op.def.operands as readonly string[]).map(operandSlot);
  const variadic = slots.at(-1)?.variadic ?? false;
  if (op.operands.length > slots.length && !variadic) yield `has ${op.operands.length} operands, wanted ${slots.length}`;
  for (const [i, slot] of slots.entries()) if (!slot.optional && !slot.variadic && !op.operands[i]) yield `has no operand ${slot.name}`;
  for (const [i, value] of op.operands.entries()) {
    const name = i < slots.length && !slots[i]!.variadic ? slots[i]!.name : `number ${i}`;
    if (!value) {
      if (variadic && i >= slots.length - 1) yield `has no operand ${name}`;
      continue;
    }
    if (!defined.has(value)) yield `reads operand ${name} before it is defined in its graph`;
    if (!value.uses.has(op)) yield `is no user of its operand ${name}`;
  }
}

function* attrProblems(op: Op): Generator<string> {
  const schema = op.def.attrs as AttrSchema;
  for (const name of Object.keys(op.attrs)) if (!Object.hasOwn(schema, name)) yield `has an unknown attribute ${name}`;
  for (const [name, kind] of Object.entries(schema)) {
    const value = op.attrs[name];
    if (value === undefined ? kind.required : !kind.accepts(value)) yield `has attribute ${name} = ${String(value)}, wanted ${kind.kind}`;
    if (kind.kind === "tensor" && value !== undefined && kind.accepts(value)) yield* tensorProblems(name, value as Tensor);
  }
}

function* tensorProblems(name: string, { type, data }: Tensor): Generator<string> {
  if (!isStatic(type)) yield `has attribute ${name} without extents`;
  else if (elementCount(type.shape) !== data.length) yield `has attribute ${name} of ${data.length} elements for ${typeText(type)}`;
}

function resultProblems(op: Op): readonly string[] {
  let wanted: readonly TensorType[];
  try {
    wanted = inferTypes(op.def, op.operands, op.attrs, op.regions);
  } catch (error) {
    if (error instanceof TypeMismatch) return [`does not fit: ${error.message}`];
    return [`can't be checked: ${error instanceof Error ? error.message : String(error)}`];
  }
  if (wanted.length !== op.results.length) return [`has ${op.results.length} results, wanted ${wanted.length}`];
  return op.results.flatMap((value, i) =>
    equalTypes(value.type, wanted[i]!) ? [] : [`has result ${i} of type ${typeText(value.type)}, wanted ${typeText(wanted[i]!)}`],
  );
}
