import { boundsOf, symbolsOf } from "../../ir/dims.ts";
import { Graph, Value, type Op } from "../../ir/graph.ts";
import { callOp, constant, ifOp, returnOp } from "../../ir/ops/control.ts";
import { gather } from "../../ir/ops/gather.ts";
import { loopOp, scan } from "../../ir/ops/loop.ts";
import { longest } from "../../ir/ops/padded.ts";
import { tensor } from "../../ir/tensor.ts";
import { tensorType, type DimSymbol, type TensorType } from "../../ir/types.ts";
import { isOpen, Unbounded, type Bounding, type Handler } from "./bounding.ts";

/**
 * Control flow over tensors of open length. Its regions are written in fixed shapes too: the lengths that they know from outside come
 * in as captures, those that are found inside go out as results.
 */
export const REGIONS: Readonly<Record<string, Handler>> = {
  if(op, graph) {
    const [condition, ...captures] = op.operands as Value[];
    const lengths = lengthsInside(op, graph);
    const found = foundInside(op, graph);
    const regions = op.regions.map((region) => bounded(region, graph, lengths, found));
    const operands = { condition: graph.at(condition!), captures: [...all(graph, captures), ...values(graph, lengths)] };
    finish(op, graph, graph.b.createAll(ifOp, operands, {}, regions), found);
  },

  call(op, graph) {
    const lengths = lengthsInside(op, graph);
    const found = foundInside(op, graph);
    const region = bounded(op.regions[0]!, graph, lengths, found);
    const xs = [...all(graph, op.operands as Value[]), ...values(graph, lengths)];
    finish(op, graph, graph.b.createAll(callOp, { xs }, op.attrs as never, [region]), found);
  },

  /** Where rows are stacked, there are as many as there can be, and how many there were is a result. */
  loop(op, graph) {
    const [trips, condition, ...rest] = op.operands;
    const lengths = lengthsInside(op, graph);
    const carried = op.attrs["carried"] as number;
    const rows = op.results[carried]?.type.shape[0];
    wantEvenRows(op, carried, graph);
    const region = bounded(op.regions[0]!, graph, lengths, []);
    const operands = {
      trips: trips && graph.at(trips),
      condition: condition && graph.at(condition),
      values: [...all(graph, rest as Value[]), ...values(graph, lengths)],
    };
    const counted = rows !== undefined && typeof rows !== "number";
    const results = graph.b.createAll(loopOp, operands, { ...op.attrs, counted } as never, [region]);
    if (counted) graph.define(rows, results.at(-1)!);
    op.results.forEach((value, i) => graph.set(value, results[i]!));
  },

  scan(op, graph) {
    const carried = op.attrs["carried"] as number;
    const lengths = lengthsInside(op, graph);
    wantEvenRows(op, carried, graph);
    if (typeof op.operands[carried]!.type.shape[0] !== "number") return turns(op, graph, lengths);
    const region = bounded(op.regions[0]!, graph, lengths, []);
    const operands = [...all(graph, op.operands as Value[]), ...values(graph, lengths)];
    const captured = (op.attrs["captured"] as number) + lengths.length;
    graph.b.createAll(scan, { values: operands }, { carried, captured }, [region]).forEach((value, i) => graph.set(op.results[i]!, value));
  },
};

/** Whether control flow has to do with open lengths of the graph round it. */
export function reachesOpen(op: Op, graph: Bounding): boolean {
  return op.regions.length > 0 && (isOpen(op) || lengthsInside(op, graph).length > 0);
}

