import type { Value } from "../../ir/graph.ts";
import { add } from "../../ir/ops/arithmetic.ts";
import { less } from "../../ir/ops/comparison.ts";
import { constant } from "../../ir/ops/control.ts";
import { select } from "../../ir/ops/logic.ts";
import { scan } from "../../ir/ops/loop.ts";
import { reverse, transpose } from "../../ir/ops/movement.ts";
import { tensor } from "../../ir/tensor.ts";
import { equalShapes, tensorType, type DType, type TensorType } from "../../ir/types.ts";
import { shapeText } from "../../ir/broadcast.ts";
import { graphOf, markedLike, openRegion, orDiscard, sameStored, sameTypes, Unfit, type ControlNode } from "./control.ts";
import type { Subgraphs } from "./subgraphs.ts";
import { closeRegions, type OpenRegion } from "./regions.ts";
import type { GraphProto, NodeProto } from "./schema.ts";
import { rankOf } from "./static-shape.ts";

/** Version 8 scans each element of a batch; from version 9 on there is no batch, and axes may be chosen. */
export function importScan(c: ControlNode, s: Subgraphs): readonly Value[] {
  const body = graphOf(c.node, "body");
  const scanned = intsOf(c.node, "num_scan_inputs")[0];
  if (scanned === undefined || scanned < 1) throw new Unfit("has no num_scan_inputs");
  if (c.opset < 9) return batched(c, s, body, scanned);
  const values = present(c.operands);
  return directed(c, s, body, values, scanned, {
    inputAxes: intsOf(c.node, "scan_input_axes"),
    inputDirections: intsOf(c.node, "scan_input_directions"),
    outputAxes: intsOf(c.node, "scan_output_axes"),
    outputDirections: intsOf(c.node, "scan_output_directions"),
  });
}

interface Directions {
  readonly inputAxes: readonly number[];
  readonly inputDirections: readonly number[];
  readonly outputAxes: readonly number[];
  readonly outputDirections: readonly number[];
}

/** `length`: how many slices there truly are. */
function directed(
  c: ControlNode,
  s: Subgraphs,
  body: GraphProto,
  values: readonly Value[],
  scanned: number,
  ways: Directions,
  length?: Value,
): readonly Value[] {
  const carried = values.length - scanned;
  const inputs = values.map((value, i) => {
    if (i < carried) return value;
    const front = toFront(s, value, axisOf(ways.inputAxes[i - carried] ?? 0, rankOf(value)));
    return ways.inputDirections[i - carried] === 1 ? reversed(s, front) : front;
  });
  const results = length ? scanUpTo(c, s, body, inputs, carried, length) : scanOnce(c, s, body, inputs, carried);
  return results.map((value, i) => {
    if (i < carried) return value;
    const turned = ways.outputDirections[i - carried] === 1 ? reversed(s, value) : value;
    return fromFront(s, turned, axisOf(ways.outputAxes[i - carried] ?? 0, rankOf(value)));
  });
}

/** The first axis of all values is that of a batch, the second of scanned ones that of their slices. */
function batched(c: ControlNode, s: Subgraphs, body: GraphProto, scanned: number): readonly Value[] {
  const [lengths, ...rest] = c.operands;
  const values = present(rest);
  const carried = values.length - scanned;
  const ways: Directions = { inputAxes: [], inputDirections: intsOf(c.node, "directions"), outputAxes: [], outputDirections: [] };
  if (carried < 0) throw new Unfit(`has ${values.length} values, num_scan_inputs is ${scanned}`);
  if (!lengths) return inBatch(s, values, (slices) => directed(c, s, body, slices, scanned, ways));
  if (ways.inputDirections.includes(1)) throw new Unfit("scans backwards and has sequence_lens");
  return inBatch(s, [...values, lengths], (slices) => directed(c, s, body, slices.slice(0, -1), scanned, ways, slices.at(-1)));
}

/** What `build` gives of the slices of each element of a batch. */
function inBatch(s: Subgraphs, values: readonly Value[], build: (slices: readonly Value[]) => readonly (Value | undefined)[]): readonly Value[] {
  const types = values.map(({ type }) => sliceType(type));
  const region = openRegion(s, types, build, values);
  return orDiscard([region], () => closedScan(s, region, values, 0));
}

