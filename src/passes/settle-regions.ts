import { Builder } from "../ir/builder.ts";
import { Op, type Graph, type Value } from "../ir/graph.ts";
import { callOp, constant, ifOp } from "../ir/ops/control.ts";
import { loopOp, scan } from "../ir/ops/loop.ts";
import { allocate, type Tensor } from "../ir/tensor.ts";
import { elementCount, type StaticType } from "../ir/types.ts";
import { constantTensor } from "./constants.ts";
import type { Pass } from "./pass.ts";

/**
 * What is decided already is laid open in place: calls, branches whose condition is constant, loops of no turn. Regions get the
 * constants they read for themselves, so that other passes see them, and lose what they do not read; a carried value that no turn
 * changes is one they only read.
 */
export const settleRegions: Pass = {
  name: "settle-regions",
  summary: "lays open calls and decided branches, gives regions their constants and takes what they do not read",
  run(graph) {
    let changed = false;
    while (settleOnce(graph)) changed = true;
    return changed;
  },
};

function settleOnce(graph: Graph): boolean {
  const dead = new Set<Op>();
  const ops: Op[] = [];
  for (const op of graph.ops) {
    const settled = settle(op);
    ops.push(...(settled?.ops ?? []), op);
    if (!settled) continue;
    op.results.forEach((result, i) => graph.replaceUses(result, settled.values[i]!));
    dead.add(op);
  }
  graph.ops = ops;
  graph.erase(dead);
  return dead.size > 0;
}

interface Settled {
  readonly ops: readonly Op[];
  readonly values: readonly Value[];
}

function settle(op: Op): Settled | undefined {
  if (op.def === callOp) return laidOpen(op.regions[0]!, op.operands as Value[]);
  if (op.def === ifOp) {
    const condition = constantTensor(op.operands[0]);
    if (condition) return laidOpen(op.regions[condition.data[0] ? 0 : 1]!, op.operands.slice(1) as Value[]);
  }
  if (op.def === loopOp && op.attrs["turns"] === 0) return withoutTurns(op);
  const captures = capturesOf(op);
  return captures && (unchangedCarried(op) ?? tidied(op, captures));
}

/** The ops of a region move to where its op stands. */
function laidOpen(region: Graph, args: readonly Value[]): Settled {
  region.params.forEach((param, i) => region.replaceUses(param, args[i]!));
  const values = [...region.outputs];
  const { terminator } = region;
  terminator.operands.forEach((_, i) => terminator.setOperand(i, undefined));
  return { ops: region.ops.filter((op) => op !== terminator), values };
}

function withoutTurns(op: Op): Settled {
  const carried = op.attrs["carried"] as number;
  const b = new Builder();
  b.loc = op.loc;
  const rows = op.results.slice(carried).map(({ type }) => {
    const data = allocate(type.dtype, elementCount((type as StaticType).shape));
    return b.create(constant, {}, { value: { type, data } as Tensor });
  });
  return { ops: b.ops, values: [...(op.operands.slice(2, 2 + carried) as Value[]), ...rows] };
}

/** Where the values lie that a region only reads: the first of the operands, and of the parameters of each region. */
interface Captures {
  readonly operand: number;
  readonly param: number;
}

function capturesOf(op: Op): Captures | undefined {
  const carried = op.attrs["carried"] as number;
  if (op.def === ifOp) return { operand: 1, param: 0 };
  if (op.def === loopOp) return { operand: 2 + carried, param: 1 + carried };
  const scanned = op.operands.length - (op.attrs["captured"] as number);
  return op.def === scan ? { operand: scanned, param: scanned } : undefined;
}

/** The op without captures that are constants, that nobody reads, or that it has twice. */
function tidied(op: Op, { operand, param }: Captures): Settled | undefined {
  const values = op.operands.slice(operand) as Value[];
  const kept = values.filter((value, i) => !constantTensor(value) && values.indexOf(value) === i && op.regions.some((r) => r.params[param + i]!.uses.size > 0));
  if (kept.length === values.length) return undefined;
  for (const region of op.regions) {
    const params = region.params.splice(param);
    const constants = new Builder();
    values.forEach((value, i) => {
      const at = kept.indexOf(value);
      const first = values.indexOf(value);
      if (params[i]!.uses.size === 0) return;
      if (at >= 0) region.replaceUses(params[i]!, params[first]!);
      else region.replaceUses(params[i]!, constants.create(constant, {}, { value: constantTensor(value)! }));
    });
    region.ops.unshift(...constants.ops);
    region.params.push(...kept.map((value) => params[values.indexOf(value)]!));
  }
  const attrs = op.def === scan ? { ...op.attrs, captured: kept.length } : op.attrs;
  return rebuilt(op, [...op.operands.slice(0, operand), ...kept], attrs, op.results);
}

/** A carried value that each turn gives back as it is becomes one that the body only reads. */
function unchangedCarried(op: Op): Settled | undefined {
  if (op.def !== loopOp && op.def !== scan) return undefined;
  const carried = op.attrs["carried"] as number;
  const [body] = op.regions as [Graph];
  const { terminator } = body;
  const [operands, params, results] = op.def === loopOp ? [2, 1, 1] : [0, 0, 0];
  const same = Array.from({ length: carried }, (_, k) => terminator.operands[results + k] === body.params[params + k]);
  if (!same.includes(true)) return undefined;
  const moved = <T>(list: readonly T[], from: number): T[] => {
    const own = list.slice(from, from + carried);
    return [...list.slice(0, from), ...own.filter((_, k) => !same[k]), ...list.slice(from + carried), ...own.filter((_, k) => same[k])];
  };
  body.params.splice(0, body.params.length, ...moved(body.params, params));
  const given = terminator.operands.filter((_, i) => !same[i - results]);
  const returned = new Op(terminator.def, given, terminator.attrs, [], terminator.loc);
  body.erase(new Set([terminator]));
  body.ops.push(returned);
  const count = same.filter(Boolean).length;
  const attrs = { ...op.attrs, carried: carried - count, ...(op.def === scan ? { captured: (op.attrs["captured"] as number) + count } : {}) };
  const left = op.results.filter((_, k) => !same[k]);
  const made = rebuilt(op, moved(op.operands, operands), attrs, left);
  return { ops: made.ops, values: op.results.map((result, k) => (same[k] ? op.operands[operands + k]! : made.values[left.indexOf(result)]!)) };
}

function rebuilt(op: Op, operands: readonly (Value | undefined)[], attrs: Op["attrs"], results: readonly Value[]): Settled {
  const types = results.map(({ type }) => type);
  const made = new Op(op.def, operands, attrs, types, op.loc, op.regions);
  made.results.forEach((value, i) => (value.name = results[i]!.name));
  return { ops: [made], values: made.results };
}
