import { TypeMismatch } from "../ir/op-def.ts";
import type { Value } from "../ir/graph.ts";
import { type Graph, type Op } from "../ir/graph.ts";
import { returnOp } from "../ir/ops/control.ts";
import { zeroTail } from "../ir/ops/span.ts";
import { shapeText } from "../ir/broadcast.ts";
import { NeoError, type Note } from "../support/errors.ts";
import { BoundedParams } from "./extents/params.ts";
import { Bounding, hasOpenValues, isEndless, isOpen, openAxes, Unbounded } from "./extents/bounding.ts";
import { FOUND } from "./extents/found.ts";
import { isIndependent } from "./extents/independent.ts";
import { MOVED, SYMBOLIC, WHOLE } from "./extents/moved.ts";
import { READERS } from "./extents/readers.ts";
import { reachesOpen, REGIONS } from "./extents/regions.ts";
import type { Pass } from "./pass.ts";

export const boundExtents: Pass = {
  name: "bound-extents",
  summary: "gives tensors of open length their greatest, and the true one beside them",
  run(graph) {
    if (!hasOpenValues(graph) && !graph.ops.some((op) => SYMBOLIC[op.name])) return false;
    const fixed = new Bounding(buildAll);
    const notes: Note[] = [];
    const params = new BoundedParams(graph, fixed, notes);
    notes.push(...buildAll(graph, fixed));
    if (notes.length > 0) throw refusal(notes);
    end(graph, fixed, params.extents);
    const old = new Set(graph.ops);
    graph.ops = [...graph.ops, ...fixed.b.ops];
    graph.erase(old);
    graph.params.splice(0, graph.params.length, ...params.params);
    return true;
  },
};

/** Builds the fixed forms of all ops but the last; or why some have none. Those that hang on such are left out. */
function buildAll(graph: Graph, fixed: Bounding): readonly Note[] {
  const failed = new Set<Value>();
  return graph.ops.slice(0, -1).flatMap((op) => {
    const notes = op.operands.some((value) => value && failed.has(value)) ? [] : tried(op, fixed);
    if (notes) op.results.forEach((value) => failed.add(value));
    return notes ?? [];
  });
}

/** Builds the fixed form of an op; or why it has none. */
function tried(op: Op, fixed: Bounding): readonly Note[] | undefined {
  fixed.b.loc = op.loc;
  try {
    if (!isOpen(op) && !SYMBOLIC[op.name] && !reachesOpen(op, fixed)) fixed.copy(op).forEach((value, i) => fixed.set(op.results[i]!, value));
    else build(op, fixed);
    return undefined;
  } catch (error) {
    if (!(error instanceof Unbounded || error instanceof TypeMismatch)) throw error;
    if (error instanceof Unbounded && error.inside.length > 0) return error.inside;
    return [{ where: op.loc.join(", ") || op.results[0]?.name || op.name, text: `${op.name} ${error.message}` }];
  }
}

function build(op: Op, fixed: Bounding): void {
  for (const { type } of op.results) {
    const endless = type.shape.find(isEndless);
    if (endless !== undefined) throw new Unbounded(`gives ${shapeText(type.shape)}, and nothing says how long that can get; make it known with \`--set\``);
  }
  const found = REGIONS[op.name] ?? FOUND[op.name] ?? (op.name === "reshape" ? MOVED["reshape"] : SYMBOLIC[op.name]);
  if (found) return found(op, fixed);
  const reads = op.operands.flatMap((value, i) =>
    value ? openAxes(value.type).flatMap((axis) => (isIndependent(op, i, axis) ? [] : [[i, axis] as const])) : [],
  );
  if (reads.length === 0 && WHOLE[op.name]) return WHOLE[op.name]!(op, fixed);
  if (reads.length === 0) return fixed.copy(op).forEach((value, i) => fixed.set(op.results[i]!, value));
  if (MOVED[op.name]) return MOVED[op.name]!(op, fixed);
  const reader = READERS[op.name];
  if (reader && reads.every(([operand, axis]) => reader.along(op, operand, axis))) return reader.handle(op, fixed);
  const [operand, axis] = reads[0]!;
  const { shape } = op.operands[operand]!.type;
  throw new Unbounded(`reads ${shapeText(shape)} along axis ${axis}, whose length only a run tells; put a reduction, or a slice of known size, before it`);
}

/** Outputs are zero behind their end, and their true extents stand behind them. */
function end(graph: Graph, fixed: Bounding, inputExtents: readonly number[]): void {
  fixed.b.loc = [];
  const { names } = graph.terminator.attrs as { readonly names: readonly string[] };
  const values: Value[] = [];
  const lengths: Value[] = [];
  const extents: number[] = [];
  graph.outputs.forEach((value, output) => {
    let x = fixed.at(value);
    for (const axis of openAxes(value.type)) {
      const length = fixed.extent(value.type.shape[axis]!);
      x = fixed.b.create(zeroTail, { x, length }, { axis });
      if (!lengths.includes(length)) lengths.push(length);
      extents.push(output, axis, graph.outputs.length + lengths.indexOf(length));
    }
    if (x.name === "") x.name = value.name;
    values.push(x);
  });
  const outputNames = graph.outputs.map((value, i) => names[i] || value.name);
  fixed.b.create(returnOp, { values: [...values, ...lengths] }, { names: outputNames, extents, inputExtents });
}

function refusal(notes: readonly Note[]): NeoError {
  return new NeoError({
    code: "NEO3110",
    message: `${notes.length} operation${notes.length > 1 ? "s" : ""} can't run on tensors whose length only a run tells`,
    notes,
    hint: "give one size with `--shape`, make the input that decides the length a constant with `--set`, or cut the model before these nodes",
  });
}
