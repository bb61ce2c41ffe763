import { Builder, namedOperands } from "../ir/builder.ts";
import { Graph, Op, Value } from "../ir/graph.ts";
import { constant, fused, returnOp } from "../ir/ops/control.ts";
import { elementCount, equalShapes } from "../ir/types.ts";
import type { Pass } from "./pass.ts";

/** Longer chains would keep more values in registers than small machines have. */
const MAX_OPS = 12;
const MAX_INPUTS = 6;

/**
 * Elementwise ops of one result shape, each read only inside the group, become one `fused` op: one loop, values in registers.
 * Groups grow from the last op towards its operands.
 */
export const fuseElementwise: Pass = {
  name: "fuse-elementwise",
  summary: "puts chains of elementwise ops into one loop",
  run(graph) {
    const taken = new Set<Op>();
    const groups = new Map<Op, readonly Op[]>();
    for (const root of [...graph.ops].reverse()) {
      if (taken.has(root) || !isCandidate(root)) continue;
      const group = grow(root, taken);
      if (group.length < 2) continue;
      group.forEach((op) => taken.add(op));
      groups.set(
        root,
        graph.ops.filter((op) => group.includes(op)),
      );
    }
    if (groups.size === 0) return false;
    const ops: Op[] = [];
    const dead = new Set<Op>();
    for (const op of graph.ops) {
      const group = groups.get(op);
      if (group) {
        const made = fuse(group);
        ops.push(made);
        graph.replaceUses(op.result, made.result);
        group.forEach((member) => dead.add(member));
      }
      ops.push(op);
    }
    graph.ops = ops;
    graph.erase(dead);
    return true;
  },
};

function isCandidate(op: Op): boolean {
  return op.def.elementwise && op.def.pure && op.results.length === 1 && op.regions.length === 0 && op.result.type.dtype !== "string";
}

function grow(root: Op, taken: ReadonlySet<Op>): Op[] {
  const group = [root];
  for (let i = 0; i < group.length && group.length < MAX_OPS; i++) {
    for (const value of group[i]!.operands) {
      const producer = value?.producer;
      if (!value || !producer || group.includes(producer) || taken.has(producer) || !isCandidate(producer)) continue;
      const inside = [...value.uses].every((user) => group.includes(user));
      const same = equalShapes(value.type.shape, root.result.type.shape);
      if (inside && same && inputsOf([...group, producer]).length <= MAX_INPUTS && group.length < MAX_OPS) group.push(producer);
    }
  }
  return group;
}

/** Values the group reads from outside; one-element constants stay inside. */
function inputsOf(group: readonly Op[]): Value[] {
  const inputs = new Set<Value>();
  for (const op of group) for (const value of op.operands) if (value && !group.includes(value.producer!) && !isScalarConstant(value)) inputs.add(value);
  return [...inputs];
}

function isScalarConstant(value: Value): boolean {
  return value.producer?.def === constant && elementCount(value.type.shape as readonly number[]) === 1 && value.type.dtype !== "string";
}

function fuse(group: readonly Op[]): Op {
  const inputs = inputsOf(group);
  const params = inputs.map((value) => new Value(value.type, value.name));
  const body = new Graph("body", params);
  const b = new Builder(body.ops);
  const inner = new Map<Value, Value>(inputs.map((value, i) => [value, params[i]!]));
  for (const op of group) {
    b.loc = op.loc;
    const operands = op.operands.map((value) => {
      if (!value) return undefined;
      if (!inner.has(value)) inner.set(value, b.create(constant, {}, value.producer!.attrs as never));
      return inner.get(value)!;
    });
    inner.set(op.result, b.create(op.def, namedOperands(op.def, operands) as never, op.attrs as never));
  }
  const root = group.at(-1)!;
  b.createAll(returnOp, { values: [inner.get(root.result)!] } as never, { names: [] });
  const made = new Op(fused, inputs, {}, [root.result.type], [...new Set(group.flatMap((op) => op.loc))], [body]);
  made.result.name = root.result.name;
  return made;
}
