import { add } from "../../ir/ops/arithmetic.ts";
import { equal, less } from "../../ir/ops/comparison.ts";
import { gather } from "../../ir/ops/gather.ts";
import { select } from "../../ir/ops/logic.ts";
import { concat } from "../../ir/ops/movement.ts";
import { Value } from "../../ir/graph.ts";
import { equalTypes } from "../../ir/types.ts";
import type { NodeContext } from "./context.ts";
import { MAPS } from "./maps.ts";
import { OLDEST_OPSET } from "./ops/table.ts";
import { castTo, range, reshapeTo, sliceAxis, unsqueezeAt } from "./rearrange.ts";
import type { GraphProto } from "./schema.ts";
import { openSequenceImporter, splitOpen } from "./open-sequences.ts";
import { OpenOptional, OpenSequence, Sequence, type Given } from "./scope.ts";
import { rankOf, shapeOf } from "./static-shape.ts";

/** Lays a subgraph open on what it is given; undefined for an output that a problem was noted for. */
type Open = (graph: GraphProto, inputs: readonly Given[], prefix: string) => readonly (Given | undefined)[];

type SequenceImporter = (c: NodeContext, given: readonly Given[], open: Open) => readonly (Given | undefined)[];

/** How long a sequence may get: each of its tensors is a value of the graph. */
const MOST_ITEMS = 1 << 13;

/**
 * Operators of sequences and optionals. How long a sequence is, and whether an optional holds something, is known when a model is
 * imported: a sequence is its tensors, and nothing of it is left in the graph. A place that only data tell picks among tensors of one type.
 */
const SEQUENCES: Readonly<Record<string, { readonly since: number; readonly run: SequenceImporter }>> = {
  ConcatFromSequence: { since: 11, run: (c, given) => [concatenated(c, sequenceOf(c, given, 0))] },
  Optional: { since: 15, run: importOptional },
  OptionalGetElement: {
    since: 15,
    run: (c, [value]) => [
      value instanceof OpenOptional ? value.value : value === "absent" || !value ? c.fail("takes what an optional holds, and it holds nothing") : value,
    ],
  },
  OptionalHasElement: {
    since: 15,
    run: (c, [value]) => [value instanceof OpenOptional ? value.has : c.scalar("bool", value === undefined || value === "absent" ? 0 : 1)],
  },
  SequenceAt: { since: 11, run: (c, given) => [itemAt(c, sequenceOf(c, given, 0))] },
  SequenceConstruct: { since: 11, run: (c, given) => [new Sequence(given.map((_, i) => c.need(i, `inputs[${i}]`)))] },
  SequenceEmpty: { since: 11, run: (c) => [new Sequence([], c.has("dtype") ? c.dtype("dtype") : "f32")] },
  SequenceErase: { since: 11, run: (c, given) => [erased(c, sequenceOf(c, given, 0))] },
  SequenceInsert: { since: 11, run: (c, given) => [inserted(c, sequenceOf(c, given, 0))] },
  SequenceLength: { since: 11, run: (c, given) => [c.scalar("i64", sequenceOf(c, given, 0).items.length)] },
  SequenceMap: { since: 17, run: importMap },
  SplitToSequence: { since: 11, run: (c) => [split(c)] },
};

/** Who treats a node of sequences; undefined for one of tensors. */
export function sequenceImporterFor(domain: string, operator: string, given: readonly Given[]): SequenceImporter | undefined {
  if (domain === "ai.onnx.ml" && Object.hasOwn(MAPS, operator)) return MAPS[operator]!.run;
  if (domain !== "") return undefined;
  if (operator === "Identity" && !(given[0] instanceof Value)) return (_c, [value]) => [value];
  if (!Object.hasOwn(SEQUENCES, operator)) return undefined;
  const [first] = given;
  if (!(first instanceof OpenSequence)) return SEQUENCES[operator]!.run;
  const open = openSequenceImporter(operator);
  return (c) => (open ? open(c, first) : c.fail("takes a sequence whose length hangs on the model's inputs", { kind: "dataDependent" }));
}