/** Behind `length` turns what is carried stays, and rows are zeros. */
function scanUpTo(c: ControlNode, s: Subgraphs, body: GraphProto, values: readonly Value[], carried: number, length: Value): readonly Value[] {
  checkCounts(body, values, carried);
  const number = (dtype: DType, value: number): Value => s.b.create(constant, {}, { value: tensor(dtype, [], [value]) });
  const all = [number("i64", 0), ...values];
  const types = all.map(({ type }, i) => (i <= carried ? type : sliceType(type)));
  const build = ([turn, ...params]: readonly Value[]): readonly (Value | undefined)[] => {
    const results = s.subgraph(body, params, c.place, `${c.name}/`);
    const condition = s.b.create(less, { a: turn!, b: length });
    const kept = results.map((a, i) => a && s.b.create(select, { condition, a, b: i < carried ? params[i]! : number(a.type.dtype, 0) }));
    return [s.b.create(add, { a: turn!, b: number("i64", 1) }), ...kept];
  };
  const region = openRegion(s, types, build, all);
  return orDiscard([region], () => closedScan(s, region, all, carried + 1)).slice(1);
}

function scanOnce(c: ControlNode, s: Subgraphs, body: GraphProto, values: readonly Value[], carried: number): readonly Value[] {
  checkCounts(body, values, carried);
  const types = values.map(({ type }, i) => (i < carried ? type : sliceType(type)));
  const region = openRegion(s, types, (params) => s.subgraph(body, params, c.place, `${c.name}/`), values);
  return orDiscard([region], () => closedScan(s, region, values, carried));
}

function checkCounts(body: GraphProto, values: readonly Value[], carried: number): void {
  if (carried < 0 || body.input.length !== values.length) throw new Unfit(`has ${values.length} values, its body takes ${body.input.length}`);
  if (body.output.length < carried) throw new Unfit(`carries ${carried} values, its body gives ${body.output.length}`);
}

function closedScan(s: Subgraphs, region: OpenRegion, values: readonly Value[], carried: number): readonly Value[] {
  const turns = values[carried]!.type.shape.slice(0, 1);
  const uneven = values.slice(carried).find(({ type }) => !equalShapes(type.shape.slice(0, 1), turns));
  if (uneven) throw new Unfit(`scans ${shapeText(turns)} slices of one value and ${shapeText(uneven.type.shape.slice(0, 1))} of another`);
  region.results.slice(0, carried).forEach(({ type }, i) => sameTypes(values[i]!.type, type, (a, b) => `carries ${a}, of which a turn makes ${b}`));
  region.results.slice(0, carried).forEach((result, i) => sameStored(s, values[i]!, result, (a, b) => `carries ${a}, of which a turn makes ${b}`));
  const { regions, captures } = closeRegions([region], ["body"]);
  return markedLike(s, s.b.createAll(scan, { values: [...values, ...captures] }, { carried, captured: captures.length }, regions), region.results);
}

function sliceType({ dtype, shape }: TensorType): TensorType {
  if (shape.length === 0) throw new Unfit("scans a value of rank 0");
  return tensorType(dtype, shape.slice(1));
}

function present(operands: readonly (Value | undefined)[]): readonly Value[] {
  const values = operands.filter((value) => value !== undefined);
  if (values.length !== operands.length) throw new Unfit("has an input that is left out");
  return values;
}

function axisOf(axis: number, rank: number): number {
  if (axis < -rank || axis >= rank) throw new Unfit(`scans axis ${axis}, the rank is ${rank}`);
  return axis < 0 ? axis + rank : axis;
}

function toFront(s: Subgraphs, x: Value, axis: number): Value {
  const axes = Array.from({ length: rankOf(x) }, (_, i) => i);
  return axis === 0 ? x : moved(s, x, s.b.create(transpose, { x }, { perm: [axis, ...axes.filter((a) => a !== axis)] }));
}

function fromFront(s: Subgraphs, x: Value, axis: number): Value {
  const rest = Array.from({ length: rankOf(x) - 1 }, (_, i) => i + 1);
  return axis === 0 ? x : moved(s, x, s.b.create(transpose, { x }, { perm: [...rest.slice(0, axis), 0, ...rest.slice(axis)] }));
}

function reversed(s: Subgraphs, x: Value): Value {
  return moved(s, x, s.b.create(reverse, { x }, { axes: [0] }));
}

/** The same elements elsewhere. */
function moved(s: Subgraphs, from: Value, to: Value): Value {
  return s.stored.mark(to, s.stored.of(from));
}

function intsOf(node: NodeProto, name: string): readonly number[] {
  const attribute = node.attribute.find((candidate) => candidate.name === name);
  if (!attribute) return [];
  return attribute.i === undefined ? Array.from(attribute.ints, Number) : [Number(attribute.i)];
}