/** A scan over as many slices as a run says is a loop that takes a slice each turn. */
function turns(op: Op, graph: Bounding, lengths: readonly DimSymbol[]): void {
  const carried = op.attrs["carried"] as number;
  const first = op.operands.length - (op.attrs["captured"] as number);
  const dim = op.operands[carried]!.type.shape[0]!;
  const inner = op.regions[0]!;
  const turn = new Value(tensorType("i64", []), "turn");
  const wholes = op.operands.slice(carried, first).map((value) => new Value(longest(value!.type), value!.name));
  const region = bounded(inner, graph, lengths, [], (child) => {
    const slices = wholes.map((x) => child.b.create(gather, { x, indices: turn }, { axis: 0 }));
    const goesOn = child.b.create(constant, {}, { value: tensor("bool", [], [1]) });
    const params = inner.params.map((param) => new Value(longest(param.type), param.name));
    inner.params.forEach((param, i) => child.set(param, i >= carried && i < first ? slices[i - carried]! : params[i]!));
    return { params: [turn, ...params.slice(0, carried), ...wholes, ...params.slice(first)], results: [goesOn] };
  });
  const trips = graph.cast(graph.extent(dim), "i64");
  const operands = { trips, values: [...all(graph, op.operands as Value[]), ...values(graph, lengths)] };
  const counted = op.results.length > carried;
  const results = graph.b.createAll(loopOp, operands, { carried, maxTrips: boundsOf(dim)[1], counted }, [region]);
  op.results.forEach((value, i) => graph.set(value, results[i]!));
}

/** What stands before the ops of a region: its parameters, and results in front of its own. */
type Entry = (child: Bounding) => { readonly params: readonly Value[]; readonly results: readonly Value[] };

/** A region in fixed shapes, with `lengths` behind its parameters and `found` behind its results. */
function bounded(region: Graph, outer: Bounding, lengths: readonly DimSymbol[], found: readonly DimSymbol[], entry?: Entry): Graph {
  const child = outer.inside();
  const usual: Entry = () => {
    const params = region.params.map((param) => new Value(longest(param.type), param.name));
    region.params.forEach((param, i) => child.set(param, params[i]!));
    return { params, results: [] };
  };
  const { params, results } = (entry ?? usual)(child);
  const words = lengths.map(({ name }) => new Value(tensorType("i32", []), `length of ${name}`));
  lengths.forEach((symbol, i) => child.define(symbol, words[i]!));
  const notes = child.buildAll(region);
  if (notes.length > 0) throw new Unbounded("", notes);
  const graph = new Graph(region.name, [...params, ...words]);
  graph.ops = child.b.ops;
  const outputs = [...results, ...region.outputs.map((value) => child.at(value)), ...found.map((symbol) => child.extent(symbol))];
  child.b.createAll(returnOp, { values: outputs }, { names: [] });
  return graph;
}

function finish(op: Op, graph: Bounding, results: readonly Value[], found: readonly DimSymbol[]): void {
  found.forEach((symbol, i) => graph.define(symbol, results[op.results.length + i]!));
  op.results.forEach((value, i) => graph.set(value, results[i]!));
}

function wantEvenRows(op: Op, carried: number, graph: Bounding): void {
  const own = op.results.slice(carried).find(({ type }) => symbolsIn([{ ...type, shape: type.shape.slice(1) }]).some((symbol) => !graph.knows(symbol)));
  if (own) throw new Unbounded("stacks rows whose length each turn tells anew; pad them to one length");
}

/** Lengths of the graph round an op that its regions hang on. */
function lengthsInside(op: Op, graph: Bounding): readonly DimSymbol[] {
  return symbolsIn(op.regions.flatMap(typesIn)).filter((symbol) => graph.knows(symbol));
}

/** Lengths that an op gives and nobody knew before. */
function foundInside(op: Op, graph: Bounding): readonly DimSymbol[] {
  return symbolsIn(op.results.map(({ type }) => type)).filter((symbol) => !graph.knows(symbol));
}

function typesIn(region: Graph): readonly TensorType[] {
  return [...region.params.map(({ type }) => type), ...region.ops.flatMap((op) => [...op.results.map(({ type }) => type), ...op.regions.flatMap(typesIn)])];
}

/** The symbols of types, each once. */
function symbolsIn(types: readonly TensorType[]): readonly DimSymbol[] {
  const found = new Map<string, DimSymbol>();
  for (const { shape } of types) for (const dim of shape) if (typeof dim !== "number") for (const symbol of symbolsOf(dim)) found.set(symbol.name, symbol);
  return [...found.values()];
}

function all(graph: Bounding, list: readonly Value[]): readonly Value[] {
  return list.map((value) => graph.at(value));
}

function values(graph: Bounding, lengths: readonly DimSymbol[]): readonly Value[] {
  return lengths.map((symbol) => graph.extent(symbol));
}