/** By name, with the first opset that has each. */
export function sequenceOperators(): readonly { readonly domain: string; readonly name: string; readonly since: number }[] {
  return [
    ...Object.entries(SEQUENCES).map(([name, { since }]) => ({ domain: "", name, since: Math.max(since, OLDEST_OPSET) })),
    ...Object.entries(MAPS).map(([name, { since }]) => ({ domain: "ai.onnx.ml", name, since })),
  ];
}

function sequenceOf(c: NodeContext, given: readonly Given[], index: number): Sequence {
  const found = given[index];
  return found instanceof Sequence
    ? found
    : c.fail(`takes a sequence, and input ${index} is ${found === "absent" || !found ? "left out" : "a tensor"}`, { kind: "type" });
}

function importOptional(c: NodeContext, [value]: readonly Given[]): readonly Given[] {
  // The type says what it would hold.
  c.ignore("type");
  return [value ?? "absent"];
}

function importMap(c: NodeContext, given: readonly Given[], open: Open): readonly Sequence[] {
  const body = c.graph("body");
  const { items } = sequenceOf(c, given, 0);
  const rows = items.map((_, i) => {
    const inputs = given.map((value): Given => {
      if (!(value instanceof Sequence)) return value;
      return value.items[i] ?? c.fail(`maps sequences of ${items.length} and ${value.items.length} tensors`);
    });
    return open(body, inputs, `${i}/`).map((result) => (result instanceof Value ? result : c.fail("has a body that gives no tensor")));
  });
  return body.output.map((_, k) => new Sequence(rows.map((row) => row[k]!)));
}

function concatenated(c: NodeContext, { items }: Sequence): Value {
  const isNew = c.flag("new_axis", false);
  const [first] = items;
  if (!first) return c.fail("concatenates no tensors");
  const axis = c.axis(c.required("axis", c.int("axis")), rankOf(first) + (isNew ? 1 : 0));
  const xs = isNew ? items.map((item) => unsqueezeAt(c.b, item, [axis])) : items;
  return xs.length === 1 ? xs[0]! : c.b.create(concat, { xs }, { axis });
}

/** A place that is known, from the front: at most `last`. Negative ones count from behind the last of `length` tensors. */
function placeIn(c: NodeContext, index: number, length: number, last = length - 1): number | undefined {
  if (!c.isKnown(index)) return undefined;
  const place = c.constantInts(index, "a place")?.[0];
  if (place === undefined || place < -length || place > last) return c.fail(`takes place ${place} of ${length} tensors`);
  return place < 0 ? place + length : place;
}

function itemAt(c: NodeContext, { items }: Sequence): Value {
  const place = placeIn(c, 1, items.length);
  return place === undefined ? picked(c, items, openPlace(c, 1)) : items[place]!;
}

function erased(c: NodeContext, { items, dtype }: Sequence): Sequence {
  if (!c.operand(1)) return new Sequence(items.slice(0, -1), dtype);
  const place = placeIn(c, 1, items.length);
  if (place !== undefined) return new Sequence(items.toSpliced(place, 1), dtype);
  // Behind the place each is the one after it.
  const from = fromFront(c, openPlace(c, 1), items.length);
  return new Sequence(
    range(items.length - 1).map((k) => picked(c, items, either(c, before(c, k, from), c.scalar("i64", k), c.scalar("i64", k + 1)))),
    dtype,
  );
}

function inserted(c: NodeContext, { items, dtype }: Sequence): Sequence {
  const value = c.need(1, "tensor");
  if (dtype !== undefined && value.type.dtype !== dtype) c.fail(`inserts ${value.type.dtype} into a sequence of ${dtype}`, { kind: "type" });
  if (items.length >= MOST_ITEMS) c.fail(`makes a sequence of more than ${MOST_ITEMS} tensors`);
  if (!c.operand(2)) return new Sequence([...items, value]);
  const place = placeIn(c, 2, items.length, items.length);
  if (place !== undefined) return new Sequence(items.toSpliced(place, 0, value));
  const all = [...items, value];
  const from = fromFront(c, openPlace(c, 2), items.length);
  return new Sequence(
    range(all.length).map((k) => {
      const isHere = c.b.create(equal, { a: from, b: c.scalar("i64", k) });
      const behind = either(c, isHere, c.scalar("i64", items.length), c.scalar("i64", Math.max(0, k - 1)));
      return picked(c, all, either(c, before(c, k, from), c.scalar("i64", k), behind));
    }),
  );
}

/** k < place */
function before(c: NodeContext, k: number, place: Value): Value {
  return c.b.create(less, { a: c.scalar("i64", k), b: place });
}

function either(c: NodeContext, condition: Value, a: Value, b: Value): Value {
  return c.b.create(select, { condition, a, b });
}

function openPlace(c: NodeContext, index: number): Value {
  return castTo(c.b, reshapeTo(c.b, c.need(index, "position"), []), "i64");
}

function fromFront(c: NodeContext, place: Value, length: number): Value {
  const isBack = c.b.create(less, { a: place, b: c.scalar("i64", 0) });
  return either(c, isBack, c.b.create(add, { a: place, b: c.scalar("i64", length) }), place);
}

/** The tensor at a place that data tell: all of them have to be of one type. */
function picked(c: NodeContext, items: readonly Value[], place: Value): Value {
  const [first] = items;
  if (!first) return c.fail("takes a tensor of an empty sequence");
  if (!items.every(({ type }) => equalTypes(type, first.type)))
    c.fail("takes a place that hangs on the model's inputs, and the tensors of the sequence are of different shapes", { kind: "dataDependent" });
  const rows = items.map((item) => unsqueezeAt(c.b, item, [0]));
  return c.b.create(gather, { x: rows.length === 1 ? rows[0]! : c.b.create(concat, { xs: rows }, { axis: 0 }), indices: place }, { axis: 0 });
}

function split(c: NodeContext): Sequence | OpenSequence {
  const x = c.need(0, "input");
  const axis = c.axis(c.int("axis", 0), rankOf(x));
  const keeps = c.flag("keepdims", true);
  const isSingle = !c.operand(1) || (rankOf(c.need(1, "split")) === 0 && c.constantInts(1, "the lengths of parts")?.[0] === 1);
  if (typeof x.type.shape[axis] !== "number" && isSingle) return splitOpen(c, x, axis, keeps || c.operand(1) !== undefined);
  const size = shapeOf(x)[axis]!;
  const given = c.operand(1) ? c.constantInts(1, "the lengths of parts") : undefined;
  const isOne = given !== undefined && rankOf(c.need(1, "split")) === 0;
  if (isOne && given[0]! < 1) c.fail(`splits into parts of ${given[0]}`);
  const count = isOne ? Math.ceil(size / given[0]!) : size;
  if ((given && !isOne ? given.length : count) > MOST_ITEMS) c.fail(`makes a sequence of more than ${MOST_ITEMS} tensors`);
  const lengths = given && !isOne ? given : range(count).map((i) => (isOne ? Math.min(given[0]!, size - i * given[0]!) : 1));
  if (lengths.some((length) => length < 0) || lengths.reduce((sum, length) => sum + length, 0) !== size) c.fail(`splits ${size} into ${lengths.join(", ")}`);
  let start = 0;
  const parts = lengths.map((length) => sliceAxis(c.b, x, axis, (start += length) - length, length));
  const shape = shapeOf(x).filter((_, i) => i !== axis);
  return new Sequence(keeps || given ? parts : parts.map((part) => reshapeTo(c.b, part, shape)), x.type.dtype);
}
